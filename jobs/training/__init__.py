"""Starting a training job: plan, upload, create."""
