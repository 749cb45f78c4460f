"""From raw labels to a dataset that the built-in algorithm takes."""
