#!/bin/sh
# Instructions for each operation, counted by callgrind in the client alone: a figure that a noisy machine does not change.
#
#   bench/instructions.sh build/bench        prints a table in Markdown
#
exec /usr/bin/python3 "$(dirname "$0")/instructions.py" "$@"
