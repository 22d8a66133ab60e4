"""A model learns to speak identifiers: vocabulary, tasks, backbones, training, trie and beam."""
