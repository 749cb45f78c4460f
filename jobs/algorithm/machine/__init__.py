"""Processor or GPU, and torch itself."""
