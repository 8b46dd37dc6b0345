#!/usr/bin/python3
"""Everything public is documented where it is declared: each function, each type, each field of an option struct. And each C file of
src/ opens by saying what lives in it."""
import re
import sys

import source

DECLARATION = re.compile(r"^(?:EMC_API\b[^;]*?\b(emc_\w+)\s*\(|static inline [^;{]*?\b(emc_\w+)\s*\(|typedef (?:struct|enum|union) (emc_\w+)|"
                         r"typedef [^;{]*?\b(emc_\w+)\s*\([^;{]*\);|#define (EM\w+)\b)", re.MULTILINE)
OPTION_STRUCT = re.compile(r"^typedef struct (emc_\w*options|emc_call) \{\n(.*?)^\} ", re.MULTILINE | re.DOTALL)
FIELD = re.compile(r"^\s+[\w\s*()]+?\(?\*?(\w+)\)?(?:\([^)]*\))?;", re.MULTILINE)
# Macros that need no words of their own: guards and what the doc comment before them covers.
UNDOCUMENTED = re.compile(r"_H$|^EMC_API$|^EMC_VERSION_(MINOR|PATCH)$|^EMC_STATUS_(LIST|ENUM_ENTRY)$")


def documented(text, position):
    """True when a comment ends directly before the declaration, or on the line of the declaration before it with no blank line between."""
    return text[:position].rstrip(" \t").removesuffix("\n").rstrip(" \t").endswith("*/") and "/**" in text[:position]


def check_declarations(path, text, problems):
    for match in DECLARATION.finditer(text):
        name = next(group for group in match.groups() if group)
        if not UNDOCUMENTED.search(name) and not documented(text, match.start()):
            problems.append(f"{path}:{text.count(chr(10), 0, match.start()) + 1}: {name} has no comment")


def check_options(path, text, problems):
    for struct in OPTION_STRUCT.finditer(text):
        body = struct.group(2)
        for field in FIELD.finditer(body):
            rest = body[field.end():].split("\n", 1)[0]
            if "/**<" not in rest and not body[:field.start()].rstrip().endswith("*/"):
                problems.append(f"{path}: {struct.group(1)}.{field.group(1)} has no comment")


def main():
    problems = []
    public = source.files("include")
    for path in public:
        text = source.read(path)
        check_declarations(path, text, problems)
        check_options(path, text, problems)
    sources = source.files("src")
    problems += [f"{path}: does not open with a comment" for path in sources if not source.read(path).startswith("/*")]
    source.finish(problems, f"{len(public) + len(sources)} files")


if __name__ == "__main__":
    sys.exit(main())
