#!/bin/sh
# Train models/item_placement; run it again to go on after an interruption.
here="$(cd "$(dirname "$0")" && pwd)"
# The recipe names a function in scripts/.
export PYTHONPATH="$here/..${PYTHONPATH:+:$PYTHONPATH}"
exec kida train item_placement --config "$here/train_item_placement.toml" --out "${1:-runs/item_placement}"
