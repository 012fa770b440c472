"""A policy in the modelling tools that solve with PySCIPOpt, one file for each tool.

Each says which part of the tool it stands on, and what of that is private there. None replaces
anything inside a tool: where a tool hands out its model, that is used; where it does not, its
solver is derived from, and what is not called any more raises an error. ``docs/adapters.md`` has a
recipe for each.
"""
