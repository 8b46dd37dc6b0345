#!/bin/sh
# A seed's trace is the same to the byte each time it is played: what a failing seed showed once, it shows again.
#   same_trace.sh EMCACHE-SIM
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for seed in 1 7 42 1868 68290; do
    "$1" --seed $seed --trace >"$folder/first"
    "$1" --seed $seed --trace >"$folder/second"
    cmp "$folder/first" "$folder/second" || { echo "seed $seed: two traces differ"; exit 1; }
    [ "$(wc -l <"$folder/first")" -gt 20 ] || { echo "seed $seed: hardly a trace"; exit 1; }
done
