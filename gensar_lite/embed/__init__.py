"""Items become two matrices: text (semantic) and clicks (collaborative)."""
