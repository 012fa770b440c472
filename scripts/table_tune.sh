#!/bin/sh
# The table of docs/results.md on tuning: one command per row, 45 minutes each on two cores.
#   scripts/table_tune.sh DATA OUT [ROW [OPTION...]]      all rows, or one, with other options
# DATA holds folders/ and streams/ as docs/results.md describes them; OUT gets a tuning per row.
# START=60: generated folders of instances that no verdict of the table has been on.
set -eu
data=$1 out=$2 only=${3:-}
shift "$(($# < 3 ? $# : 3))"
options=$*

row() {  # name, what is tuned, further options
    name=$1 problems=$2
    shift 2
    [ -z "$only" ] || [ "$only" = "$name" ] || return 0
    # shellcheck disable=SC2086  # one word each
    kida tune "$problems" --budget 45m --jobs 2 --out "$out/$name" "$@" $options 2>&1 |
        tee -a "$out/$name.log"
}

files() {  # family, size: a folder of sixty generated files, of its training instances from START on
    [ -d "$out/files/$1-$2" ] ||
        kida generate "$1" --size "$2" --start "${START:-0}" --count 60 --no-bounds \
            --out "$out/files/$1-$2"
}

mkdir -p "$out"
row gisp "$data/folders/GISP" --goal time
row fcmcnf "$data/folders/FCMCNF" --goal time
for series in "$data"/streams/*; do
    row "$(basename "$series")" "$series" --order
done
files set_cover medium
row set_cover "$out/files/set_cover-medium" --goal time
files combinatorial_auction medium
row combinatorial_auction "$out/files/combinatorial_auction-medium" --goal time
for kind in knapsacks unstructured; do
    [ -d "$out/files/$kind" ] || python scripts/plain_problems.py "$kind" --count 30 --out "$out/files/$kind"
    row "$kind" "$out/files/$kind"
done
