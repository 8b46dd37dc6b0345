#!/usr/bin/python3
"""What is installed can be used: a program outside of the tree, in C and in C++17, finds the library by pkg-config, with the shared and with the static one,
and the installed command finds its library wherever the prefix lies.

    installed.py BUILD_FOLDER C_COMPILER [C++_COMPILER]

Installs into a folder of its own below the temporary ones."""
import glob
import os
import subprocess
import sys
import tempfile

PROGRAM = """#include <emcache.h>
#include <stdio.h>

int main(void)
{
    emc_address node = emc_address_tcp("127.0.0.1", 1);
    emc_options options = emc_options_default();
    emc_client *client = NULL;
    emc_error error;
    if (emc_client_create(&client, &node, 1, &options, &error) != EMC_OK) {
        return 1;
    }
    emc_client_destroy(client);
    printf("%s %d.%d.%d\\n", emc_library_version(), EMC_VERSION_MAJOR, EMC_VERSION_MINOR, EMC_VERSION_PATCH);
    return 0;
}
"""
WARNINGS = ["-Wall", "-Wextra", "-Werror"]


def output(command, **more):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True, stdin=subprocess.DEVNULL, **more)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\nended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def flags(there, description, *wanted):
    """Of the package, as if its prefix were below `there`."""
    environment = dict(os.environ, PKG_CONFIG_PATH=os.path.dirname(description))
    prefix = output(["pkg-config", "--variable=prefix", "emcache"], env=environment).strip()
    return output(["pkg-config", f"--define-variable=prefix={there}{prefix}", *wanted, "emcache"], env=environment).split()


def main():
    build, compilers = sys.argv[1], sys.argv[2:]
    os.environ.pop("LD_LIBRARY_PATH", None)  # Meson's tests have one, with the library that is not installed
    with tempfile.TemporaryDirectory() as there:
        output(["meson", "install", "-C", build, "--no-rebuild", "--quiet", "--destdir", there])
        (description,) = glob.glob(there + "/**/emcache.pc", recursive=True)
        library = os.path.dirname(os.path.dirname(description))
        static = [word if word != "-lemcache" else "-l:libemcache.a" for word in flags(there, description, "--static", "--libs")]
        for compiler, language in zip(compilers, (["-x", "c", "-std=c11"], ["-x", "c++", "-std=c++17"])):
            for kind, libraries in (("shared", flags(there, description, "--libs") + ["-Wl,-rpath," + library]), ("static", static)):
                source, program = os.path.join(there, "program.source"), os.path.join(there, "program")
                with open(source, "w", encoding="utf-8") as file:
                    file.write(PROGRAM)
                output([*compiler.split(), *WARNINGS, *language, *flags(there, description, "--cflags"), source, "-x", "none", "-o", program, *libraries])
                version, said = output([program]).split()
                if version != said:
                    sys.exit(f"{compiler}, {kind}: the library says {version}, the header {said}")
        (command,) = glob.glob(there + "/**/bin/emcache", recursive=True)
        output([command, "--version"])
    print("installed, found by pkg-config, linked and run")


if __name__ == "__main__":
    main()
