"""A judge of agents in the manner of the competition: own dynamics, environment and integral."""

import csv
import json
import sys

import ecole as ec
import pyscipopt

assert ec.__version__ == "0.7.3"
STAGE = pyscipopt.scip.PY_SCIP_STAGE


class Facts:
    def before_reset(self, model):
        pass

    def extract(self, model, done):
        m = model.as_pyscipopt()
        bound = m.getDualbound() if m.getStage() >= STAGE.TRANSFORMED else None
        return {"dual_bound": bound, "nnodes": m.getNNodes(), "status": m.getStatus()}


class PrimalDynamics(ec.dynamics.PrimalSearchDynamics):
    """Of the other task: defined beside those that are used."""


class LimitAfterRoot(ec.dynamics.BranchingDynamics):
    def __init__(self, time_limit):
        super().__init__(pseudo_candidates=True)
        self.time_limit = time_limit

    def reset_dynamics(self, model):
        m = model.as_pyscipopt()
        m.setHeuristics(pyscipopt.scip.PY_SCIP_PARAMSETTING.OFF)
        model.set_params({"estimation/restarts/restartpolicy": "n"})
        done, action_set = super().reset_dynamics(model)
        m.setParam("limits/time", self.time_limit + m.getSolvingTime())
        return done, action_set


class Configured(ec.dynamics.ConfiguringDynamics):
    def __init__(self, time_limit):
        super().__init__()
        self.time_limit = time_limit

    def reset_dynamics(self, model):
        done, action_set = super().reset_dynamics(model)
        model.as_pyscipopt().setParam("limits/time", self.time_limit)
        return done, action_set

    def step_dynamics(self, model, action):
        if "limits/time" in action:
            raise ValueError("forbidden")
        return super().step_dynamics(model, action)


class WithObjectiveLimit(ec.environment.Environment):
    def reset(self, instance, objective_limit=None, *args, **kwargs):
        if isinstance(instance, ec.core.scip.Model):
            self.model = instance.copy_orig()
        else:
            self.model = ec.core.scip.Model.from_file(instance)
        self.model.set_params(self.scip_params)
        if objective_limit is not None:
            self.model.as_pyscipopt().setObjlimit(objective_limit)
        self.dynamics.set_dynamics_random_state(self.model, self.random_engine)
        for function in (
            self.reward_function,
            self.observation_function,
            self.information_function,
        ):
            function.before_reset(self.model)
        done, action_set = self.dynamics.reset_dynamics(self.model, *args, **kwargs)
        self.can_transition = not done
        reward = self.reward_function.extract(self.model, done)
        seen = None if done else self.observation_function.extract(self.model, done)
        return seen, action_set, reward, done, self.information_function.extract(self.model, done)


class Branching(WithObjectiveLimit):
    __Dynamics__ = LimitAfterRoot
    __DefaultInformationFunction__ = Facts


class Configuring(WithObjectiveLimit):
    __Dynamics__ = Configured
    __DefaultInformationFunction__ = Facts


class HeldDualIntegral(ec.reward.DualIntegral):
    def __init__(self):
        self.bounds = (0.0, None)
        super().__init__(wall=True, bound_function=lambda model: self.bounds)

    def extract(self, model, done):
        reward = super().extract(model, done)
        if done:
            m = model.as_pyscipopt()
            left = max(m.getParam("limits/time") - m.getSolvingTime(), 0)
            reward += -(min(m.getDualbound(), self.bounds[1])) * left * -1
        return reward


class Gap(ec.reward.PrimalDualIntegral):
    def __init__(self):
        super().__init__(wall=True, bound_function=lambda model: self.bounds)


class Policy:
    """Branches on the most fractional variable of the action set."""

    def __call__(self, action_set, observation):
        column = ec.observation.NodeBipartiteObs.VariableFeatures.solution_frac
        fractions = observation.column_features[action_set, column]
        return action_set[abs(fractions - 0.5).argmin()]


def main():
    task, instance, results = sys.argv[1:]
    integral = HeldDualIntegral() if task == "dual" else Gap()
    integral.bounds = (0.0, 1e6)
    env = (Branching if task == "dual" else Configuring)(
        time_limit=60,
        observation_function=ec.observation.NodeBipartite() if task == "dual" else None,
        reward_function=-integral,
        scip_params={"limits/memory": 19 * 1024},
    )
    env.seed(0)
    policy = Policy() if task == "dual" else lambda actions, seen: {"limits/nodes": 40}
    observation, action_set, reward, done, info = env.reset(instance, objective_limit=0.0)
    cumulated, steps = 0, 0
    while not done:
        action = policy(action_set, observation)
        observation, action_set, reward, done, info = env.step(action)
        cumulated += reward
        steps += 1
    with open(results, "w", newline="") as file:
        writer = csv.DictWriter(file, ["task", "steps", "cumulated_reward", "info"])
        writer.writeheader()
        writer.writerow(
            {"task": task, "steps": steps, "cumulated_reward": cumulated, "info": json.dumps(info)}
        )


if __name__ == "__main__":
    main()
