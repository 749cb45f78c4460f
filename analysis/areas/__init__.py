"""How large what was predicted is, in the user's units, and how that compares with the truth."""
