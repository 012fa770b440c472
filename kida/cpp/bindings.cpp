// What Python sees of the native core. Argument checks live here; the classes trust their callers.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "bound_recorder.h"
#include "branchrule.h"
#include "network.h"
#include "observation.h"
#include "pending_exception.h"
#include "rule_options.h"
#include "sample_recorder.h"
#include "scip_api.h"
#include "strong_branching.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace kida {
namespace {

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
Scip* scip_of(const nb::object& capsule) {
  if (!scip::connected()) throw std::runtime_error("the native core is not connected to SCIP");
  auto* scip = static_cast<Scip*>(PyCapsule_GetPointer(capsule.ptr(), "scip"));
  if (scip == nullptr) throw nb::python_error();
  return scip;
}

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

nb::tuple observation_arrays(const Observation& o) {
  const auto rows = static_cast<std::size_t>(o.rows());
  const auto variables = static_cast<std::size_t>(o.variables());
  return nb::make_tuple(to_numpy(o.row_features, {rows, row_feature_count}),
                        to_numpy(o.variable_features, {variables, variable_feature_count}),
                        to_numpy(o.row_starts), to_numpy(o.edge_columns), to_numpy(o.edge_values));
}

auto features_array(std::vector<float> features) {
  const std::size_t candidates = features.size() / candidate_feature_count;
  return to_numpy(std::move(features), {candidates, candidate_feature_count});
}

nb::dict strong_branching_arrays(const StrongBranching& s) {
  nb::dict result;
  result["down_gains"] = to_numpy(s.down_gain);
  result["up_gains"] = to_numpy(s.up_gain);
  result["scores"] = to_numpy(s.score);
  result["chosen"] = s.best;
  return result;
}

void connect(const std::string& path, const nb::dict& enumerations, int first_major, int last_major,
             unsigned long main_thread) {
  auto value = [&](const char* name) { return nb::cast<std::uint64_t>(enumerations[name]); };
  const scip::Constants constants{
      .result_didnotrun = static_cast<int>(value("result_didnotrun")),
      .result_branched = static_cast<int>(value("result_branched")),
      .lpsolstat_optimal = static_cast<int>(value("lpsolstat_optimal")),
      .basestat_lower = static_cast<int>(value("basestat_lower")),
      .basestat_basic = static_cast<int>(value("basestat_basic")),
      .basestat_upper = static_cast<int>(value("basestat_upper")),
      .basestat_zero = static_cast<int>(value("basestat_zero")),
      .stage_solving = static_cast<int>(value("stage_solving")),
      .event_dual_bound_improved = value("event_dual_bound_improved"),
      .event_best_solution_found = value("event_best_solution_found"),
  };
  try {
    scip::connect(path, constants, first_major, last_major);
  } catch (const std::runtime_error& error) {
    throw nb::import_error(error.what());
  }
  PendingException::set_main_thread(main_thread);
}

std::shared_ptr<Network> make_network(const std::map<std::string, Input<float>>& arrays,
                                      int embedding_size, bool candidate_features) {
  Parameters parameters;
  for (const auto& [name, array] : arrays) {
    Parameter parameter{array.data(), {}};
    for (std::size_t i = 0; i < array.ndim(); ++i) parameter.shape.push_back(array.shape(i));
    parameters.emplace(name, std::move(parameter));
  }
  return std::make_shared<Network>(parameters, embedding_size, candidate_features);
}

void require(bool condition, const char* message) {
  if (!condition) throw std::invalid_argument(message);
}

// The arrays of a node as Python hands them over.
struct NodeArrays {
  Input<float> row_features, variable_features;
  Input<std::int32_t> row_starts, edge_columns;
  Input<float> edge_values;
  Input<std::int32_t> candidates;
  std::optional<Input<float>> candidate_features;

  // Throws std::invalid_argument where an index would lead beyond an array's end.
  NodeView checked(bool with_candidate_features) const {
    require(row_features.ndim() == 2 && row_features.shape(1) == row_feature_count,
            "row_features must have shape (rows, 5)");
    require(variable_features.ndim() == 2 && variable_features.shape(1) == variable_feature_count,
            "variable_features must have shape (variables, 19)");
    const std::size_t rows = row_features.shape(0);
    const std::size_t variables = variable_features.shape(0);
    const std::size_t edges = edge_columns.size();
    require(row_starts.size() == rows + 1 && row_starts.data()[0] == 0 &&
                static_cast<std::size_t>(row_starts.data()[rows]) == edges &&
                std::is_sorted(row_starts.data(), row_starts.data() + rows + 1),
            "row_starts must rise from 0 to the number of edges");
    require(edge_values.size() == edges, "edge_values and edge_columns differ in length");
    auto in_range = [&](std::int32_t j) {
      return j >= 0 && static_cast<std::size_t>(j) < variables;
    };
    require(std::all_of(edge_columns.data(), edge_columns.data() + edges, in_range),
            "an edge leads to a variable that does not exist");
    require(std::all_of(candidates.data(), candidates.data() + candidates.size(), in_range),
            "a candidate is a variable that does not exist");
    require(!with_candidate_features ||
                (candidate_features.has_value() && candidate_features->ndim() == 2 &&
                 candidate_features->shape(0) == candidates.size() &&
                 candidate_features->shape(1) == candidate_feature_count),
            "this network reads the candidates' features, of shape (candidates, 9)");
    NodeView node{.observation = {.row_features = row_features.data(),
                                  .variable_features = variable_features.data(),
                                  .row_starts = row_starts.data(),
                                  .edge_columns = edge_columns.data(),
                                  .edge_values = edge_values.data(),
                                  .rows = static_cast<int>(rows),
                                  .variables = static_cast<int>(variables)},
                  .candidates = {candidates.data(), candidates.size()},
                  .candidate_features = {}};
    if (with_candidate_features) {
      node.candidate_features = {candidate_features->data(), candidate_features->size()};
    }
    return node;
  }
};

auto score(const Network& network, const NodeArrays& arrays) {
  const NodeView node = arrays.checked(network.candidate_features());
  std::vector<float> scores(node.candidates.size());
  {
    const nb::gil_scoped_release unlocked;
    thread_local Network::Workspace workspace;  // getting its memory costs more than scoring
    network.score(node, workspace, scores);
  }
  return to_numpy(scores);
}

// A Python function as the rule calls it: in the node loop, taking the interpreter lock.
ExpertScore expert_score_of(nb::object function) {
  return [function = std::move(function)](Scip* scip, const std::vector<SCIP_Var*>& candidates,
                                          int depth, std::vector<double>& scores,
                                          const StrongBranching& expert,
                                          const std::shared_ptr<PendingException>& pending) {
    const nb::gil_scoped_acquire locked;
    try {
      nb::list names;
      std::vector<double> values, pseudocosts;
      for (SCIP_Var* variable : candidates) {
        names.append(scip::SCIPvarGetName(variable));
        values.push_back(scip::SCIPvarGetLPSol(variable));
        pseudocosts.push_back(scip::SCIPgetVarPseudocostScore(scip, variable, values.back()));
      }
      const nb::object found =
          function(names, to_numpy(values), to_numpy(expert.down_gain), to_numpy(expert.up_gain),
                   to_numpy(expert.score), to_numpy(pseudocosts), depth);
      const auto array = nb::cast<nb::ndarray<const double, nb::ndim<1>, nb::c_contig>>(found);
      std::copy_n(array.data(), scores.size(), scores.begin());  // Python has checked the shape
      return true;
    } catch (nb::python_error& error) {
      PendingException::store(pending, error.value().ptr());
      return false;
    }
  };
}

Chooser chooser_of(nb::object function) {
  return [function = std::move(function)](const ObservedNode& node,
                                          const std::shared_ptr<PendingException>& pending) {
    const nb::gil_scoped_acquire locked;
    try {
      const nb::object choice =
          function(observation_arrays(node.observation), to_numpy(node.candidates));
      return nb::cast<int>(choice);
    } catch (nb::python_error& error) {
      PendingException::store(pending, error.value().ptr());
      return -1;
    }
  };
}

CandidateSet candidate_set_of(const std::string& name) {
  const auto found = std::find(candidate_set_names.begin(), candidate_set_names.end(), name);
  if (found == candidate_set_names.end()) {
    throw std::invalid_argument("'" + name + "' is not one of fractional, unfixed");
  }
  return static_cast<CandidateSet>(found - candidate_set_names.begin());
}

// Reads a rule's options out of one dict: what is missing keeps its default; what is unknown, or of
// another type, is refused.
class OptionReader {
 public:
  explicit OptionReader(const nb::dict& given) : given_(given) {}

  template <typename T>
  void operator()(const char* name, T& value) {
    known_.insert(name);
    if (!given_.contains(name)) return;
    const nb::object found = given_[name];
    // Of numbers, Python's integers may stand for reals, as elsewhere, but nothing else for them.
    constexpr bool convert = std::is_same_v<T, std::vector<double>>;
    bool read = false;
    if constexpr (std::is_same_v<T, CandidateSet>) {
      std::string text;
      read = nb::try_cast(found, text, false);
      if (read) value = candidate_set_of(text);
    } else {
      read = nb::try_cast(found, value, convert);
    }
    if (!read) {
      throw nb::type_error(("the option '" + std::string(name) + "' cannot be " +
                            nb::cast<std::string>(nb::repr(found)))
                               .c_str());
    }
  }

  void require_all_known() const {
    for (const auto& [key, value] : given_) {
      const auto name = nb::cast<std::string>(nb::str(key));
      if (!known_.contains(name)) {
        throw std::invalid_argument("the rule has no option '" + name + "'");
      }
    }
  }

 private:
  const nb::dict& given_;
  std::set<std::string> known_;
};

// The defaults of the options, for the test that compares them with Python's.
nb::dict default_options() {
  nb::dict result;
  auto put = [&](const char* name, const auto& value) {
    if constexpr (std::is_same_v<std::decay_t<decltype(value)>, CandidateSet>) {
      result[name] = std::string(candidate_set_names[static_cast<std::size_t>(value)]);
    } else {
      result[name] = nb::cast(value);
    }
  };
  DecisionOptions().visit(put);
  RecordingOptions().visit(put);
  return result;
}

Acting acting_of(const std::string& name) {
  if (name == "network") return Acting::network;
  if (name == "expert") return Acting::expert;
  if (name == "random") return Acting::random;
  if (name == "scip") return Acting::scip;
  if (name == "function") return Acting::function;
  throw std::invalid_argument("'" + name +
                              "' is not one of network, expert, random, scip, function");
}

std::shared_ptr<Brancher> include_brancher(const nb::object& capsule,
                                           std::shared_ptr<Network> network,
                                           const nb::dict& options, const std::string& acting,
                                           std::uint64_t seed, int priority, bool trace,
                                           nb::object function, nb::object expert_score) {
  RuleSetup setup{.acting = acting_of(acting), .seed = seed, .priority = priority, .trace = trace};
  OptionReader reader(options);
  setup.decision.visit(reader);
  setup.recording.visit(reader);
  reader.require_all_known();
  if (!function.is_none()) setup.function = chooser_of(std::move(function));
  if (!expert_score.is_none()) setup.expert_score = expert_score_of(std::move(expert_score));
  return Brancher::include(scip_of(capsule), std::move(network), std::move(setup));
}

}  // namespace

NB_MODULE(_core, m) {
  m.doc() = "The native core of kida: SCIP state to features to scores to branching.";

  m.def("connect", &connect, "path"_a, "enumerations"_a, "first_major"_a, "last_major"_a,
        "main_thread"_a,
        "Resolve SCIP's functions in the loaded extension module; raise ImportError otherwise.");

  nb::class_<Network>(m, "NativeNetwork", "The bipartite graph network of one policy.")
      .def(nb::new_(&make_network), "parameters"_a, "embedding_size"_a,
           "candidate_features"_a = false)
      .def_prop_ro("embedding_size", &Network::embedding_size)
      .def_prop_ro("candidate_features", &Network::candidate_features)
      .def(
          "score",
          [](const Network& self, Input<float> row_features, Input<float> variable_features,
             Input<std::int32_t> row_starts, Input<std::int32_t> edge_columns,
             Input<float> edge_values, Input<std::int32_t> candidates,
             std::optional<Input<float>> candidate_features) {
            return score(self, {row_features, variable_features, row_starts, edge_columns,
                                edge_values, candidates, candidate_features});
          },
          "row_features"_a, "variable_features"_a, "row_starts"_a, "edge_columns"_a,
          "edge_values"_a, "candidates"_a, "candidate_features"_a = nb::none(),
          "One float32 score per candidate (an index of a variable).");
  m.def("instruction_set", &Network::instruction_set);
  m.def("use_instruction_set", &Network::use_instruction_set, "name"_a);

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
      [](const nb::object& capsule) {
        Scip* scip = scip_of(capsule);
        require_solved_lp(scip);
        Observation observation;
        observe(scip, true, observation);
        return observation_arrays(observation);
      },
      "scip"_a, "The focus node's observation: the arrays of kida.observation.Observation.");
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
        std::vector<SCIP_Var*> variables;
        for (std::size_t k = 0; k < candidates.size(); ++k) {
          const std::int32_t j = candidates.data()[k];
          if (j < 0 || j >= scip::SCIPgetNVars(scip)) {
            throw std::invalid_argument("a candidate is a variable that does not exist");
          }
          variables.push_back(scip::SCIPgetVars(scip)[j]);
        }
        std::vector<float> features;
        observe_candidates(scip, variables, features);
        return features_array(std::move(features));
      },
      "scip"_a, "candidates"_a,
      "What the solver has learned of variables: kida.observation.CandidateFeature.");
  m.def(
      "strong_branching",
      [](const nb::object& capsule, const std::string& which, bool idempotent, int iterations) {
        Scip* scip = scip_of(capsule);
        require_solved_lp(scip);
        std::vector<SCIP_Var*> variables;
        branching_candidates(scip, candidate_set_of(which), variables);
        StrongBranching result;
        strong_branching(scip, variables, promising_by_pseudocost(scip, variables, 0),
                         {.iterations = iterations, .idempotent = idempotent}, result);
        nb::dict arrays = strong_branching_arrays(result);
        arrays["candidates"] = to_numpy(indices_of(variables));
        return arrays;
      },
      "scip"_a, "which"_a, "idempotent"_a, "iterations"_a,
      "Full strong branching at the focus node.");
  nb::class_<BoundRecorder>(m, "BoundRecorder", "The trajectory of the bounds during a solve.")
      .def(nb::new_([](const nb::object& capsule, double limit_after_root) {
             return BoundRecorder::include(scip_of(capsule), limit_after_root);
           }),
           "scip"_a, "limit_after_root"_a = std::numeric_limits<double>::infinity())
      .def("start", &BoundRecorder::start, "Set the origin of the clocks.")
      .def(
          "finish",
          [](BoundRecorder& self, const nb::object& capsule) { self.finish(scip_of(capsule)); },
          "scip"_a, "Append the final bounds.")
      .def("arrays",
           [](const BoundRecorder& self) {
             const auto t = self.trajectory();
             nb::dict arrays;
             arrays["wall"] = to_numpy(t.wall);
             arrays["cpu"] = to_numpy(t.cpu);
             arrays["dual"] = to_numpy(t.dual);
             arrays["primal"] = to_numpy(t.primal);
             arrays["nodes"] = to_numpy(t.nodes);
             return arrays;
           })
      .def("latest",
           [](const BoundRecorder& self) {
             const auto p = self.progress();
             return nb::make_tuple(p.wall, p.dual, p.primal, p.nodes, p.lp_iterations);
           })
      .def_prop_ro("root_end_wall", &BoundRecorder::root_end_wall)
      .def_prop_ro("root_end_cpu", &BoundRecorder::root_end_cpu);

  m.def("default_options", &default_options, "The rule's options and their defaults.");
  nb::class_<Brancher>(m, "Brancher", "The branching rule in one SCIP model.")
      .def_static("include", &include_brancher, "scip"_a, "network"_a.none(), "options"_a,
                  nb::kw_only(), "acting"_a, "seed"_a = 0, "priority"_a, "trace"_a = false,
                  "function"_a = nb::none(), "expert_score"_a = nb::none(),
                  "Include the rule; its options are those of kida.rule, by name.")
      .def_prop_ro("statistics",
                   [](const Brancher& self) {
                     const Statistics& s = self.statistics();
                     nb::dict result;
                     result["decisions"] = s.decisions;
                     result["network_decisions"] = s.network_decisions;
                     result["expert_decisions"] = s.expert_decisions;
                     result["candidates"] = s.candidates;
                     result["seconds_observing"] = s.seconds_observing;
                     result["seconds_scoring"] = s.seconds_scoring;
                     result["seconds_expert"] = s.seconds_expert;
                     result["seconds_total"] = s.seconds_total;
                     return result;
                   })
      .def_prop_ro("declined", &Brancher::declined)
      .def("raise_stored",
           [](Brancher& self) {
             if (self.exception().raise()) throw nb::python_error();
           })
      .def("samples",
           [](const Brancher& self) {
             nb::list samples;
             for (const Sample& s : self.samples()) {
               nb::dict sample = strong_branching_arrays(s.expert);
               sample["observation"] = observation_arrays(s.node.observation);
               sample["candidates"] = to_numpy(s.node.candidates);
               sample["candidate_features"] = features_array(s.node.candidate_features);
               sample["depth"] = s.depth;
               sample["node_number"] = s.node_number;
               sample["lp_objective"] = s.lp_objective;
               sample["dual_bound"] = s.dual_bound;
               sample["taken"] = s.taken;
               samples.append(sample);
             }
             return samples;
           })
      .def("trace", [](const Brancher& self) {
        std::vector<float> flat;
        for (const Timing& t : self.trace()) {
          flat.insert(flat.end(), {t.observing, t.scoring, t.total});
        }
        return to_numpy(std::move(flat), {self.trace().size(), 3});
      });
}

}  // namespace kida
