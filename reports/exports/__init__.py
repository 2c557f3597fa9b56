"""Files for other programs that a run writes beside verdict.json, made from verdict.json alone."""
