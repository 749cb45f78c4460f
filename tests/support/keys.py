"""The keys of every emulator that tests start in their own process, and of every client; moto takes any."""

from jobs.emulator.keys import Keys

KEYS = Keys("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI-not-a-real-key")
