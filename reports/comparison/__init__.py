"""compare.html: what differs between runs, from their verdict.json alone."""
