#include "decision_points.h"

#include <algorithm>
#include <exception>
#include <utility>
#include <vector>

#include "branchrule.h"

namespace kida {

using namespace scip;  // NOLINT: the functions carry SCIP's own prefix

namespace {

constexpr const char* rule_name = "kida_stop";
constexpr const char* selector_name = "kida_stop";
constexpr const char* heuristic_name = "kida_stop";
// SCIP_HEURTIMING_AFTERNODE has had this value since SCIP 3.
constexpr unsigned int after_node = 0x004U | 0x008U;

struct Branching {
  std::shared_ptr<SteppedSolve> solve;
  CandidateSet which;
  std::vector<SCIP_Var*> candidates;  // scratch memory

  static Branching& of(SCIP_Branchrule* rule) {
    return *reinterpret_cast<Branching*>(SCIPbranchruleGetData(rule));
  }

  int execute(Scip* scip) {
    branching_candidates(scip, which, candidates);
    if (candidates.empty()) return constants.result_didnotrun;
    std::vector<std::int64_t> options(candidates.size());
    std::transform(candidates.begin(), candidates.end(), options.begin(), SCIPvarGetProbindex);
    const int choice = solve->decide(std::move(options));
    if (choice == SteppedSolve::stop) return give_up(scip);
    if (choice == SteppedSolve::leave_to_scip) return constants.result_didnotrun;
    KIDA_CALL(SCIPbranchVar(scip, candidates[choice], nullptr, nullptr, nullptr));
    return constants.result_branched;
  }

  // As in branchrule.cpp: SCIP would let its other rules branch on this node, strong branching
  // maybe; told that a domain has changed, it first looks whether it is to stop.
  static int give_up(Scip* scip) {
    SCIPinterruptSolve(scip);
    return constants.result_reduced_domain;
  }

  static Retcode on_branching(Scip* scip, SCIP_Branchrule* rule, Bool, int* result) {
    try {
      *result = of(rule).execute(scip);
    } catch (const std::exception& failure) {
      of(rule).solve->fail(failure.what());
      *result = give_up(scip);
    }
    return okay;
  }
  static Retcode on_free(Scip*, SCIP_Branchrule* rule) {
    delete &of(rule);
    return okay;
  }
};

struct NodeSelection {
  std::shared_ptr<SteppedSolve> solve;
  std::vector<SCIP_Node*> nodes;  // scratch memory

  static NodeSelection& of(SCIP_Nodesel* selector) {
    return *reinterpret_cast<NodeSelection*>(SCIPnodeselGetData(selector));
  }

  SCIP_Node* select(Scip* scip) {
    SCIP_Node **leaves = nullptr, **children = nullptr, **siblings = nullptr;
    int leaf_count = 0, child_count = 0, sibling_count = 0;
    KIDA_CALL(SCIPgetOpenNodesData(scip, &leaves, &children, &siblings, &leaf_count, &child_count,
                                   &sibling_count));
    nodes.assign(children, children + child_count);
    nodes.insert(nodes.end(), siblings, siblings + sibling_count);
    nodes.insert(nodes.end(), leaves, leaves + leaf_count);
    if (nodes.size() < 2) return SCIPgetBestboundNode(scip);
    std::vector<std::int64_t> options(nodes.size());
    std::transform(nodes.begin(), nodes.end(), options.begin(), SCIPnodeGetNumber);
    const int choice = solve->decide(std::move(options));
    if (choice >= 0) return nodes[choice];
    // Selecting none would tell SCIP that the tree is empty.
    if (choice == SteppedSolve::stop) SCIPinterruptSolve(scip);
    return SCIPgetBestboundNode(scip);
  }

  static Retcode on_select(Scip* scip, SCIP_Nodesel* selector, SCIP_Node** selected) {
    try {
      *selected = of(selector).select(scip);
    } catch (const std::exception& failure) {
      of(selector).solve->fail(failure.what());
      SCIPinterruptSolve(scip);
      *selected = SCIPgetBestboundNode(scip);
    }
    return okay;
  }
  // The order in which SCIP keeps the leaves, which it also prunes by.
  static int compare(Scip*, SCIP_Nodesel*, SCIP_Node* first, SCIP_Node* second) {
    const Real a = SCIPnodeGetLowerbound(first), b = SCIPnodeGetLowerbound(second);
    if (a != b) return a < b ? -1 : 1;
    const Longint older = SCIPnodeGetNumber(first), newer = SCIPnodeGetNumber(second);
    return older == newer ? 0 : (older < newer ? -1 : 1);
  }
  static Retcode on_free(Scip*, SCIP_Nodesel* selector) {
    delete &of(selector);
    return okay;
  }
};

struct PrimalSearch {
  std::shared_ptr<SteppedSolve> solve;

  static PrimalSearch& of(SCIP_Heur* heuristic) {
    return *reinterpret_cast<PrimalSearch*>(SCIPheurGetData(heuristic));
  }

  void execute(Scip* scip) {
    SCIP_Var** variables = nullptr;
    int count = 0;
    KIDA_CALL(SCIPgetPseudoBranchCands(scip, &variables, &count, nullptr));
    std::vector<std::int64_t> options(static_cast<std::size_t>(count));
    std::transform(variables, variables + count, options.begin(), SCIPvarGetProbindex);
    if (solve->decide(std::move(options)) == SteppedSolve::stop) SCIPinterruptSolve(scip);
  }

  static Retcode on_node(Scip* scip, SCIP_Heur* heuristic, unsigned int, Bool infeasible,
                         int* result) {
    *result = constants.result_didnotrun;
    if (infeasible != 0) return okay;
    try {
      of(heuristic).execute(scip);
    } catch (const std::exception& failure) {
      of(heuristic).solve->fail(failure.what());
      SCIPinterruptSolve(scip);
    }
    return okay;
  }
  static Retcode on_free(Scip*, SCIP_Heur* heuristic) {
    delete &of(heuristic);
    return okay;
  }
};

}  // namespace

void stop_at_branching(Scip* scip, std::shared_ptr<SteppedSolve> solve, CandidateSet candidates,
                       int priority) {
  SCIP_Branchrule* rule = nullptr;
  auto data = std::make_unique<Branching>(Branching{std::move(solve), candidates, {}});
  KIDA_CALL(SCIPincludeBranchruleBasic(scip, &rule, rule_name, "asks where to branch", priority, -1,
                                       1.0, reinterpret_cast<SCIP_BranchruleData*>(data.get())));
  data.release();  // SCIP has it now
  KIDA_CALL(SCIPsetBranchruleExecLp(scip, rule, Branching::on_branching));
  KIDA_CALL(SCIPsetBranchruleFree(scip, rule, Branching::on_free));
}

void stop_at_node_selection(Scip* scip, std::shared_ptr<SteppedSolve> solve, int priority) {
  SCIP_Nodesel* selector = nullptr;
  auto data = std::make_unique<NodeSelection>(NodeSelection{std::move(solve), {}});
  KIDA_CALL(SCIPincludeNodeselBasic(scip, &selector, selector_name, "asks which node is next",
                                    priority, priority, NodeSelection::on_select,
                                    NodeSelection::compare,
                                    reinterpret_cast<SCIP_NodeselData*>(data.get())));
  data.release();
  KIDA_CALL(SCIPsetNodeselFree(scip, selector, NodeSelection::on_free));
}

void stop_after_nodes(Scip* scip, std::shared_ptr<SteppedSolve> solve, int priority) {
  SCIP_Heur* heuristic = nullptr;
  auto data = std::make_unique<PrimalSearch>(PrimalSearch{std::move(solve)});
  KIDA_CALL(SCIPincludeHeurBasic(scip, &heuristic, heuristic_name, "asks for solutions", '!',
                                 priority, 1, 0, -1, after_node, 0, PrimalSearch::on_node,
                                 reinterpret_cast<SCIP_HeurData*>(data.get())));
  data.release();
  KIDA_CALL(SCIPsetHeurFree(scip, heuristic, PrimalSearch::on_free));
}

}  // namespace kida
