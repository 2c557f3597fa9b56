"""Hand-written cases, one YAML file per feature: policies, and who reaches whom, stated by hand."""
