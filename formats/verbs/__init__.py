"""How all verbs are mounted and take options, and what is said of words that none of them knows."""
