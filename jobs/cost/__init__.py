"""What a job may cost, and asking before it is spent."""
