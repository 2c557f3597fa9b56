"""The cases: each checks requirements on the testbed."""
