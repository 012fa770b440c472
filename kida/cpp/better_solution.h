// What a better solution makes of the bounds, in the event that tells of it.
#pragma once

#include <algorithm>

#include "scip_api.h"

namespace kida {

// SCIP tells of a better solution before it moves its primal bound there: in the original
// objective, where it will be.
inline double primal_bound_after(Scip* scip, SCIP_Event* best_solution_found) {
  constexpr int maximize = -1;  // SCIP's objective senses have had these values since SCIP 1
  const double before = scip::SCIPgetPrimalbound(scip);
  const double found = scip::SCIPgetSolOrigObj(scip, scip::SCIPeventGetSol(best_solution_found));
  return scip::SCIPgetObjsense(scip) == maximize ? std::max(before, found)
                                                 : std::min(before, found);
}

// And the gap, as SCIP will say.
inline double gap_after(Scip* scip, SCIP_Event* best_solution_found) {
  return scip::SCIPcomputeGap(scip::SCIPepsilon(scip), scip::SCIPinfinity(scip),
                              primal_bound_after(scip, best_solution_found),
                              scip::SCIPgetDualbound(scip));
}

}  // namespace kida
