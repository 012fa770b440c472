// What Python sees of the network. Argument checks live here; the class trusts its callers.
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <optional>

#include "bindings.h"
#include "network.h"

namespace kida {

using namespace nb::literals;

namespace {

std::shared_ptr<Network> make_network(const std::map<std::string, Input<float>>& arrays,
                                      int embedding_size, bool candidate_features,
                                      bool incumbent_features) {
  Parameters parameters;
  for (const auto& [name, array] : arrays) {
    Parameter parameter{array.data(), {}};
    for (std::size_t i = 0; i < array.ndim(); ++i) parameter.shape.push_back(array.shape(i));
    parameters.emplace(name, std::move(parameter));
  }
  return std::make_shared<Network>(parameters, embedding_size, candidate_features,
                                   incumbent_features);
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
    std::vector<std::int32_t> sorted(candidates.data(), candidates.data() + candidates.size());
    std::sort(sorted.begin(), sorted.end());
    require(std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end(),
            "a candidate is there twice: each variable has one score");
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
  for (std::size_t k = 0; k < scores.size(); ++k) {
    if (!std::isfinite(scores[k])) {
      throw std::runtime_error("the network's score of variable " +
                               std::to_string(node.candidates[k]) +
                               " is not finite: its weights do not fit this problem");
    }
  }
  return to_numpy(scores);
}

}  // namespace

void bind_network(nb::module_& m) {
  nb::class_<Network>(m, "NativeNetwork", "The bipartite graph network of one policy.")
      .def(nb::new_(&make_network), "parameters"_a, "embedding_size"_a,
           "candidate_features"_a = false, "incumbent_features"_a = false)
      .def_prop_ro("embedding_size", &Network::embedding_size)
      .def_prop_ro("candidate_features", &Network::candidate_features)
      .def_prop_ro("incumbent_features", &Network::incumbent_features)
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
  m.def("instruction_sets", &Network::instruction_sets);
  m.def("use_instruction_set", &Network::use_instruction_set, "name"_a);
}

}  // namespace kida
