"""Processing jobs of the emulator."""
