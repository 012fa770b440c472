#!/bin/sh
# The competition's own test runs of models/item_placement, 900 s each: 80 minutes on two cores.
#   scripts/official_item_placement.sh [OUT] [--count 4] [--compare-with ml4co_final_results.zip]
out="${1:-results/item_placement_official}"
[ $# -gt 0 ] && shift
exec kida evaluate item_placement --policies item_placement --official --start 0 --count 10 \
    --jobs 2 --out "$out" "$@"
