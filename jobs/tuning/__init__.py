"""Starting a tuning job: ranges and plan."""
