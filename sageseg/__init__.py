"""The command itself: `sageseg`, its `run` through all rooms, and the demo with its generated data."""
