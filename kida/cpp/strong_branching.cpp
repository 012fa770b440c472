#include "strong_branching.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "observation.h"
#include "ranking.h"

namespace kida {

using namespace scip;  // NOLINT: the functions carry SCIP's own prefix

namespace {

// Strong-branching mode must be left whatever happens, or the LP stays in diving state.
class Session {
 public:
  explicit Session(Scip* scip) : scip_(scip) { KIDA_CALL(SCIPstartStrongbranch(scip, 0)); }
  ~Session() {
    if (open_) SCIPendStrongbranch(scip_);
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  void end() {
    open_ = false;
    KIDA_CALL(SCIPendStrongbranch(scip_));
  }

 private:
  Scip* scip_;
  bool open_ = true;
};

void clear(std::size_t count, StrongBranching& result) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  result.down_gain.assign(count, nan);
  result.up_gain.assign(count, nan);
  result.score.assign(count, nan);
  result.best = -1;
  result.complete = false;
}

}  // namespace

std::vector<std::size_t> promising_by_pseudocost(Scip* scip,
                                                 const std::vector<SCIP_Var*>& candidates,
                                                 int limit) {
  std::vector<std::size_t> positions(candidates.size());
  std::iota(positions.begin(), positions.end(), std::size_t{0});
  if (limit <= 0 || static_cast<std::size_t>(limit) >= positions.size()) return positions;
  std::vector<double> scores;
  scores.reserve(candidates.size());
  for (SCIP_Var* variable : candidates) {
    scores.push_back(SCIPgetVarPseudocostScore(scip, variable, lp_value(scip, variable)));
  }
  rank(scores, positions);
  positions.resize(static_cast<std::size_t>(limit));
  std::sort(positions.begin(), positions.end());
  return positions;
}

void strong_branching(Scip* scip, const std::vector<SCIP_Var*>& candidates,
                      const std::vector<std::size_t>& positions, StrongBranchingOptions options,
                      StrongBranching& result) {
  clear(candidates.size(), result);
  if (SCIPgetLPSolstat(scip) != constants.lpsolstat_optimal) return;

  const double objective = SCIPgetLPObjval(scip);
  const double feastol = SCIPfeastol(scip);
  const double epsilon = SCIPepsilon(scip);
  const int limit = options.iterations > 0 ? options.iterations : std::numeric_limits<int>::max();
  Session session(scip);
  std::size_t evaluated = 0;
  for (const std::size_t k : positions) {
    if (SCIPisStopped(scip) != 0) break;
    SCIP_Var* variable = candidates[k];
    const double value = SCIPvarGetLPSol(variable);
    const bool integral = std::abs(value - std::round(value)) <= feastol;
    double down = -SCIPinfinity(scip);
    double up = down;
    Bool down_valid = 0, up_valid = 0, down_infeasible = 0, up_infeasible = 0, down_conflict = 0,
         up_conflict = 0, lp_error = 0;
    const auto evaluate = integral ? SCIPgetVarStrongbranchInt : SCIPgetVarStrongbranchFrac;
    KIDA_CALL(evaluate(scip, variable, limit, options.idempotent ? 1 : 0, &down, &up, &down_valid,
                       &up_valid, &down_infeasible, &up_infeasible, &down_conflict, &up_conflict,
                       &lp_error));
    if (lp_error != 0) break;

    down = std::max(down, objective);
    up = std::max(up, objective);
    double gains[3] = {down - objective, up - objective, 0.0};
    if (!options.idempotent) {
      const double fraction = integral ? 0.0 : value - std::floor(value);
      if (down_infeasible == 0 && down_valid != 0) {
        KIDA_CALL(
            SCIPupdateVarPseudocost(scip, variable, integral ? -1.0 : -fraction, gains[0], 1.0));
      }
      if (up_infeasible == 0 && up_valid != 0) {
        KIDA_CALL(SCIPupdateVarPseudocost(scip, variable, integral ? 1.0 : 1.0 - fraction, gains[1],
                                          1.0));
      }
    }
    if (integral && !options.artefact) {
      // Beyond a bound there is no child; at the value itself the LP solution stays.
      if (value <= SCIPvarGetLbLocal(variable) + epsilon) gains[0] = 0.0;
      if (value >= SCIPvarGetUbLocal(variable) - epsilon) gains[1] = 0.0;
    }
    result.down_gain[k] = gains[0];
    result.up_gain[k] = gains[1];
    result.score[k] = integral ? SCIPgetBranchScoreMultiple(scip, variable, 3, gains)
                               : SCIPgetBranchScore(scip, variable, gains[0], gains[1]);
    if (result.best < 0 || result.score[k] > result.score[result.best]) {
      result.best = static_cast<int>(k);
      result.best_down = down_valid != 0 && !integral ? down : objective;
      result.best_up = up_valid != 0 && !integral ? up : objective;
    }
    ++evaluated;
  }
  session.end();
  result.complete = evaluated == positions.size();
}

}  // namespace kida
