"""What notebooks and courses need: set-up, the notebook runner, recorded numbers."""
