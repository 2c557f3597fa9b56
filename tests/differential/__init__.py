"""Compare the oracle with an independent analyzer of NetworkPolicy."""
