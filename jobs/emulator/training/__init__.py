"""Training jobs of the emulator."""
