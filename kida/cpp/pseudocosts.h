// Pseudocosts by the variables' names: out of one solve, and into later ones of problems that have
// the same variables.
#pragma once

#include <limits>
#include <map>
#include <string>

#include "scip_api.h"

namespace kida {

// What a unit of change has cost on average, in the original objective; NaN where nobody knows.
struct Pseudocost {
  double down = std::numeric_limits<double>::quiet_NaN();
  double up = std::numeric_limits<double>::quiet_NaN();
};
using Pseudocosts = std::map<std::string, Pseudocost>;

// The largest on a card, see kida/network/card.py.
inline constexpr double largest_pseudocost = 1e15;

// Of the variables that a solve has branched on, or looked ahead at; none before its tree begins,
// and none that is larger than that.
Pseudocosts learned_pseudocosts(Scip* scip);

// Has the solve begin with them, once its first LP is solved: each counts as one observation.
// Those of variables that the problem does not have, or presolving has removed, are left out.
// Throws std::runtime_error.
void include_pseudocosts(Scip* scip, Pseudocosts pseudocosts);

}  // namespace kida
