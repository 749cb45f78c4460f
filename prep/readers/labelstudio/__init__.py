"""Label Studio's exports: tasks, whose annotation is taken, which image it is of, drawn."""
