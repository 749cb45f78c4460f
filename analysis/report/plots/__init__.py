"""What the report's plots show, as numbers: in scores.json, in tables beside it, and for the page's script."""
