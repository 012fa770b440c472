"""Everything that touches SCIP: settings, branching rules, one solve and its record."""
