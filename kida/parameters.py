"""SCIP parameters as data."""

ParameterValue = bool | int | float | str
