"""What the emulator keeps: one collection per kind of resource, logs, tags."""
