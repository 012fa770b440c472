// What Python sees of the branching rule: its options out of one dict, functions that take part in
// it, and what it has done.
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <memory>
#include <set>
#include <string_view>
#include <type_traits>

#include "bindings.h"
#include "branchrule.h"
#include "network.h"
#include "pending_exception.h"

namespace kida {

using namespace nb::literals;

namespace {

// A Python function as the rule calls it: in the node loop, taking the interpreter lock. The rule
// has only a weak reference: the function may refer to the model, which owns the rule, and whoever
// keeps both alive must be seen by the garbage collector, which this is not.
nb::object called(const nb::object& reference) {
  nb::object function = reference();
  if (!function.is_none()) return function;
  PyErr_SetString(PyExc_RuntimeError, "the branching function is gone: keep the model it is of");
  throw nb::python_error();
}

ExpertScore expert_score_of(nb::object function, std::shared_ptr<PendingException> pending) {
  return [function = std::move(function), pending = std::move(pending)](
             Scip* scip, const std::vector<SCIP_Var*>& candidates, int depth,
             std::vector<double>& scores, const StrongBranching& expert) {
    const nb::gil_scoped_acquire locked;
    try {
      nb::list names;
      std::vector<double> values, pseudocosts;
      for (SCIP_Var* variable : candidates) {
        // Of any bytes: files need not be UTF-8.
        const std::string_view name = scip::SCIPvarGetName(variable);
        names.append(nb::steal(
            PyUnicode_DecodeUTF8(name.data(), static_cast<Py_ssize_t>(name.size()), "replace")));
        values.push_back(lp_value(scip, variable));
        pseudocosts.push_back(scip::SCIPgetVarPseudocostScore(scip, variable, values.back()));
      }
      const nb::object found = called(function)(names, to_numpy(values), to_numpy(expert.down_gain),
                                                to_numpy(expert.up_gain), to_numpy(expert.score),
                                                to_numpy(pseudocosts), depth);
      const auto array = nb::cast<nb::ndarray<const double, nb::ndim<1>, nb::c_contig>>(found);
      std::copy_n(array.data(), scores.size(), scores.begin());  // Python has checked the shape
      return true;
    } catch (nb::python_error& error) {
      pending->store(error.value().ptr());
      return false;
    }
  };
}

Chooser chooser_of(nb::object function, std::shared_ptr<PendingException> pending) {
  return [function = std::move(function), pending = std::move(pending)](const ObservedNode& node) {
    const nb::gil_scoped_acquire locked;
    try {
      const nb::object choice =
          called(function)(observation_arrays(node.observation), to_numpy(node.candidates));
      return nb::cast<int>(choice);
    } catch (nb::python_error& error) {
      pending->store(error.value().ptr());
      return -1;
    }
  };
}

// Reads a rule's options out of one dict: what is missing keeps its default; what is unknown, or of
// another type, is refused.
class OptionReader {
 public:
  explicit OptionReader(const nb::dict& given) : given_(given) {}

  // Python has checked the ranges.
  template <typename T>
  void operator()(const char* name, T& value, IntegerRange = {}) {
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
  auto put = [&](const char* name, const auto& value, IntegerRange = {}) {
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
  if (name == "steering") return Acting::steering;
  throw std::invalid_argument("'" + name +
                              "' is not one of network, expert, random, scip, function, steering");
}

std::shared_ptr<Brancher> include_brancher(const nb::object& capsule,
                                           std::shared_ptr<Network> network,
                                           const nb::dict& options, const std::string& acting,
                                           std::uint64_t seed, int priority, bool trace,
                                           nb::object function, nb::object expert_score,
                                           const SteeringSetup* steering) {
  RuleSetup setup;
  setup.acting = acting_of(acting);
  setup.seed = seed;
  setup.priority = priority;
  setup.trace = trace;
  OptionReader reader(options);
  setup.decision.visit(reader);
  setup.recording.visit(reader);
  reader.require_all_known();
  if (steering != nullptr) setup.steering = *steering;
  const auto pending = std::make_shared<PendingException>();
  if (!function.is_none()) setup.function = chooser_of(std::move(function), pending);
  if (!expert_score.is_none()) {
    setup.expert_score = expert_score_of(std::move(expert_score), pending);
  }
  return Brancher::include(scip_of(capsule), std::move(network), std::move(setup), pending);
}

}  // namespace

void bind_branchrule(nb::module_& m) {
  m.attr("PRIORITY") = rule_priority;
  m.def("default_options", &default_options, "The rule's options and their defaults.");
  nb::class_<Brancher>(m, "Brancher", "The branching rule in one SCIP model.")
      .def_static("include", &include_brancher, "scip"_a, "network"_a.none(), "options"_a,
                  nb::kw_only(), "acting"_a, "seed"_a = 0, "priority"_a, "trace"_a = false,
                  "function"_a = nb::none(), "expert_score"_a = nb::none(),
                  "steering"_a = nb::none(),
                  "Include the rule; its options are those of kida.rule, by name. Functions are "
                  "given as weak references.")
      .def_static("included",
                  [](const nb::object& capsule) { return Brancher::included(scip_of(capsule)); })
      .def_prop_ro("statistics",
                   [](const Brancher& self) {
                     const Statistics& s = self.statistics();
                     nb::dict result;
                     result["decisions"] = s.decisions;
                     result["network_decisions"] = s.network_decisions;
                     result["expert_decisions"] = s.expert_decisions;
                     result["shortlist_decisions"] = s.shortlist_decisions;
                     result["looks"] = s.looks;
                     result["candidates"] = s.candidates;
                     result["unscored"] = s.unscored;
                     result["decisions_in_copies"] = self.decisions_in_copies();
                     result["seconds_observing"] = s.seconds_observing;
                     result["seconds_scoring"] = s.seconds_scoring;
                     result["seconds_expert"] = s.seconds_expert;
                     result["seconds_total"] = s.seconds_total;
                     return result;
                   })
      .def_prop_ro("declined", &Brancher::declined)
      .def("raise_stored",
           [](Brancher& self) {
             // Every rule that is included here has this kind of host.
             if (static_cast<PendingException&>(self.host()).raise()) throw nb::python_error();
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
