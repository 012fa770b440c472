"""The only room that touches PySCIPOpt: settings, solving, branching, strong branching, bounds."""

from kida.solver.scip import connect

connect()
