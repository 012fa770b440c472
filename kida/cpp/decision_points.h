// Where a stepped solve stops: the plugins of SCIP that park it and carry out what was chosen.
//
// A new kind of decision is one more function here; its plugin holds a shared pointer to the solve,
// released when SCIP frees it.
#pragma once

#include <memory>

#include "rule_options.h"
#include "stepped_solve.h"

namespace kida {

// A branching rule: the options are the candidates' problem indices.
void stop_at_branching(Scip* scip, std::shared_ptr<SteppedSolve> solve, CandidateSet candidates,
                       int priority);

// A node selector: the options are the numbers of the open nodes, children first, then siblings,
// then leaves. It asks where there are two at least; left to SCIP, the node of lowest bound is
// next.
void stop_at_node_selection(Scip* scip, std::shared_ptr<SteppedSolve> solve, int priority);

// A primal heuristic, called after nodes: the options are the problem indices of the integer
// variables that are not fixed. What is found is found by the caller, while the solve is parked;
// whatever the choice, the solve goes on. Where it is called is up to SCIP's parameters of the
// heuristic "kida_stop".
void stop_after_nodes(Scip* scip, std::shared_ptr<SteppedSolve> solve, int priority);

}  // namespace kida
