// What the files of bindings share: SCIP's pointer out of a capsule, and the core's results as
// numpy arrays. Each file binds one part of the core; bindings.cpp puts them together.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "observation.h"
#include "rule_options.h"
#include "scip_api.h"
#include "strong_branching.h"

namespace kida {

namespace nb = nanobind;

void bind_network(nb::module_& m);
void bind_branchrule(nb::module_& m);
void bind_steering(nb::module_& m);
void bind_features(nb::module_& m);
void bind_stepping(nb::module_& m);

// Throws unless the focus node's LP is solved to optimality.
void require_solved_lp(Scip* scip);

std::vector<std::int32_t> indices_of(const std::vector<SCIP_Var*>& variables);

template <typename T>
using Input = nb::ndarray<const T, nb::c_contig, nb::device::cpu>;

template <typename T>
auto to_numpy(std::vector<T> values, std::vector<std::size_t> shape) {
  auto* owned = new std::vector<T>(std::move(values));
  nb::capsule owner(owned, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
  return nb::ndarray<nb::numpy, T>(owned->data(), shape.size(), shape.data(), owner);
}

template <typename T>
auto to_numpy(const std::vector<T>& values) {
  return to_numpy(values, {values.size()});
}

// PySCIPOpt's `Model.to_ptr(give_ownership=False)`.
inline Scip* scip_of(const nb::object& capsule) {
  if (!scip::connected()) throw std::runtime_error("the native core is not connected to SCIP");
  auto* scip = static_cast<Scip*>(PyCapsule_GetPointer(capsule.ptr(), "scip"));
  if (scip == nullptr) throw nb::python_error();
  return scip;
}

inline std::vector<SCIP_Var*> variables_of(Scip* scip, const Input<std::int32_t>& indices) {
  std::vector<SCIP_Var*> variables;
  for (std::size_t k = 0; k < indices.size(); ++k) {
    const std::int32_t j = indices.data()[k];
    if (j < 0 || j >= scip::SCIPgetNVars(scip)) {
      throw std::invalid_argument("a candidate is a variable that does not exist");
    }
    variables.push_back(scip::SCIPgetVars(scip)[j]);
  }
  return variables;
}

inline nb::tuple observation_arrays(const Observation& o) {
  const auto rows = static_cast<std::size_t>(o.rows());
  const auto variables = static_cast<std::size_t>(o.variables());
  return nb::make_tuple(to_numpy(o.row_features, {rows, row_feature_count}),
                        to_numpy(o.variable_features, {variables, variable_feature_count}),
                        to_numpy(o.row_starts), to_numpy(o.edge_columns), to_numpy(o.edge_values));
}

inline auto features_array(std::vector<float> features) {
  const std::size_t candidates = features.size() / candidate_feature_count;
  return to_numpy(std::move(features), {candidates, candidate_feature_count});
}

inline nb::dict strong_branching_arrays(const StrongBranching& s) {
  nb::dict result;
  result["down_gains"] = to_numpy(s.down_gain);
  result["up_gains"] = to_numpy(s.up_gain);
  result["scores"] = to_numpy(s.score);
  result["chosen"] = s.best;
  return result;
}

inline CandidateSet candidate_set_of(const std::string& name) {
  const auto found = std::find(candidate_set_names.begin(), candidate_set_names.end(), name);
  if (found == candidate_set_names.end()) {
    throw std::invalid_argument("'" + name + "' is not one of fractional, unfixed");
  }
  return static_cast<CandidateSet>(found - candidate_set_names.begin());
}

}  // namespace kida
