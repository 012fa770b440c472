"""How better policies are made: episodes, samples, training, generations."""
