"""Collects samples in threads, an expert or pseudocosts acting by chance at every node."""

import queue
import sys
import threading

import ecole
import numpy as np

generator = np.random.default_rng(0)


class ExpertByChance:
    def __init__(self, probability):
        self.probability = probability
        self.pseudocosts = ecole.observation.Pseudocosts()
        self.expert = ecole.observation.StrongBranchingScores()

    def before_reset(self, model):
        self.pseudocosts.before_reset(model)
        self.expert.before_reset(model)

    def extract(self, model, done):
        if generator.random() < self.probability:
            return self.expert.extract(model, done), True
        return self.pseudocosts.extract(model, done), False


def work(orders, answers):
    while True:
        order = orders.get()
        if order is None:
            return
        instance, seed = order
        env = ecole.environment.Branching(
            observation_function={
                "scores": ExpertByChance(0.5),
                "node": ecole.observation.NodeBipartite(),
            },
            scip_params={
                "separating/maxrounds": 0,
                "presolving/maxrestarts": 0,
                "limits/time": 60,
                "limits/nodes": 15,
                "timing/clocktype": 2,
            },
            pseudo_candidates=True,
        )
        env.seed(seed)
        observation, action_set, _, done, _ = env.reset(instance)
        while not done:
            scores, by_expert = observation["scores"]
            node = observation["node"]
            action = action_set[np.nan_to_num(scores[action_set], nan=-1.0).argmax()]
            if by_expert:
                edges = node.edge_features
                answers.put(
                    (node.row_features, edges.indices, edges.values, node.variable_features, scores)
                )
            observation, action_set, _, done, _ = env.step(action)
        answers.put(None)


def main():
    instance, out = sys.argv[1:]
    orders, answers = queue.Queue(), queue.Queue()
    threads = [threading.Thread(target=work, args=(orders, answers)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for seed in range(3):
        orders.put((instance, seed))
    samples, over = [], 0
    while over < 3:
        answer = answers.get(timeout=300)
        over += answer is None
        samples += [] if answer is None else [answer]
    for _ in threads:
        orders.put(None)
    for thread in threads:
        thread.join()
    rows, indices, values, variables, scores = samples[0]
    np.savez(out, rows=rows, indices=indices, values=values, variables=variables, scores=scores)
    print(len(samples))


if __name__ == "__main__":
    main()
