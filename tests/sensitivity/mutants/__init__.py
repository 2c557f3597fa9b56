"""Mutants of the reference engine: each puts a kind of historical bug back in (mutants.yaml, bugs.yaml)."""
