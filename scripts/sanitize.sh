#!/bin/sh
# The native core under AddressSanitizer and UndefinedBehaviorSanitizer: the tests of the network, the
# solver, the environments and libkida. Anything found ends the process, and with it this script.
#
#   scripts/sanitize.sh PYTHON [PYTEST ARGUMENT...]
#
# PYTHON is that of an environment in which the tests run. The core is built a second time, into an
# environment of its own below build/, which borrows all other packages from the first.
set -eu
cd "$(dirname "$0")/.."
python=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
shift
home=$PWD/build/sanitize
mkdir -p "$home"
[ -x "$home/venv/bin/python" ] || "$python" -m venv --without-pip "$home/venv"
packages=$("$home/venv/bin/python" -c "import sysconfig; print(sysconfig.get_path('purelib'))")
# Plain paths: what .pth files in them do, such as finding an editable kida, is left out.
"$python" -c "import sys; print(*[p for p in sys.path if p.endswith('-packages')], sep='\n')" \
    > "$packages/borrowed.pth"
"$python" -m pip --python "$home/venv/bin/python" install --quiet \
    --no-deps --force-reinstall --config-settings=build-dir="$home/cmake" \
    --config-settings=cmake.define.KIDA_SANITIZE=ON .

compiler=${CXX:-c++}
# The interpreter is not instrumented, so the libraries have to be there before anything else.
preload="$($compiler -print-file-name=libasan.so) $($compiler -print-file-name=libubsan.so)"
preload="$preload $($compiler -print-file-name=libstdc++.so)"
# Python and SCIP keep memory until the end; what the core leaks shows in campaign_memory.py.
export ASAN_OPTIONS=detect_leaks=0:detect_stack_use_after_return=1:quarantine_size_mb=16
export UBSAN_OPTIONS=print_stacktrace=1
# Processes that tests start must not find the uncompiled kida in this folder either.
export PYTHONSAFEPATH=1
[ $# -gt 0 ] || set -- tests/network tests/solver tests/env tests/test_libkida.py
LD_PRELOAD=$preload exec "$home/venv/bin/python" -P -m pytest -q -p no:cacheprovider "$@"
