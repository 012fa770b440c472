"""The policy: the network in torch, its weights on disk, and how networks are merged."""
