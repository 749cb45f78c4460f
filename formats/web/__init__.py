"""Web servers that nobody shuts others out of."""
