"""Cases that break a node and check how traffic and state recover."""
