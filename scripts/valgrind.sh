#!/bin/sh
# libkida built alone, without anything of Python's, installed, and the example in C under valgrind
# with the SCIP inside PySCIPOpt. Any error, or memory that is lost, ends this with 9.
#
#   scripts/valgrind.sh PYTHON
set -eu
cd "$(dirname "$0")/.."
python=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
home=$PWD/build/valgrind
mkdir -p "$home"
cmake -S . -B "$home/libkida" -D Python_EXECUTABLE="$python" > "$home/libkida.log"
cmake --build "$home/libkida" >> "$home/libkida.log"
cmake --install "$home/libkida" --prefix "$home/kida" >> "$home/libkida.log"
library=$("$python" -P -c "
import pathlib, pyscipopt
print(*pathlib.Path(pyscipopt.__file__).parents[1].glob('pyscipopt.libs/libscip*'))")
cmake -S examples/c -B "$home/example" -D CMAKE_PREFIX_PATH="$home/kida" \
    -D SCIP_LIBRARY="$library" > "$home/example.log"
cmake --build "$home/example" >> "$home/example.log"
exec valgrind --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite,indirect \
    "$home/example/solve" instances/set_cover_easy_valid_0.mps.gz \
    "$home/kida/share/kida/models/set_cover" 9
