#include "steering.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "network.h"
#include "ranking.h"

namespace kida {

using namespace scip;  // NOLINT: the functions carry SCIP's own prefix

namespace {

// Gains of the objective below which they are none.
constexpr double least_gain = 1e-6;

// By the pseudocosts: the geometric mean of both children's, in the objective's units.
double gain(Scip* scip, SCIP_Var* variable) {
  const double value = SCIPvarGetLPSol(variable);
  const double down = SCIPgetVarPseudocostVal(scip, variable, std::floor(value) - value);
  const double up = SCIPgetVarPseudocostVal(scip, variable, std::ceil(value) - value);
  return std::sqrt(down * up);
}

// The variable that the focus node has just been branched on; null if it has no children.
SCIP_Var* branching_variable(Scip* scip) {
  SCIP_Node** children = nullptr;
  int count = 0;
  KIDA_CALL(SCIPgetChildren(scip, &children, &count));
  if (count == 0) return nullptr;
  std::array<SCIP_Var*, 1> variable{};
  std::array<double, 1> bound{};
  std::array<int, 1> type{};
  int changes = 0;
  SCIPnodeGetParentBranchings(children[0], variable.data(), bound.data(), type.data(), &changes, 1);
  return changes == 1 ? variable[0] : nullptr;
}

}  // namespace

Steering::Steering(SteeringSetup setup) : setup_(std::move(setup)), monitor_(setup_.lengths) {}

// Whether SCIP takes the pseudocosts of a variable for its gains, without strong branching.
bool Steering::is_reliable(Scip* scip, SCIP_Var* variable) const {
  return std::min(SCIPgetVarPseudocostCountCurrentRun(scip, variable, 0),
                  SCIPgetVarPseudocostCountCurrentRun(scip, variable, 1)) >= reliable_;
}

void Steering::restart(Scip* scip) {
  iterations_before_ = -1.0;
  monitor_.restart();
  SCIP_Param* reliable = SCIPgetParam(scip, "branching/relpscost/maxreliable");
  if (reliable != nullptr) reliable_ = SCIPparamGetReal(reliable);
}

bool Steering::score(Scip* scip, std::span<SCIP_Var* const> candidates,
                     const std::function<double()>& draw) {
  observe_steering(scip, candidates, draw, known_, features_);
  scores_.resize(candidates.size());
  setup_.model->score(features_, scores_);
  if (!all_finite(scores_)) return false;
  rank(scores_, ranked_);
  int place = 0;
  for (const std::size_t position : ranked_) {
    if (places_[position] != 0) places_[position] = ++place;
  }
  return true;
}

bool Steering::choose(Scip* scip, std::span<SCIP_Var* const> candidates,
                      const std::function<double()>& draw, std::vector<std::size_t>& shortlist) {
  unscored_ = false;
  if (closed()) return false;
  const auto iterations = static_cast<double>(SCIPgetNLPIterations(scip));
  strong_iterations_before_ = static_cast<double>(SCIPgetNStrongbranchLPIterations(scip));
  // The root's are no node's like the others.
  if (iterations_before_ >= 0.0) {
    monitor_.at_node(iterations + strong_iterations_before_, iterations - iterations_before_,
                     static_cast<double>(SCIPgetNNodes(scip)));
  }
  iterations_before_ = iterations;
  const int length = setup_.monitored ? monitor_.next() : setup_.lengths.front();
  places_.resize(candidates.size());
  std::transform(candidates.begin(), candidates.end(), places_.begin(),
                 [&](SCIP_Var* variable) { return is_reliable(scip, variable) ? 0 : 1; });
  // The list, or the one that this look is to tell of, would hold them all.
  if (std::accumulate(places_.begin(), places_.end(), 0) <=
      std::max({setup_.lengths.front(), length, monitor_.unsettled()})) {
    return false;
  }
  unscored_ = !score(scip, candidates, draw);
  unscored_nodes_ = unscored_ ? unscored_nodes_ + 1 : 0;
  closed_ = unscored_nodes_ >= ShortlistMonitor::patience;
  if (unscored_) return false;
  looking_ = length == 0;
  shortlist.clear();
  // In SCIP's order, by which it settles ties.
  for (std::size_t position = 0; position < candidates.size(); ++position) {
    if (looking_ || places_[position] <= length) shortlist.push_back(position);
  }
  return true;
}

void Steering::learn(Scip* scip, std::span<SCIP_Var* const> candidates, bool branched) {
  if (!setup_.monitored) return;
  const double spent =
      static_cast<double>(SCIPgetNStrongbranchLPIterations(scip)) - strong_iterations_before_;
  if (looking_) {
    look(scip, candidates, spent, branched);
  } else {
    monitor_.played(spent);
  }
}

void Steering::look(Scip* scip, std::span<SCIP_Var* const> candidates, double iterations,
                    bool branched) {
  const auto node = SCIPgetNNodes(scip);
  look_.iterations = iterations;
  look_.evaluated =
      static_cast<int>(std::count_if(candidates.begin(), candidates.end(), [&](SCIP_Var* variable) {
        return SCIPgetVarStrongbranchNode(scip, variable) == node;
      }));
  const std::size_t lists = monitor_.lengths().size();
  look_.retained.assign(lists, std::numeric_limits<double>::quiet_NaN());
  look_.caught.assign(lists, 1.0);
  if (branched) {
    if (!compare_gains(scip, candidates)) return;
  } else {
    compare_reductions(scip, candidates);
  }
  monitor_.looked(look_);
}

// What each list would have kept of the gain of the choice, by what strong branching has just
// taught the pseudocosts; false if the choice is none of the candidates.
bool Steering::compare_gains(Scip* scip, std::span<SCIP_Var* const> candidates) {
  const auto chosen = std::find(candidates.begin(), candidates.end(), branching_variable(scip));
  if (chosen == candidates.end()) return false;
  const int place = places_[static_cast<std::size_t>(chosen - candidates.begin())];
  const int open = *std::max_element(places_.begin(), places_.end());
  const double full = gain(scip, *chosen);
  std::vector<double> best(look_.retained.size(), 0.0);
  for (std::size_t position = 0; position < candidates.size(); ++position) {
    const double its = gain(scip, candidates[position]);
    for (std::size_t list = 0; list < best.size(); ++list) {
      if (places_[position] <= monitor_.lengths()[list]) best[list] = std::max(best[list], its);
    }
  }
  for (std::size_t list = 0; list < best.size(); ++list) {
    const int length = monitor_.lengths()[list];
    if (length >= open) continue;  // it would be all
    // Where nothing is gained the choice is by what else SCIP has learned: another is another.
    const double without = full > least_gain ? std::min(best[list] / full, 1.0) : 0.0;
    look_.retained[list] = place <= length ? 1.0 : without;
  }
  return true;
}

// Whether each list holds a candidate by which the node was cut off or a domain reduced: one that
// cannot keep its value any more or, if there is none, all that strong branching was asked about.
void Steering::compare_reductions(Scip* scip, std::span<SCIP_Var* const> candidates) {
  const double feastol = SCIPfeastol(scip);
  const auto node = SCIPgetNNodes(scip);
  int first = std::numeric_limits<int>::max();
  int last = 0;
  for (std::size_t position = 0; position < candidates.size(); ++position) {
    SCIP_Var* variable = candidates[position];
    const double value = SCIPvarGetLPSol(variable);
    if (value < SCIPvarGetLbLocal(variable) - feastol ||
        value > SCIPvarGetUbLocal(variable) + feastol) {
      first = std::min(first, places_[position]);
    } else if (SCIPgetVarStrongbranchNode(scip, variable) == node) {
      last = std::max(last, places_[position]);
    }
  }
  const int needed = first == std::numeric_limits<int>::max() ? last : first;
  for (std::size_t list = 0; list < look_.caught.size(); ++list) {
    look_.caught[list] = needed <= monitor_.lengths()[list] ? 1.0 : 0.0;
  }
}

}  // namespace kida
