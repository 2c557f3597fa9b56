"""Mutants of the reference engine: each puts one historical bug back in (policy-bugs, part 1)."""
