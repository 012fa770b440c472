"""Ecole's interface on kida's environments: ``import kida.ecole as ecole``.

Ecole (Prouvost et al. 2020, arXiv:2011.06069) is what most programs of this field are written for.
Here are the names that they use, of its versions 0.7 and 0.8, with SCIP 10 behind them;
``python -m kida.ecole SCRIPT ARGUMENTS`` runs a program that says ``import ecole`` as it is.
docs/migration.md says what differs, and what the names are in ``kida.env``, where new programs
should start.
"""

from kida.ecole import (
    core,
    data,
    dynamics,
    environment,
    information,
    instance,
    observation,
    reward,
    scip,
)
from kida.ecole.data import Default
from kida.ecole.errors import Exception, IteratorExhausted, MarkovError
from kida.ecole.random import RandomGenerator, seed, spawn_random_generator

#: The names of these in Ecole 0.7.
RandomEngine, spawn_random_engine = RandomGenerator, spawn_random_generator

#: That of the competition's Ecole, which its evaluation script insists on.
__version__ = "0.7.3"

__all__ = [
    "Default",
    "Exception",
    "IteratorExhausted",
    "MarkovError",
    "RandomEngine",
    "RandomGenerator",
    "core",
    "data",
    "dynamics",
    "environment",
    "information",
    "instance",
    "observation",
    "reward",
    "scip",
    "seed",
    "spawn_random_engine",
    "spawn_random_generator",
]
