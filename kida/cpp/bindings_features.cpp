// What Python sees of the observations beside the LP's graph: features of candidates, of the tree
// and of the whole problem.
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>

#include <memory>

#include "bindings.h"
#include "branchrule.h"
#include "features_khalil.h"
#include "features_problem.h"
#include "features_tree_gate.h"

namespace kida {

using namespace nb::literals;

namespace {

using Variables = std::vector<SCIP_Var*>;

Variables candidates_of(Scip* scip, const std::string& which) {
  Variables variables;
  branching_candidates(scip, candidate_set_of(which), variables);
  return variables;
}

auto matrix(std::vector<double> values, std::size_t columns) {
  const std::size_t rows = values.size() / columns;
  return to_numpy(std::move(values), {rows, columns});
}

nb::tuple pseudocosts(const nb::object& capsule, const std::string& which) {
  Scip* scip = scip_of(capsule);
  require_solved_lp(scip);
  const Variables variables = candidates_of(scip, which);
  std::vector<double> scores;
  for (SCIP_Var* variable : variables) {
    scores.push_back(scip::SCIPgetVarPseudocostScore(scip, variable, lp_value(scip, variable)));
  }
  return nb::make_tuple(to_numpy(indices_of(variables)), to_numpy(std::move(scores)));
}

nb::tuple khalil_features(KhalilObserver& self, const nb::object& capsule,
                          const std::string& which) {
  Scip* scip = scip_of(capsule);
  require_solved_lp(scip);
  const Variables variables = candidates_of(scip, which);
  const Variables weighing = self.as_ecole() ? candidates_of(scip, "unfixed") : variables;
  std::vector<double> features;
  self.observe(scip, variables, weighing, features);
  return nb::make_tuple(to_numpy(indices_of(variables)),
                        matrix(std::move(features), khalil::feature_count));
}

nb::tuple tree_gate_features(const TreeRecorder& self, const nb::object& capsule,
                             const std::string& which) {
  Scip* scip = scip_of(capsule);
  require_solved_lp(scip);
  const Variables variables = candidates_of(scip, which);
  std::vector<double> candidates;
  std::vector<double> tree;
  observe_tree_gate_candidates(scip, self, variables, candidates);
  observe_tree_gate_tree(scip, self, variables.size(), tree);
  return nb::make_tuple(to_numpy(indices_of(variables)),
                        matrix(std::move(candidates), tree_gate::candidate_feature_count),
                        to_numpy(std::move(tree)));
}

nb::dict problem_graph(const nb::object& capsule) {
  Scip* scip = scip_of(capsule);
  const int stage = scip::SCIPgetStage(scip);
  if (stage != scip::constants.stage_problem && stage != scip::constants.stage_presolved &&
      stage != scip::constants.stage_solving) {
    throw std::runtime_error(
        "there is no problem to observe: none is read, or its solve has ended");
  }
  ProblemGraph graph;
  observe_problem(scip, graph);
  nb::dict arrays;
  arrays["variable_features"] =
      matrix(std::move(graph.variable_features), problem::variable_feature_count);
  arrays["bias"] = to_numpy(std::move(graph.bias));
  arrays["row_starts"] = to_numpy(std::move(graph.row_starts));
  arrays["edge_columns"] = to_numpy(std::move(graph.edge_columns));
  arrays["edge_values"] = to_numpy(std::move(graph.edge_values));
  arrays["left_out"] = graph.left_out;
  return arrays;
}

void bind_enums(nb::module_& m) {
  nb::enum_<khalil::Feature> khalil_feature(m, "KhalilFeature");
  nb::enum_<tree_gate::CandidateFeature> candidate(m, "TreeGateCandidateFeature");
  nb::enum_<tree_gate::TreeFeature> tree(m, "TreeGateTreeFeature");
  nb::enum_<problem::VariableFeature> variable(m, "ProblemVariableFeature");
#define KIDA_VALUE(name) khalil_feature.value(#name, khalil::name);
  KIDA_KHALIL_FEATURES(KIDA_VALUE)
#undef KIDA_VALUE
#define KIDA_VALUE(name) candidate.value(#name, tree_gate::name);
  KIDA_TREE_GATE_CANDIDATE_FEATURES(KIDA_VALUE)
#undef KIDA_VALUE
#define KIDA_VALUE(name) tree.value(#name, tree_gate::name);
  KIDA_TREE_GATE_TREE_FEATURES(KIDA_VALUE)
#undef KIDA_VALUE
#define KIDA_VALUE(name) variable.value(#name, problem::name);
  KIDA_PROBLEM_VARIABLE_FEATURES(KIDA_VALUE)
#undef KIDA_VALUE
}

}  // namespace

void bind_features(nb::module_& m) {
  bind_enums(m);
  m.def("pseudocosts", &pseudocosts, "scip"_a, "which"_a,
        "The focus node's branching candidates and their pseudocost scores.");
  m.def("problem_graph", &problem_graph, "scip"_a, "The whole problem as a bipartite graph.");
  nb::class_<KhalilObserver>(m, "KhalilObserver", "Features of Khalil et al. in one solve.")
      .def(nb::init<bool>(), "as_ecole"_a)
      .def("reset", &KhalilObserver::reset, "Forget the static features.")
      .def("observe", &khalil_features, "scip"_a, "which"_a,
           "The focus node's branching candidates and their features.");
  nb::class_<TreeRecorder>(m, "TreeRecorder", "Counts of a solve that SCIP does not tell.")
      .def(nb::new_(
               [](const nb::object& capsule) { return TreeRecorder::include(scip_of(capsule)); }),
           "scip"_a)
      .def("observe", &tree_gate_features, "scip"_a, "which"_a,
           "The focus node's branching candidates, their features and the tree's.")
      .def_prop_ro("children", &TreeRecorder::children)
      .def_prop_ro("branchings", &TreeRecorder::branchings);
}

}  // namespace kida
