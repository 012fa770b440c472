"""What a paper needs and a product does not: ablation, and search on reward."""
