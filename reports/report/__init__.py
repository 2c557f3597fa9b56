"""report.html: one page that answers whether a plugin can be shipped, rendered from verdict.json alone."""
