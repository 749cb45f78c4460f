"""Many clients at once, and what may happen to them: connections that break, stall and hold rubbish, containers and
emulators that are killed. What was asked is answered once, and nothing fails but what was made to fail."""

from trust.clients.rounds import trial as trial
