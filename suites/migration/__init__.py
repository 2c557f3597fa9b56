"""One plugin in the place of another on a live cluster."""
