#include "start.h"

#include <stdexcept>
#include <utility>
#include <vector>

namespace kida {

using namespace scip;  // NOLINT: the functions carry SCIP's own prefix

namespace {

// SCIP's solution until it is handed over.
class Partial {
 public:
  explicit Partial(Scip* scip) : scip_(scip) {
    require(SCIPcreatePartialSol(scip, &solution_, nullptr));
  }
  Partial(const Partial&) = delete;
  Partial& operator=(const Partial&) = delete;
  ~Partial() {
    if (solution_ != nullptr) SCIPfreeSol(scip_, &solution_);
  }
  void set(SCIP_Var* variable, double value) {
    require(SCIPsetSolVal(scip_, solution_, variable, value));
  }
  void hand_over() {
    Bool stored = 0;
    require(SCIPaddSolFree(scip_, &solution_, &stored));
  }

 private:
  static void require(Retcode code) {
    if (code == okay) return;
    throw std::runtime_error(
        "SCIP does not take the policy's starting values: there may be as many partial solutions "
        "as limits/maxorigsol allows");
  }

  Scip* scip_;
  SCIP_Sol* solution_ = nullptr;
};

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
  Partial solution(scip);
  for (const auto& [variable, value] : known) solution.set(variable, value);
  solution.hand_over();
  return known.size();
}

}  // namespace kida
