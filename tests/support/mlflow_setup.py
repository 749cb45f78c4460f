"""MLflow's own server on loopback, as mlflow-skinny brings it, without the page and the database of the whole one; and
servers that fail in ways of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

_SERVER = """
import os, sys
folder = sys.argv[1]
os.environ.update(
    _MLFLOW_SERVER_FILE_STORE=f"{folder}/runs", _MLFLOW_SERVER_ARTIFACT_DESTINATION=f"{folder}/artifacts",
    _MLFLOW_SERVER_ARTIFACT_ROOT="mlflow-artifacts:/", _MLFLOW_SERVER_SERVE_ARTIFACTS="true",
    MLFLOW_ALLOW_FILE_STORE="true", MLFLOW_DISABLE_TELEMETRY="true",
)
from wsgiref.simple_server import WSGIRequestHandler, make_server
from mlflow.server import app
WSGIRequestHandler.log_message = lambda *_: None
server = make_server("127.0.0.1", 0, app)
print(server.server_port, flush=True)
server.serve_forever()
"""


@contextmanager
def mlflow_running(folder: Path) -> Iterator[str]:
    """The URI of a server that keeps its runs in a folder."""
    folder.mkdir()
    words = [sys.executable, "-W", "ignore", "-c", _SERVER, str(folder)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=folder) as process:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        try:
            yield f"http://127.0.0.1:{int(port)}"
        finally:
            process.kill()


@contextmanager
def answering(status: int, body: bytes, kind: str = "application/json") -> Iterator[str]:
    """The URI of a server that answers all alike."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 (the names that the handler looks for)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
