"""The verbs of prep that read labels."""
