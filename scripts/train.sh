#!/bin/sh
# Train a shipped model again, from nothing: scripts/train.sh NAME [RUN_FOLDER]. The recipe is
# train_NAME.toml. Run it again to go on after an interruption.
here="$(cd "$(dirname "$0")" && pwd)"
name="${1:?which model? the recipes are $(cd "$here" && ls train_*.toml | tr '\n' ' ')}"
# A recipe may name a function in scripts/.
export PYTHONPATH="$here/..${PYTHONPATH:+:$PYTHONPATH}"
exec kida train --config "$here/train_$name.toml" --out "${2:-runs/$name}"
