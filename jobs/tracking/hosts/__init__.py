"""Processing jobs, which have no records: found, shown, and followed by the logs of their hosts."""
