#!/bin/sh
# Build the examples in C with an installed kida and the SCIP inside PySCIPOpt, and run one:
#
#   examples/c/run.sh PYTHON BUILD PROBLEM POLICY_FOLDER [NODES]
#
# PYTHON is that of an environment in which kida is installed. Needs CMake and a C compiler.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
python=$1
build=$2
shift 2
library=$("$python" -P -c "
import pathlib, pyscipopt
package = pathlib.Path(pyscipopt.__file__).parent
print(*package.parent.glob('pyscipopt.libs/libscip*'), *package.glob('.dylibs/libscip*'))")
cmake -S "$here" -B "$build" -D SCIP_LIBRARY="$library" -D CMAKE_BUILD_TYPE=Release \
    -D kida_DIR="$("$python" -m kida.libkida)/cmake/kida" > "$build.log" 2>&1 &&
    cmake --build "$build" >> "$build.log" 2>&1 || { cat "$build.log" >&2; exit 2; }
exec "$build/solve" "$@"
