"""The cases.  A case is a sentence: a requirement, a world, an expectation."""
