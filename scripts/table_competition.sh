#!/bin/sh
# A row of docs/results.md for a model measured by the dual bound it reaches (the competition's
# settings): scripts/table_competition.sh NAME SIZE OUT [OPTION...]; 20 test instances, one seed,
# 60 s after the root node.
here="$(cd "$(dirname "$0")" && pwd)"
name="${1:?which model?}"
size="${2:?easy, medium or hard?}"
out="${3:-results/${name}_${size}_competition}"
shift "$(($# < 3 ? $# : 3))"
# The later of two options counts.
exec "$here/table_research.sh" "$name" "$size" "$out" \
    --seeds 0 --settings competition --time-limit 60 "$@"
