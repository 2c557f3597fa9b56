"""Records of cases, the verdicts computed from them, and the reports of a run."""
