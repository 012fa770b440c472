// Pseudocosts by the variables' names: out of one solve, and into later ones of problems that have
// the same variables.
#pragma once

#include <limits>
#include <map>
#include <string>

#include "scip_api.h"

namespace kida {

// A cost that nobody knows.
inline constexpr double unknown_cost = std::numeric_limits<double>::quiet_NaN();

// What a unit of change has cost on average, in the original objective.
struct Pseudocost {
  double down = unknown_cost;
  double up = unknown_cost;
};
using Pseudocosts = std::map<std::string, Pseudocost>;

// The largest on a card, see kida/network/card.py.
inline constexpr double largest_pseudocost = 1e15;

// Of the variables that a solve has branched on, or looked ahead at; none before its tree begins,
// and none that is larger than that.
Pseudocosts learned_pseudocosts(Scip* scip);

// Has the solve begin with them, once its first LP is solved, in place of those of a policy before:
// each counts as one observation of that run, which after a restart is not the current one. Left
// out are those of variables that the problem does not have, or that presolving has removed.
// Copies of the problem begin without. Throws std::runtime_error.
void include_pseudocosts(Scip* scip, Pseudocosts pseudocosts);

}  // namespace kida
