"""Trivial and classic rankers that every table must show."""
