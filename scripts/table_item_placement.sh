#!/bin/sh
# The table of models/item_placement in README.md, docs/results.md and its card: the first eight
# official test instances, 60 s after the root node. About 22 minutes on two cores.
out="${1:-results/item_placement_60s}"
kida evaluate item_placement --split test --start 0 --count 8 \
    --policies item_placement,default-orbital-bestbound,default-orbital,default,vanillafullstrong-orbital \
    --seeds 0 --time-limit 60 --jobs 2 --out "$out" &&
exec kida report "$out"
