"""How good is it, and compared with what: protocols, metrics, intervals, baselines."""
