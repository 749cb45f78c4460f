"""HTML pages that open offline, hold all they need and run no program but their own."""
