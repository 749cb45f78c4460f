"""One HTML page that shows what prep made."""
