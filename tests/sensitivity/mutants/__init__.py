"""Mutants of the reference engine; each reproduces a kind of historical bug (mutants.yaml, bugs.yaml)."""
