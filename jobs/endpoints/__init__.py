"""Serving a model for a while: deploy, ask, lease, delete, and what is left over."""
