// What Python sees of steering: the model as a policy has it, and, for tests of its bound, the
// monitor. Argument checks live here; the classes trust their callers.
#include <nanobind/stl/map.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <map>
#include <memory>

#include "bindings.h"
#include "steering.h"

namespace kida {

using namespace nb::literals;

namespace {

void check_lengths(const std::vector<int>& lengths) {
  const bool rising =
      std::adjacent_find(lengths.begin(), lengths.end(), std::greater_equal<>()) == lengths.end();
  if (lengths.empty() || lengths.front() < 1 || !rising) {
    throw std::invalid_argument("the lists' lengths must be at least 1 and rise");
  }
}

SteeringSetup make_setup(const std::map<std::string, Input<float>>& arrays,
                         std::vector<int> columns, int hidden, std::vector<int> lengths,
                         bool monitored) {
  check_lengths(lengths);
  Parameters parameters;
  for (const auto& [name, array] : arrays) {
    Parameter parameter{array.data(), {}};
    for (std::size_t i = 0; i < array.ndim(); ++i) parameter.shape.push_back(array.shape(i));
    parameters.emplace(name, std::move(parameter));
  }
  return {.model = std::make_shared<CandidateModel>(parameters, std::move(columns), hidden),
          .lengths = std::move(lengths),
          .monitored = monitored};
}

auto score(const SteeringSetup& setup, const Input<float>& features) {
  if (features.ndim() != 2 || features.shape(1) != steering_feature_count) {
    throw std::invalid_argument("features must have shape (candidates, " +
                                std::to_string(steering_feature_count) + ")");
  }
  std::vector<float> scores(features.shape(0));
  setup.model->score({features.data(), features.size()}, scores);
  return to_numpy(scores);
}

}  // namespace

void bind_steering(nb::module_& m) {
  m.def(
      "observe_steering",
      [](const nb::object& capsule, const Input<std::int32_t>& candidates) {
        Scip* scip = scip_of(capsule);
        require_solved_lp(scip);
        std::vector<float> known, features;
        observe_steering(scip, variables_of(scip, candidates), [] { return 0.0; }, known, features);
        const std::size_t count = candidates.size();
        return to_numpy(std::move(features), {count, steering_feature_count});
      },
      "scip"_a, "candidates"_a, "What steering reads of candidates, without the noise.");
  nb::class_<SteeringSetup>(m, "NativeSteering", "A model of candidates, and how it is used.")
      .def(nb::new_(&make_setup), "parameters"_a, "columns"_a, "hidden"_a, "lengths"_a,
           "monitored"_a)
      .def("score", &score, "features"_a, "One float32 score per candidate.");

  nb::class_<ShortlistMonitor>(m, "ShortlistMonitor", "Whether a shortlist pays, see its header.")
      .def(nb::new_([](std::vector<int> lengths) {
             check_lengths(lengths);
             return ShortlistMonitor(std::move(lengths));
           }),
           "lengths"_a)
      .def("at_node", &ShortlistMonitor::at_node, "work"_a, "since"_a, "nodes"_a)
      .def("next", &ShortlistMonitor::next)
      .def(
          "played",
          [](ShortlistMonitor& self, double iterations) {
            if (self.next() == 0) throw std::invalid_argument("a look is due, not a list");
            self.played(iterations);
          },
          "iterations"_a)
      .def(
          "looked",
          [](ShortlistMonitor& self, double iterations, int evaluated, std::vector<double> retained,
             std::vector<double> caught) {
            const std::size_t lists = self.lengths().size();
            if (retained.size() != lists || caught.size() != lists) {
              throw std::invalid_argument("a look tells of every list");
            }
            self.looked({iterations, evaluated, std::move(retained), std::move(caught)});
          },
          "iterations"_a, "evaluated"_a, "retained"_a, "caught"_a)
      .def("restart", &ShortlistMonitor::restart)
      .def_prop_ro("unsettled", &ShortlistMonitor::unsettled)
      .def_prop_ro("closed", &ShortlistMonitor::closed)
      .def_prop_ro("lost", &ShortlistMonitor::lost)
      .def_prop_ro_static("allowance", [](nb::handle) { return ShortlistMonitor::allowance; })
      .def_prop_ro_static("longest_span",
                          [](nb::handle) { return ShortlistMonitor::longest_span; });
}

}  // namespace kida
