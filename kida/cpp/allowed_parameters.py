"""Write ``allowed_parameters.h``: which SCIP parameters a card may set, as kida/parameters.py says.

Run by CMake, with any Python and nothing installed: ``allowed_parameters.py OUTPUT``.
"""

import importlib
import sys
import types
from pathlib import Path


def main() -> None:
    """Write the header that is named by the only argument."""
    # The package itself wants to be installed; the two files that are read here need nothing.
    package = types.ModuleType("kida")
    package.__path__ = [str(Path(__file__).resolve().parents[1])]
    sys.modules["kida"] = package
    parameters = importlib.import_module("kida.parameters")
    patterns = "".join(f'    R"re({pattern})re",\n' for pattern in parameters.ALLOWED)
    Path(sys.argv[1]).write_text(
        f"""// Written by allowed_parameters.py out of kida/parameters.py, where the reasons are.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace kida {{

inline constexpr std::array<const char*, {len(parameters.ALLOWED)}> allowed_parameters{{
{patterns}}};
inline constexpr const char* never_in_parameters = R"re({parameters.NEVER.pattern})re";
inline constexpr std::size_t most_parameters = {parameters.MOST};
inline constexpr std::size_t longest_parameter = {parameters.LONGEST};
inline constexpr std::int64_t largest_parameter = {parameters.LARGEST};

}}  // namespace kida
"""
    )


if __name__ == "__main__":
    main()
