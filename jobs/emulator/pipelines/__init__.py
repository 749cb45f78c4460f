"""Pipelines of the emulator: definitions, and their executions by its own operations."""
