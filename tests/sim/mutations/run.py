#!/usr/bin/env python3
"""Deliberate faults in the engine: is each of them found by the random simulation, and after how many seeds?

  run.py [--seeds N] [--folder FOLDER] [NAME...]   plays each patch (or those named) on up to N seeds (20000)
  run.py --check                                   only: does each patch still apply, in one place alone, and compile?
  run.py --renew [NAME...]                         writes the patches that apply elsewhere than they say, or not exactly, anew: look at them after

Each *.patch beside this file begins with a sentence that says what is wrong. A copy of the tree is patched and emcache-sim alone is built
there; the tree itself stays as it is. Exits with 1 when a fault is not found, or a patch does not apply.
"""
import argparse
import difflib
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
LEFT_OUT = {"build", ".git"}


def sentence(patch):
    return patch.read_text().split("\n--- ", 1)[0].strip()


def apply(patch, folder, *options):
    """Lines may have moved, but all that surrounds a change must be as it was (-F0, unless an option says otherwise)."""
    command = ["patch", "-p1", "-s", "-F0", "--no-backup-if-mismatch", "-r", "-", *options, "-i", str(patch)]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def files_of(patch):
    return [line[6:] for line in patch.read_text().splitlines() if line.startswith("+++ b/")]


def hunks_of(patch):
    """For each hunk its file and the lines that it wants to find there."""
    file, wanted = None, None
    for line in patch.read_text().splitlines(keepends=True):
        if line.startswith("--- a/"):
            file, wanted = line[6:].strip(), None
        elif line.startswith("@@ "):
            wanted = []
            yield file, wanted
        elif wanted is not None and line[0] in " -":
            wanted.append(line[1:])


def places(patch, folder):
    """In how many places each hunk could be meant."""
    return [("\n" + (folder / file).read_text()).count("\n" + "".join(wanted)) for file, wanted in list(hunks_of(patch))]


def copy_of_the_engine(folder):
    for name in ("src", "include"):
        shutil.copytree(ROOT / name, folder / name)


def put_back(patch, folder):
    for file in files_of(patch):
        shutil.copyfile(ROOT / file, folder / file)


def compiles(patch, folder):
    command = ["cc", "-std=gnu17", "-D_GNU_SOURCE", "-fsyntax-only", "-Werror=implicit-function-declaration",
               "-Iinclude", "-Isrc", *files_of(patch)]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    return None if result.returncode == 0 else "does not compile: " + result.stderr.strip().splitlines()[0]


def fault_of(patch, folder):
    """What is wrong with the patch; None: nothing. The folder is as it was afterwards."""
    result = apply(patch, folder)
    if result.returncode != 0:
        problem = "applies no more: " + (result.stdout + result.stderr).strip().splitlines()[-1]
    else:
        problem = compiles(patch, folder)
    put_back(patch, folder)
    if problem is None and any(count != 1 for count in places(patch, folder)):
        problem = "could be meant for more than one place"
    return problem


def check(patches):
    """True when every patch applies to the engine as it is, and what comes of it compiles."""
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        copy_of_the_engine(folder)
        for patch in patches:
            problem = fault_of(patch, folder)
            if problem is not None:
                print(f"{patch.name} {problem} (run.py --renew may help)")
                failed += 1
    print(f"{len(patches)} patches, {failed} of them are not as they should be")
    return failed == 0 and len(patches) >= 20


def renew(patches):
    """Writes each patch as the tree has its lines now. True when all could be."""
    failed = 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        copy_of_the_engine(folder)
        for patch in patches:
            result = apply(patch, folder, "-F3")
            failed += result.returncode != 0
            if result.returncode != 0:
                print(f"{patch.name} must be made by hand: {(result.stdout + result.stderr).strip().splitlines()[-1]}")
            else:
                text = sentence(patch) + "\n"
                for file in files_of(patch):
                    before, after = [(root / file).read_text().splitlines(keepends=True) for root in (ROOT, folder)]
                    text += "".join(difflib.unified_diff(before, after, f"a/{file}", f"b/{file}"))
                if text != patch.read_text():
                    patch.write_text(text)
                    print(f"{patch.name} is written anew")
            put_back(patch, folder)
    return failed == 0


def copy_tree(folder):
    """By content, so that what did not change is not built again."""
    source = folder / "source"
    for name in sorted(path.name for path in ROOT.iterdir() if path.name not in LEFT_OUT):
        root = ROOT / name
        for file in [root] if root.is_file() else root.rglob("*"):
            target = source / file.relative_to(ROOT)
            if not file.is_file() or "__pycache__" in file.parts:
                continue
            if not target.exists() or target.read_bytes() != file.read_bytes():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, target)
                shutil.copymode(file, target)
    return source


def configure(folder, source):
    build = folder / "build"
    if not (build / "build.ninja").exists():
        options = ["-Dexamples=false", "-Dbench=false", "--buildtype=debugoptimized"]
        subprocess.run(["meson", "setup", str(build), str(source), *options], check=True, stdout=subprocess.DEVNULL)
    return build


def build_simulator(build):
    command = ["ninja", "-C", str(build), "tests/sim/emcache-sim"]
    return subprocess.run(command, capture_output=True, text=True)


def play(build, seeds):
    """How many seeds it took, and the words of the failure; None when all passed."""
    command = [str(build / "tests/sim/emcache-sim"), "--seeds", str(seeds)]
    try:
        result = subprocess.run(command, capture_output=True, timeout=600)
    except subprocess.TimeoutExpired:
        return seeds, "it hangs"
    if result.returncode == 0:
        return None
    if result.returncode < 0:
        return crashed_at(command, seeds), f"the program dies of signal {-result.returncode}"
    lines = [line for line in result.stdout.decode(errors="replace").splitlines() if line.startswith("seed ")]
    number, words = lines[0][5:].split(" failed: ", 1)
    return int(number), words.split(": ", 1)[1]


def crashed_at(command, seeds):
    """The first seed that crashes, found by halving."""
    low, high = 0, seeds
    while high - low > 1:
        middle = (low + high) // 2
        result = subprocess.run([*command[:-1], str(middle)], capture_output=True, timeout=600)
        low, high = (middle, high) if result.returncode == 0 else (low, middle)
    return high


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=20000)
    parser.add_argument("--folder", type=pathlib.Path, default=ROOT / "build" / "mutations")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--renew", action="store_true")
    parser.add_argument("names", nargs="*")
    arguments = parser.parse_args()
    patches = [patch for patch in sorted(HERE.glob("*.patch")) if not arguments.names or patch.stem in arguments.names]
    if arguments.check:
        return 0 if check(patches) else 1
    if arguments.renew:
        return 0 if renew(patches) else 1
    source = copy_tree(arguments.folder)
    build = configure(arguments.folder, source)
    missed = 0
    print(f"| fault in the engine | seeds | found as |\n|---|---|---|")
    for patch in patches:
        applied = apply(patch, source)
        built = build_simulator(build) if applied.returncode == 0 else None
        if built is None or built.returncode != 0:
            print(f"| {sentence(patch)} | - | does not {'build' if built else 'apply'} |", flush=True)
            missed += 1
        else:
            found = play(build, arguments.seeds)
            missed += found is None
            seeds, words = found if found else (f"> {arguments.seeds}", "NOT FOUND")
            words = "".join(letter if letter.isprintable() else "?" for letter in words)[:110]
            print(f"| {sentence(patch)} | {seeds} | {words} |", flush=True)
        copy_tree(arguments.folder)
    print(f"\n{len(patches) - missed} of {len(patches)} faults were found")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
