"""Migration from one plugin to another on a live cluster."""
