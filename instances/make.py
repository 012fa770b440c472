"""Write the instances of this folder again: ``python instances/make.py FOLDER``.

They are instance 0 of the valid split of each family with a policy, in the easy size where there
are sizes; two are made smaller, because together they must stay below a megabyte (see README.md).
"""

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from kida.instances.facility_location import facility_location
from kida.instances.program import Program
from kida.instances.registry import family_names, generated_family, instances
from kida.instances.source import Source
from kida.network.policy import shipped


def without_fixed_columns(program: Program) -> Program:
    """Leave out the columns fixed to zero, and the rows that then say nothing (0 >= 0)."""
    keep = ~((program.lower == 0.0) & (program.upper == 0.0))
    row = np.repeat(np.arange(len(program.rows)), np.diff(program.starts))
    entries = keep[program.indices]
    lengths = np.bincount(row[entries], minlength=len(program.rows))
    # worker_used >= 0 is all that is left of a row whose other column is gone.
    says = lengths > np.where([name.startswith("worker_used") for name in program.rows], 1, 0)
    entries &= says[row]
    return dataclasses.replace(
        program,
        name=f"{program.name}_trimmed",
        columns=[name for name, kept in zip(program.columns, keep, strict=True) if kept],
        rows=[name for name, kept in zip(program.rows, says, strict=True) if kept],
        objective=program.objective[keep],
        lower=program.lower[keep],
        upper=program.upper[keep],
        starts=np.concatenate([[0], np.cumsum(lengths[says])]),
        indices=(np.cumsum(keep) - 1)[program.indices[entries]],
        values=program.values[entries],
        left=program.left[says],
        right=program.right[says],
    )


def programs() -> Iterator[Program]:
    """Draw the instances, one of each family with a policy."""
    for name in filter(shipped().__contains__, family_names()):
        instance = instances(name, "valid", 0, 1)[0]
        if name == "facility_location":
            yield facility_location("facility_location_40x40", Source.of(instance), 40, 40)
        elif name == "load_balancing":
            yield without_fixed_columns(generated_family(name).program(instance))
        else:
            yield generated_family(name).program(instance)


if __name__ == "__main__":
    for drawn in programs():
        drawn.write(Path(sys.argv[1]) / f"{drawn.name}.mps.gz")
