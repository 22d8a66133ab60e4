"""Figures from arrays and tables; widgets as thin shells over them."""
