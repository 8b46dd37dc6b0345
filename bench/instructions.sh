#!/bin/sh
# Instructions for each operation, counted by callgrind in the client alone: see instructions.py.
#
#   bench/instructions.sh build/bench        prints a table in Markdown
#
exec /usr/bin/python3 "$(dirname "$0")/instructions.py" "$@"
