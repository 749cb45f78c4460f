"""Tuning jobs of the emulator."""
