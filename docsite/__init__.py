"""The site of the docs: its pages from docs/, the commands' help, docstrings and the error lines of the code."""
