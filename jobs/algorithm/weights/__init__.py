"""Weights by MXNet's names, and where a training starts from."""
