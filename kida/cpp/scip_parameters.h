// Setting SCIP parameters for a rule that may then turn out not to fit: all of them, or none.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "policy.h"
#include "scip_api.h"

namespace kida {

class ScipParameters {
 public:
  explicit ScipParameters(Scip* scip) : scip_(scip) {}
  // Puts what was set back as it was, unless keep() was called.
  ~ScipParameters();
  ScipParameters(const ScipParameters&) = delete;
  ScipParameters& operator=(const ScipParameters&) = delete;

  // Numbers are converted as PySCIPOpt does it. Throws std::runtime_error if SCIP does not know the
  // parameter or refuses the value.
  void set(const std::string& name, const ParameterValue& value);
  void keep() { before_.clear(); }

 private:
  Scip* scip_;
  std::vector<std::pair<std::string, ParameterValue>> before_;
};

}  // namespace kida
