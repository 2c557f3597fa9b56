"""The plugins, and nothing else."""

pytest_plugins = ["fixtures.plugin", "reports.plugin"]
