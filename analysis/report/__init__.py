"""One report: its page, its tables, its layer files."""
