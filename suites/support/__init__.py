"""What the cases of all suites share."""
