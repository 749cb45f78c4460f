"""Started jobs: their records, finding them again, following them to their end, what they made."""
