"""Talking with AWS: clients, errors as one line, S3 places, who one is, names and tags."""
