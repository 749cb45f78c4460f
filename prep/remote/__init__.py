"""Places in S3 that readers take like folders and files: only what is needed is fetched, once."""
