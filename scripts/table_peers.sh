#!/bin/sh
# Ours, the network that others published for the family, and SCIP's rules on the same unseen
# instances, by time to optimality (nodes, fair nodes, time, share of the time in the rule):
# scripts/table_peers.sh FAMILY SIZE [CHECKPOINT [OUT [OPTION...]]]; 20 test instances, two seeds,
# 600 s at most. The sizes of Scavuzzo et al. (2022) are set_cover 400x750, combinatorial_auction
# easy, independent_set easy and facility_location 35x35; CHECKPOINT is what they published for it.
set -e
family="${1:?which family?}"
size="${2:?which size? see kida instances}"
published=../shared/data/published/rl2branch_il_$family
[ "$family" != facility_location ] || published=${published}_35x35
checkpoint="${3:-$published.safetensors}"
out="${4:-results/peers_${family}_$size}"
shift "$(($# < 4 ? $# : 4))"
peer=runs/peers/$family
[ -e "$peer/card.json" ] || kida import "$checkpoint" --out "$peer"
kida evaluate "$family" --size "$size" --split test --start 0 --count 20 \
    --policies "$family,$peer,default,pscost" \
    --seeds 0,1 --settings research --time-limit 600 --jobs 2 --out "$out" "$@"
exec kida report "$out"
