"""What a run needs, checked before any work: what is wrong shall not surface hours later.

A new option that may name what is not there, or that a package may be missing for, is checked here.
"""

import importlib.util
import os
from pathlib import Path

from kida.boundary import checked
from kida.errors import UserError, missing_extra
from kida.learning.config import RunConfig
from kida.learning.inventory import listed
from kida.learning.makers import Makers, plan_of
from kida.network.policy import Policy
from kida.parameters import check_parameters
from kida.settings import named_settings
from kida.solver.branching import try_parameters
from kida.solver.policies import load_function


def check_run(
    config: RunConfig,
    makers: Makers | None = None,
    *,
    threads: int | None = None,
    run: Path | None = None,
) -> None:
    """Refuse a run that could not come to its end; nothing is written.

    Parameters
    ----------
    config, makers, threads
        See :func:`kida.learning.dagger.train`.
    run
        The run's folder: what it has listed counts, whatever has come to its files since.

    Raises
    ------
    UserError
        With the first thing that is wrong, and what to do about it.
    """
    makers = makers or {}
    checked(config)
    if threads is not None and threads < 1:
        raise UserError(f"threads is {threads}; write how many, at least 1")
    check_packages()
    named_settings(config.collection.settings)
    plan_of(config, makers, None if run is None else listed(run))  # family, sizes and instances
    _check_parameters(config)
    _check_kind(config, makers)
    if config.collection.expert_score:
        load_function(config.collection.expert_score)
    if config.training.teacher not in ("", "previous"):
        _ = Policy.load(config.training.teacher).card.shape  # refuses one without a network
    _check_device(config.training.device)
    for number, maker in makers.items():
        if not 1 <= number <= config.generations:
            raise UserError(
                f"generation {number} is to be made otherwise, but the run has generations 1 to "
                f"{config.generations}: raise generations, or name another"
            )
        maker.check(config, number)


def calm_threads() -> None:
    """Let torch's threads sleep while they wait; to be called before torch is first imported.

    OpenMP's wait for each other by spinning, and on a machine with other work to do torch gets tens
    of times slower by that.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def check_packages() -> None:
    """Refuse to train where a package is missing that training needs."""
    for package in ("torch", "torch_geometric"):
        if not _installed(package):
            raise missing_extra("training", package, "train")


def _installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ValueError:  # what was kept from being imported
        return False


def _check_kind(config: RunConfig, makers: Makers) -> None:
    if config.kind == "network":
        return
    if config.generations != 1 or makers:
        raise UserError(
            f'generations is {config.generations}, but a policy of the kind "{config.kind}" is '
            "made of one generation's samples: set generations = 1, and raise collection.episodes"
        )
    if config.collection.candidates != "fractional":
        raise UserError(
            f'collection.candidates is "{config.collection.candidates}", but a policy of the kind '
            f'"{config.kind}" chooses among the fractional ones: set collection.candidates = '
            '"fractional"'
        )


def _check_parameters(config: RunConfig) -> None:
    played = config.collection.parameters
    # Those of a policy's card, into which they go in the end.
    check_parameters(played, "collection.parameters")
    check_parameters(config.inheritance.parameters, "inheritance.parameters")
    # The latter are set beside those of the episodes, and only after all generations.
    own = config.collection.user_parameters
    for parameters in (played, {**played, **config.inheritance.parameters}):
        try_parameters({**own, **parameters})


def _check_device(name: str) -> None:
    calm_threads()
    from kida.learning.train import choose_device

    choose_device(name)
