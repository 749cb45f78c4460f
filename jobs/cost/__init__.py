"""What a job may cost, asking before it is spent, and what it did cost."""
