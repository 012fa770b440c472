// Full strong branching: the expert whose choices the network learns, and who may decide near the
// root itself.
#pragma once

#include <cstddef>
#include <vector>

#include "scip_api.h"

namespace kida {

// What strong branching found; vectors run over the candidates, NaN where not evaluated.
struct StrongBranching {
  std::vector<double> down_gain;  // LP objective gain of the child with the variable rounded down
  std::vector<double> up_gain;
  std::vector<double> score;  // SCIP's branching score of the two gains
  int best = -1;              // index of the highest score; -1 if nothing could be evaluated
  bool complete = false;      // every candidate that should be was evaluated
  // Dual bounds proved for the children of the best candidate.
  double best_down = 0.0;
  double best_up = 0.0;
};

struct StrongBranchingOptions {
  // A child's LP ends after that many iterations of the simplex method, with a bound on its gain
  // from below; 0: never early.
  int iterations = 0;
  // Leave no trace in the solver (pseudocosts, conflicts): for labels at nodes where somebody else
  // decides.
  bool idempotent = true;
  // Of an integral candidate, count the far side of the bound as SCIP's own rule does.
  bool artefact = false;
};

// Evaluate `candidates` at the focus node, whose LP must be solved to optimality.
//
// An infeasible child gains what is missing to the cutoff bound, as in SCIP. A candidate that is
// integral in the LP solution keeps that solution in one child, which therefore gains nothing:
// that side's gain is 0, however infeasible the value beyond the bound is (SCIP's own rule counts
// the bound's far side as a huge gain, which ranks integral variables first; so does `artefact`).
// Only the candidates at `positions` are evaluated, in that order; it ends early when the solve is
// being stopped or an LP fails.
void strong_branching(Scip* scip, const std::vector<SCIP_Var*>& candidates,
                      const std::vector<std::size_t>& positions, StrongBranchingOptions options,
                      StrongBranching& result);

// Positions of the `limit` candidates of best pseudocost score, ascending; of all if it is 0.
std::vector<std::size_t> promising_by_pseudocost(Scip* scip,
                                                 const std::vector<SCIP_Var*>& candidates,
                                                 int limit);

}  // namespace kida
