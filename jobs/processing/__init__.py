"""Shards of a verb on the instances of one processing job: started, followed, and those that are missing done again."""
