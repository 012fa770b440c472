#!/bin/sh
# Try an installed kida, and nothing of this folder: a solve in which the policy branches, and libkida.
#   scripts/try_wheel.sh INSTANCE
set -eu
told=$(kida solve "$1" --model set_cover --time-limit 60)
echo "$told"
echo "$told" | grep --quiet '^branching  *[1-9][0-9,]* decisions'
python -P -c 'import ctypes, kida.libkida; ctypes.CDLL(str(kida.libkida.library()))'
