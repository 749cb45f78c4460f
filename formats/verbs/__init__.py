"""How all verbs are mounted, and what is said of words that none of them knows."""
