#!/bin/sh
# Train models/item_placement; run it again to go on after an interruption.
exec kida train item_placement --config "$(dirname "$0")/train_item_placement.toml" --out "${1:-runs/item_placement}"
