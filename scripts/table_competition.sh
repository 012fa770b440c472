#!/bin/sh
# A row of docs/results.md for a model measured by the dual bound it reaches (the competition's
# settings): scripts/table_competition.sh NAME SIZE OUT [OPTION...]; 20 test instances, 60 s each.
name="${1:?which model?}"
size="${2:?easy, medium or hard?}"
out="${3:-results/${name}_${size}_competition}"
shift "$(($# < 3 ? $# : 3))"
kida evaluate "$name" --size "$size" --split test --start 0 --count 20 --policies "$name,default" \
    --seeds 0 --settings competition --time-limit 60 --jobs 2 --out "$out" "$@" &&
exec kida report "$out"
