#!/bin/sh
# A row of docs/results.md for a model measured by time to optimality (Gasse et al. 2019):
# scripts/table_research.sh NAME SIZE OUT [OPTION...]; 20 test instances, two seeds, 600 s at most.
name="${1:?which model?}"
size="${2:?easy, medium or hard?}"
out="${3:-results/${name}_$size}"
shift "$(($# < 3 ? $# : 3))"
kida evaluate "$name" --size "$size" --split test --start 0 --count 20 --policies "$name,default" \
    --seeds 0,1 --settings research --time-limit 600 --jobs 2 --out "$out" "$@" &&
exec kida report "$out"
