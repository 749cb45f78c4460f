"""Damaged input over every parser: each input is read, or refused in one line that names its file."""
