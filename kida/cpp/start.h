// Values that a search may begin from, as a policy's card brings them.
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "scip_api.h"

namespace kida {

// What is to be said where no value was of use.
inline constexpr const char* no_start =
    "the problem has none of the variables that the policy brings starting values for; the search "
    "begins without";

// Hands SCIP a partial solution before the solve begins; its heuristic "completesol" looks for the
// rest. Left out are variables that the problem does not have, and values outside of their bounds.
// Returns how many are in; if none is, SCIP is handed nothing. Throws std::runtime_error.
std::size_t add_start(Scip* scip, const std::map<std::string, double>& values);

}  // namespace kida
