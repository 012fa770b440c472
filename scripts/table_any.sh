#!/bin/sh
# Steering on problems of any kind, under SCIP's default settings, beside SCIP's default and its
# dynamic lookahead: scripts/table_any.sh INSTANCES OUT [POLICY [OPTION...]]. INSTANCES is a folder or
# a quoted pattern of files; those count that default solves in 2 to LIMIT (300) seconds by 50 nodes
# or more. Steered by a trained policy, if one is given, and by pseudocosts: three seeds, three times
# LIMIT at most; one seed of the ablation: without the monitor, and by chance. Variables and
# constraints are permuted by each seed.
set -e
here="$(cd "$(dirname "$0")" && pwd)"
instances="${1:?which instances?}"
out="${2:-results/any}"
policy="${3:+$3,}"
shift "$(($# < 3 ? $# : 3))"
python="${PYTHON:-python}"
limit="${LIMIT:-300}"
own="$out/policies"
kida evaluate "$instances" --split all --policies default --seeds 0 --settings default \
    --time-limit "$limit" --out "$out/default" --jobs 2 "$@"
"$python" "$here/any_benchmark.py" instances "$out/default" "$out/instances"
"$python" "$here/any_benchmark.py" policies "$own"
measure() {
    kida evaluate "$out/instances" --split all --permute --settings default \
        --time-limit "$((3 * limit))" --jobs 2 "$@"
}
measure --seeds 0-2 --out "$out/runs" \
    --policies "${policy}default,relpscost-dynamic-lookahead,$own/pseudocosts" "$@"
measure --seeds 0 --out "$out/ablation" \
    --policies "default,$own/pseudocosts_unmonitored,$own/random,$own/random_unmonitored" "$@"
"$python" "$here/any_benchmark.py" verdict "$out/runs"
exec "$python" "$here/any_benchmark.py" verdict "$out/ablation"
