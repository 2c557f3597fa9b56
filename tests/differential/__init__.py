"""The oracle beside an analyzer that others wrote."""
