"""Two embeddings become identifiers: quantiser, RQ-VAE, collisions, schemes, the identifier table."""
