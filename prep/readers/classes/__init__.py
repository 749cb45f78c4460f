"""Class lists, and what the masks beside them mean."""
