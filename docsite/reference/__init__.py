"""Reference pages that the program tells itself: its verbs, and the modules that others may import."""
