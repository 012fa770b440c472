"""The kernels of each instruction set against plain loops, arm64's in an emulator."""

import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from kida.network.instruction_set import instruction_sets

ROOT = Path(__file__).parents[2]
X86 = platform.machine() in ("x86_64", "AMD64")

#: Of each table: its file, the options that CMakeLists.txt gives it, and the compiler's prefix.
TABLES = {
    "baseline": ("baseline", (), ""),
    "avx2": ("avx2", ("-mavx2", "-mfma"), ""),
    "avx512": (
        "avx512",
        ("-mavx512f", "-mavx512vl", "-mfma", "-mprefer-vector-width=512"),
        "",
    ),
    "neon": ("baseline", (), "aarch64-linux-gnu-"),
}


def compiler(prefix: str) -> str:
    for name in (prefix + "g++", *(() if prefix else ("c++", "clang++"))):
        if shutil.which(name):
            return name
    pytest.skip(f"there is no compiler {prefix}g++")


def runner(name: str) -> list[str]:
    """Return what runs the program; skip if nothing can."""
    if name == "neon":
        emulator = shutil.which("qemu-aarch64-static") or shutil.which("qemu-aarch64")
        return [emulator] if emulator else pytest.skip("compiled; there is no qemu-aarch64")
    if name not in instruction_sets():
        pytest.skip(f"compiled; this processor has no {name}")
    return []


@pytest.mark.slow
@pytest.mark.parametrize("name", TABLES)
def test_kernels_compute_what_plain_loops_do(name: str, tmp_path: Path) -> None:
    table, options, prefix = TABLES[name]
    if name.startswith("avx") and not X86:
        pytest.skip("this is no x86-64 machine")
    program = tmp_path / "check"
    sources = [ROOT / "tests/cpp/check_kernels.cpp", ROOT / f"kida/cpp/kernels_{table}.cpp"]
    objects = []
    for source, flags in zip(sources, ((), options), strict=True):
        objects.append(tmp_path / f"{source.stem}.o")
        command = [compiler(prefix), "-std=c++20", "-O3", "-Wall", "-Wextra", "-Werror", *flags]
        command += [f"-DTABLE=kernels_{table}", "-c", str(source), "-o", str(objects[-1])]
        subprocess.run(command, check=True)
    # For another processor there may be no shared libraries.
    static = ["-static"] if prefix else []
    subprocess.run([compiler(prefix), *static, *objects, "-o", program], check=True)
    done = subprocess.run([*runner(name), program], capture_output=True, text=True, check=True)
    said, error = done.stdout.split()
    assert said == table
    assert float(error) < 1e-6
