"""Processing jobs, which have no records: found, shown, and the logs of their hosts."""
