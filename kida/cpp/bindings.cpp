// What Python sees of the native core, the network and the branching rule apart. Argument checks
// live in the files of bindings; the classes trust their callers.
#include "bindings.h"

#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <utility>

#include "bound_recorder.h"
#include "branchrule.h"
#include "observation.h"
#include "pending_exception.h"
#include "pseudocosts.h"
#include "scip_api.h"
#include "start.h"
#include "strong_branching.h"

namespace kida {

using namespace nb::literals;

void require_solved_lp(Scip* scip) {
  if (scip::SCIPgetStage(scip) != scip::constants.stage_solving ||
      scip::SCIPgetLPSolstat(scip) != scip::constants.lpsolstat_optimal) {
    throw std::runtime_error(
        "there is no focus node with an LP solved to optimality: call this from a branching rule");
  }
}

std::vector<std::int32_t> indices_of(const std::vector<SCIP_Var*>& variables) {
  std::vector<std::int32_t> indices;
  indices.reserve(variables.size());
  for (SCIP_Var* variable : variables) indices.push_back(scip::SCIPvarGetProbindex(variable));
  return indices;
}

namespace {

void connect(const std::string& path, const nb::dict& enumerations, int first_major, int last_major,
             unsigned long main_thread) {
  scip::Constants constants;
  constants.visit([&](const char* name, auto& value) {
    value = nb::cast<std::decay_t<decltype(value)>>(enumerations[name]);
  });
  try {
    scip::connect(path, constants, first_major, last_major);
  } catch (const std::runtime_error& error) {
    throw nb::import_error(error.what());
  }
  PendingException::set_main_thread(main_thread);
}

// Down and up; none where nothing is known.
using Costs = std::pair<std::optional<double>, std::optional<double>>;

nb::dict learned(Scip* scip) {
  const auto known = [](double cost) { return std::isnan(cost) ? std::optional<double>() : cost; };
  nb::dict found;
  for (const auto& [name, cost] : learned_pseudocosts(scip)) {
    const nb::object key =
        nb::steal(PyUnicode_DecodeUTF8(name.data(), static_cast<Py_ssize_t>(name.size()), nullptr));
    // Bytes that are no text cannot be written on a card.
    if (key.is_valid()) {
      found[key] = Costs(known(cost.down), known(cost.up));
    } else {
      PyErr_Clear();
    }
  }
  return found;
}

Pseudocosts pseudocosts_of(const std::map<std::string, Costs>& costs) {
  constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  Pseudocosts found;
  for (const auto& [name, cost] : costs) {
    found[name] = {cost.first.value_or(unknown), cost.second.value_or(unknown)};
  }
  return found;
}

}  // namespace

NB_MODULE(_core, m) {
  // A function that refers to its model is in a circle through SCIP, which Python cannot see: at
  // the end of the interpreter that is no news to whoever wrote it.
  nb::set_leak_warnings(false);
  m.doc() = "The native core of kida: SCIP state to features to scores to branching.";

  m.def("connect", &connect, "path"_a, "enumerations"_a, "first_major"_a, "last_major"_a,
        "main_thread"_a,
        "Resolve SCIP's functions in the loaded extension module; raise ImportError otherwise.");

  m.def(
      "known_enumerations",
      [] {
        nb::dict found;
        scip::Constants().visit([&](const char* name, auto& value) { found[name] = value; });
        return found;
      },
      "What libkida, which has no PySCIPOpt to ask, takes SCIP's enumerations to be.");

  nb::enum_<RowFeature>(m, "RowFeature")
      .value("BIAS", bias)
      .value("OBJECTIVE_COSINE_SIMILARITY", objective_cosine_similarity)
      .value("IS_TIGHT", is_tight)
      .value("DUAL_SOLUTION_VALUE", dual_solution_value)
      .value("SCALED_AGE", row_scaled_age);
  nb::enum_<VariableFeature>(m, "VariableFeature")
      .value("OBJECTIVE", objective)
      .value("IS_TYPE_BINARY", is_type_binary)
      .value("IS_TYPE_INTEGER", is_type_integer)
      .value("IS_TYPE_IMPLICIT_INTEGER", is_type_implicit_integer)
      .value("IS_TYPE_CONTINUOUS", is_type_continuous)
      .value("HAS_LOWER_BOUND", has_lower_bound)
      .value("HAS_UPPER_BOUND", has_upper_bound)
      .value("NORMED_REDUCED_COST", normed_reduced_cost)
      .value("SOLUTION_VALUE", solution_value)
      .value("SOLUTION_FRAC", solution_frac)
      .value("IS_SOLUTION_AT_LOWER_BOUND", is_solution_at_lower_bound)
      .value("IS_SOLUTION_AT_UPPER_BOUND", is_solution_at_upper_bound)
      .value("SCALED_AGE", variable_scaled_age)
      .value("INCUMBENT_VALUE", incumbent_value)
      .value("AVERAGE_INCUMBENT_VALUE", average_incumbent_value)
      .value("IS_BASIS_LOWER", is_basis_lower)
      .value("IS_BASIS_BASIC", is_basis_basic)
      .value("IS_BASIS_UPPER", is_basis_upper)
      .value("IS_BASIS_ZERO", is_basis_zero);
  nb::enum_<CandidateFeature>(m, "CandidateFeature")
      .value("PSEUDOCOST_DOWN", pseudocost_down)
      .value("PSEUDOCOST_UP", pseudocost_up)
      .value("PSEUDOCOST_SCORE", pseudocost_score)
      .value("PSEUDOCOST_COUNT_DOWN", pseudocost_count_down)
      .value("PSEUDOCOST_COUNT_UP", pseudocost_count_up)
      .value("CONFLICT_SCORE", conflict_score)
      .value("INFERENCE_SCORE", inference_score)
      .value("CUTOFF_SCORE", cutoff_score)
      .value("DEPTH", candidate_depth);

  m.def(
      "observe",
      [](const nb::object& capsule, bool with_incumbent) {
        Scip* scip = scip_of(capsule);
        require_solved_lp(scip);
        Observation observation;
        observe(scip, with_incumbent, observation);
        return observation_arrays(observation);
      },
      "scip"_a, "with_incumbent"_a,
      "The focus node's observation: the arrays of kida.observation.Observation.");
  m.def(
      "candidates",
      [](const nb::object& capsule, const std::string& which) {
        Scip* scip = scip_of(capsule);
        require_solved_lp(scip);
        std::vector<SCIP_Var*> variables;
        branching_candidates(scip, candidate_set_of(which), variables);
        return to_numpy(indices_of(variables));
      },
      "scip"_a, "which"_a, "Indices of the focus node's branching candidates, int32.");
  m.def(
      "observe_candidates",
      [](const nb::object& capsule, const Input<std::int32_t>& candidates) {
        Scip* scip = scip_of(capsule);
        require_solved_lp(scip);
        std::vector<float> features;
        observe_candidates(scip, variables_of(scip, candidates), features);
        return features_array(std::move(features));
      },
      "scip"_a, "candidates"_a,
      "What the solver has learned of variables: kida.observation.CandidateFeature.");
  m.def(
      "strong_branching",
      [](const nb::object& capsule, const std::string& which, bool idempotent, int iterations,
         bool artefact) {
        Scip* scip = scip_of(capsule);
        require_solved_lp(scip);
        std::vector<SCIP_Var*> variables;
        branching_candidates(scip, candidate_set_of(which), variables);
        StrongBranching result;
        strong_branching(scip, variables, promising_by_pseudocost(scip, variables, 0),
                         {.iterations = iterations, .idempotent = idempotent, .artefact = artefact},
                         result);
        nb::dict arrays = strong_branching_arrays(result);
        arrays["candidates"] = to_numpy(indices_of(variables));
        return arrays;
      },
      "scip"_a, "which"_a, "idempotent"_a, "iterations"_a, "artefact"_a,
      "Full strong branching at the focus node.");
  m.def(
      "add_start",
      [](const nb::object& capsule, const std::map<std::string, double>& values) {
        return add_start(scip_of(capsule), values);
      },
      "scip"_a, "values"_a,
      "Hand SCIP a partial solution before its solve; return how many variables are in it.");
  m.attr("NO_START") = no_start;
  m.def(
      "variable_name",
      [](std::uintptr_t address) {
        const std::string_view name =
            scip::SCIPvarGetName(reinterpret_cast<SCIP_Var*>(address));  // NOLINT
        return nb::bytes(name.data(), name.size());
      },
      "address"_a, "The name of the variable at an address, which need be no text.");
  m.def(
      "learned_pseudocosts", [](const nb::object& capsule) { return learned(scip_of(capsule)); },
      "scip"_a, "By name, what a unit down and up has cost in a solve; None where nobody knows.");
  m.def(
      "include_pseudocosts",
      [](const nb::object& capsule, const std::map<std::string, Costs>& costs) {
        include_pseudocosts(scip_of(capsule), pseudocosts_of(costs));
      },
      "scip"_a, "pseudocosts"_a, "Have a solve begin with what others have learned.");
  nb::class_<BoundRecorder>(m, "BoundRecorder", "The trajectory of the bounds during a solve.")
      .def(nb::new_([](const nb::object& capsule, double limit_after_root) {
             return BoundRecorder::include(scip_of(capsule), limit_after_root);
           }),
           "scip"_a, "limit_after_root"_a = std::numeric_limits<double>::infinity())
      .def_static(
          "of", [](const nb::object& capsule) { return BoundRecorder::of(scip_of(capsule)); },
          "scip"_a, "The recorder in a model, or None.")
      .def_static("alive", &BoundRecorder::alive,
                  "How many models have a recorder and are not freed.")
      .def("start", &BoundRecorder::start, "Set the origin of the clocks.")
      .def(
          "finish",
          [](BoundRecorder& self, const nb::object& capsule) { self.finish(scip_of(capsule)); },
          "scip"_a, "Append the final bounds.")
      .def(
          "arrays",
          [](const BoundRecorder& self, std::size_t first) {
            const auto t = self.trajectory(first);
            nb::dict arrays;
            arrays["wall"] = to_numpy(t.wall);
            arrays["cpu"] = to_numpy(t.cpu);
            arrays["dual"] = to_numpy(t.dual);
            arrays["primal"] = to_numpy(t.primal);
            arrays["nodes"] = to_numpy(t.nodes);
            return arrays;
          },
          "first"_a = 0, "The trajectory, without the events before that one.")
      .def_prop_ro("wall", &BoundRecorder::wall)
      .def("latest",
           [](const BoundRecorder& self) {
             const auto p = self.progress();
             return nb::make_tuple(p.wall, p.dual, p.primal, p.nodes, p.lp_iterations);
           })
      .def_prop_ro("root_end_wall", &BoundRecorder::root_end_wall)
      .def_prop_ro("root_end_cpu", &BoundRecorder::root_end_cpu);

  bind_network(m);
  bind_steering(m);
  bind_branchrule(m);
  bind_features(m);
  bind_stepping(m);
}

}  // namespace kida
