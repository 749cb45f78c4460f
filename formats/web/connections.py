"""A web server that nobody shuts others out of with connections that are left open, or filled drop by drop.

waitress takes no new connection while it has its full number, and closes one only when nothing came of it for two
minutes: some hundred idle ones, of anybody on the machine, were enough (waitress 3.0.2).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import waitress
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError

MOST_CONNECTIONS = 256
"""With one more, one goes that waits for its client: of those that never sent a whole request the oldest, else the one
whose last is longest ago."""
_NEVER = 2**20


class _Parser(HTTPRequestParser):  # type: ignore[misc]
    """A request that is read. Half of an IPv6 address in its first line is a bad one; in waitress 3.0.2 it is not
    answered, and ends in the log as an error of the server."""

    def parse_header(self, header: bytes) -> None:
        try:
            super().parse_header(header)
        except ValueError as e:
            raise ParsingError("Bad URI") from e


class _Channel(HTTPChannel):  # type: ignore[misc]
    """A connection. `worth` is whether it has brought a whole request, and when it last did, or came (monotonic
    seconds): drops do not count."""

    parser_class = _Parser

    def __init__(self, server: Any, *rest: Any, **also: Any) -> None:
        self.worth = (False, time.monotonic())
        super().__init__(server, *rest, **also)
        channels = server.active_channels.values()
        if len(channels) > MOST_CONNECTIONS:
            idle = [channel for channel in channels if not channel.requests and not channel.will_close]
            for channel in sorted(idle, key=lambda channel: channel.worth)[: len(channels) - MOST_CONNECTIONS]:
                channel.will_close = True  # the loop closes it: by itself, and not in the middle of its events

    def received(self, data: bytes) -> Any:
        before = len(self.requests)
        taken = super().received(data)
        if len(self.requests) > before:
            self.worth = (True, time.monotonic())
        return taken


def create_server(application: Callable[..., Any], **settings: Any) -> Any:
    """waitress's server, which takes its settings. Raises what `waitress.create_server` does."""
    server = waitress.create_server(
        application, connection_limit=_NEVER, asyncore_use_poll=True, clear_untrusted_proxy_headers=True, **settings
    )
    server.channel_class = _Channel
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # else a line for each request that waits a moment
    return server
