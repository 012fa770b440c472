"""Named SCIP settings: what a solve is allowed to do, and when its clock starts.

Three protocols are offered: ``competition`` (the dual task of ML4CO, NeurIPS 2021), ``research``
(Gasse et al. 2019) and ``default`` (SCIP as a user runs it). To add one, add an entry to
``SETTINGS``; nothing else knows their names. Which rule branches is none of this file's business;
``kida.solver.settings`` puts them into a model.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Annotated, Literal

from msgspec import Meta, Struct

from kida.boundary import Count, Positive, Seconds
from kida.errors import UserError
from kida.parameters import ParameterValue

#: What a user's own file of settings sets, by name: of everything that SCIP has.
UserParameters = Annotated[
    dict[Annotated[str, Meta(max_length=200)], ParameterValue], Meta(max_length=10_000)
]


@dataclass(frozen=True)
class Settings:
    """One protocol of solving.

    Attributes
    ----------
    name, description
        What to call it, and one sentence for people.
    parameters
        SCIP parameters that differ from SCIP's defaults.
    heuristics
        Whether SCIP's primal heuristics run.
    clock_starts
        ``"root_end"``: the time limit counts from the first branching decision, so that presolving,
        cutting and the root's LP are free; ``"start"``: it counts from the start of the solve.
    objective_limit
        Whether the instance's known primal bound is given to SCIP as an objective limit: only
        better solutions are accepted then, and worse nodes are cut off.
    time_limit
        Seconds used when the caller names none.
    """

    name: str
    description: str
    parameters: Mapping[str, ParameterValue] = field(default_factory=dict)
    heuristics: bool = True
    clock_starts: Literal["root_end", "start"] = "start"
    objective_limit: bool = False
    time_limit: float = math.inf

    def __post_init__(self) -> None:
        object.__setattr__(self, "parameters", MappingProxyType(dict(self.parameters)))

    def under(self, parameters: Mapping[str, ParameterValue]) -> "Settings":
        """Return these settings with further SCIP parameters, by name, set after their own."""
        return replace(self, parameters={**self.parameters, **parameters})


SETTINGS: Mapping[str, Settings] = MappingProxyType(
    {
        settings.name: settings
        for settings in (
            Settings(
                "competition",
                "ML4CO 2021, dual task: heuristics and restarts off, objective limit, 900 s of "
                "wall-clock time from the end of the root node.",
                # The organisers capped SCIP's memory below their machines' 20 GB, to have it stop
                # by itself instead of being killed.
                {"estimation/restarts/restartpolicy": "n", "limits/memory": 19.0 * 1024},
                heuristics=False,
                clock_starts="root_end",
                objective_limit=True,
                time_limit=900.0,
            ),
            Settings(
                "research",
                "Gasse et al. 2019: cuts at the root only, no restarts, heuristics on, 3600 s.",
                {
                    "separating/maxrounds": 0,
                    "presolving/maxrestarts": 0,
                    "estimation/restarts/restartpolicy": "n",
                },
                time_limit=3600.0,
            ),
            Settings("default", "SCIP as a user runs it, with no time limit of its own."),
        )
    }
)


def named_settings(name: str) -> Settings:
    """Return the settings of that name.

    Raises
    ------
    UserError
        If there are none of that name.
    """
    try:
        return SETTINGS[name]
    except KeyError:
        known = ", ".join(SETTINGS)
        raise UserError(f"there are no settings named {name!r}; choose one of {known}") from None


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """When to stop a solve, whatever has been proven by then.

    Attributes
    ----------
    time
        Seconds of wall-clock time, counted as the settings say; ``None`` takes the settings' own.
    nodes
        Branch-and-bound nodes over all restarts, ``None`` for no limit.
    memory
        Mebibytes, ``None`` for the settings' own limit.

    Raises
    ------
    UserError
        If a limit is not above 0 and up to a billion.
    """

    time: Seconds | None = None
    nodes: Count | None = None
    memory: Positive | None = None

    def __post_init__(self) -> None:
        # Programs build it without the checks that a file goes through.
        for name, value, unit in (
            ("time", self.time, "number of seconds"),
            ("node", self.nodes, "number of nodes"),
            ("memory", self.memory, "number of mebibytes"),
        ):
            # `not <` rather than `>=`, so that NaN is refused too.
            if value is not None and not 0 < value <= 1e9:
                raise UserError(
                    f"the {name} limit is {value:g}; it must be a positive {unit} up to a billion"
                )

    def seconds(self, settings: Settings) -> float:
        """Return the time limit in force under ``settings``, infinite if there is none."""
        return settings.time_limit if self.time is None else self.time
