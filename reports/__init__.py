"""Records of cases, verdicts, and the reports that are made of them."""
