"""A report on one machine or on several: what it is of, its images examined as records, its shards and their merge"""
