"""The trial: what is killed, damaged, lost and asked at once, and what is lost by it. `make trust` runs all of it."""
