#!/bin/sh
# Steering on problems of any kind, under SCIP's default settings: a trained policy (if one is
# given), its ablation (lists by pseudocosts or by chance, with the monitor and without), SCIP's
# default and its dynamic lookahead: scripts/table_any.sh INSTANCES OUT [POLICY [OPTION...]].
# INSTANCES is a folder or a quoted pattern of files; those count that default solves in 2 to 300 s
# by 50 nodes or more. Three seeds, variables and constraints permuted by each.
set -e
here="$(cd "$(dirname "$0")" && pwd)"
instances="${1:?which instances?}"
out="${2:-results/any}"
policy="${3:+$3,}"
shift "$(($# < 3 ? $# : 3))"
python="${PYTHON:-python}"
kida evaluate "$instances" --split all --policies default --seeds 0 --settings default \
    --time-limit 300 --out "$out/default" --jobs 2 "$@"
"$python" "$here/any_benchmark.py" instances "$out/default" "$out/instances"
"$python" "$here/any_benchmark.py" policies "$out/policies"
own="$out/policies"
names="$own/pseudocosts,$own/pseudocosts_unmonitored,$own/random,$own/random_unmonitored"
kida evaluate "$out/instances" --split all --seeds 0-2 --permute --settings default \
    --time-limit 900 --out "$out/runs" --jobs 2 \
    --policies "${policy}default,relpscost-dynamic-lookahead,$names" "$@"
exec "$python" "$here/any_benchmark.py" verdict "$out/runs"
