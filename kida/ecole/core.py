"""``ecole.core``: where Ecole's compiled half is, and some programs look."""

from kida.ecole import data, information, instance, observation, reward, scip

__all__ = ["data", "information", "instance", "observation", "reward", "scip"]
