"""Text as people and other programs write and read it: encodings, JSON, CSV, numbers in words, secrets hidden."""
