"""`nox -s watch`: certify again and again, and serve the newest metrics over HTTP."""
