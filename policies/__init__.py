"""What should happen: pure values and functions.  No input or output, no pytest, no kubernetes."""
