#include "start.h"

#include <stdexcept>
#include <utility>
#include <vector>

namespace kida {

using namespace scip;  // NOLINT: the functions carry SCIP's own prefix

namespace {

void require(Retcode code) {
  if (code != okay) throw std::runtime_error("SCIP does not take the policy's starting values");
}

}  // namespace

std::size_t add_start(Scip* scip, const std::map<std::string, double>& values) {
  std::vector<std::pair<SCIP_Var*, double>> known;
  for (const auto& [name, value] : values) {
    SCIP_Var* variable = SCIPfindVar(scip, name.c_str());
    if (variable == nullptr) continue;
    const bool inside =
        value >= SCIPvarGetLbOriginal(variable) && value <= SCIPvarGetUbOriginal(variable);
    if (inside) known.emplace_back(variable, value);
  }
  if (known.empty()) return 0;
  SCIP_Sol* solution = nullptr;
  require(SCIPcreatePartialSol(scip, &solution, nullptr));
  for (const auto& [variable, value] : known) {
    require(SCIPsetSolVal(scip, solution, variable, value));
  }
  Bool stored = 0;
  require(SCIPaddSolFree(scip, &solution, &stored));
  return known.size();
}

}  // namespace kida
