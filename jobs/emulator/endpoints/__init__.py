"""Models, endpoints and invocations of the emulator."""
