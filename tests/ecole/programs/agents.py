"""An agent in the manner of tree MDPs: node data, counters, and dynamics with arguments."""

import json
import sys

import ecole


class Depth(ecole.dynamics.BranchingDynamics):
    def reset_dynamics(self, model, primal_bound, training, *args, **kwargs):
        m = model.as_pyscipopt()
        m.setParam("nodeselection/dfs/stdpriority", 666666 if training else 0)
        if primal_bound is not None:
            m.setObjlimit(primal_bound)
        return super().reset_dynamics(model, *args, **kwargs)


class DepthFirst(ecole.environment.Environment):
    __Dynamics__ = Depth


class Objective:
    def before_reset(self, model):
        pass

    def extract(self, model, done=False):
        return model.as_pyscipopt().getObjVal(original=True) if done else None


def main():
    instance, out = sys.argv[1:]
    env = DepthFirst(
        scip_params={"separating/maxrounds": 0, "presolving/maxrestarts": 0, "limits/nodes": 60},
        pseudo_candidates=False,
        observation_function=(ecole.observation.FocusNode(), ecole.observation.NodeBipartite()),
        reward_function=ecole.reward.NNodes().cumsum(),
        information_function={
            "nnodes": ecole.reward.NNodes().cumsum(),
            "lpiters": ecole.reward.LpIterations().cumsum(),
            "time": ecole.reward.SolvingTime().cumsum(),
        },
    )
    env.seed(1)
    tree, depths = {}, []
    observation, action_set, nodes, done, info = env.reset(
        instance=instance, primal_bound=None, training=True
    )
    while not done:
        node, graph = observation
        tree[node.number] = node.parent_number
        depths.append(node.depth)
        assert graph.edge_features.shape == (len(graph.row_features), len(graph.column_features))
        observation, action_set, nodes, done, info = env.step(action_set[0])

    solved = ecole.environment.Configuring(
        scip_params={}, observation_function=None, reward_function=Objective()
    )
    assert solved.reset(instance) == (None, None, None, False, {})
    _, _, optimum, _, _ = solved.step({"branching/relpscost/priority": 9999999})
    m = solved.model.as_pyscipopt()
    facts = {"nlps": m.getNLPs(), "gap": m.getGap(), "status": m.getStatus()}
    with open(out, "w") as file:
        json.dump(
            {"tree": tree, "depths": depths, "nodes": nodes, "info": info, "optimum": optimum}
            | facts,
            file,
        )


if __name__ == "__main__":
    main()
