"""Faults, and what comes back by itself."""
