"""One plan on many machines: its shards, what each leaves when it is done, and all of them put together."""
