"""A trivial S3 on loopback, for measuring clients: `python benchmarks/loopback_s3.py`

Knows PutObject, ListObjectsV2 and HeadBucket of any bucket, keeps sizes and MD5s in memory, and
checks nothing. It prints its URL and serves until its input is closed.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import sys
from bisect import bisect_left, bisect_right
from urllib.parse import parse_qs, unquote, urlsplit

PAGE = 1000


class Bucket:
    """Keys in order, with size and ETag."""

    def __init__(self) -> None:
        self.objects: dict[str, tuple[int, str]] = {}
        self._ordered: list[str] | None = None

    def put(self, key: str, size: int, etag: str) -> None:
        if key not in self.objects:
            self._ordered = None
        self.objects[key] = (size, etag)

    def page(self, prefix: str, after: str) -> tuple[list[str], bool]:
        if self._ordered is None:
            self._ordered = sorted(self.objects)
        start = bisect_right(self._ordered, after) if after else bisect_left(self._ordered, prefix)
        found = self._ordered[start : start + PAGE + 1]
        fitting = [key for key in found if key.startswith(prefix)]
        return fitting[:PAGE], len(fitting) > PAGE


class Connection(asyncio.Protocol):
    """One keep-alive connection; a request is handled as soon as it is whole."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket, self.buffer = bucket, bytearray()
        self.transport: asyncio.Transport | None = None
        self.continued = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport if isinstance(transport, asyncio.Transport) else None

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            start, *lines = bytes(self.buffer[:end]).decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            length = int(headers.get("content-length", 0))
            if len(self.buffer) < end + 4 + length:
                if "expect" in headers and not self.continued:
                    self.continued = True
                    self._write(b"HTTP/1.1 100 Continue\r\n\r\n")
                return
            body = bytes(self.buffer[end + 4 : end + 4 + length])
            del self.buffer[: end + 4 + length]
            self.continued = False
            method, target, _ = start.split(" ")
            self._write(self._answer(method, target, headers, body))

    def _write(self, content: bytes) -> None:
        if self.transport:
            self.transport.write(content)

    def _answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> bytes:
        parts = urlsplit(target)
        key = unquote(parts.path).lstrip("/").partition("/")[2]
        if method == "PUT" and key:
            return self._put(key, headers, body)
        if method == "GET" and not key:
            query = parse_qs(parts.query)
            return self._list(query.get("prefix", [""])[0], query.get("continuation-token", [""])[0])
        return _reply(b"", "x-amz-bucket-region: us-east-1\r\n")

    def _put(self, key: str, headers: dict[str, str], body: bytes) -> bytes:
        if headers.get("content-encoding") == "aws-chunked":
            body = body[body.find(b"\r\n") + 2 :][: int(headers["x-amz-decoded-content-length"])]
        given = headers.get("content-md5")
        etag = binascii.hexlify(base64.b64decode(given)).decode() if given else hashlib.md5(body).hexdigest()  # noqa: S324
        self.bucket.put(key, len(body), etag)
        return _reply(b"", f'ETag: "{etag}"\r\n')

    def _list(self, prefix: str, after: str) -> bytes:
        keys, more = self.bucket.page(prefix, after)
        items = []
        for key in keys:
            size, etag = self.bucket.objects[key]
            items.append(
                f"<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
                f"<ETag>&quot;{etag}&quot;</ETag><Size>{size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
            )
        token = f"<NextContinuationToken>{keys[-1]}</NextContinuationToken>" if more else ""
        text = (
            f'<?xml version="1.0"?><ListBucketResult><KeyCount>{len(keys)}</KeyCount>'
            f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{''.join(items)}</ListBucketResult>"
        )
        return _reply(text.encode(), "Content-Type: application/xml\r\n")


def _reply(body: bytes, headers: str = "") -> bytes:
    return f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


async def serve() -> None:
    loop, bucket = asyncio.get_running_loop(), Bucket()
    server = await loop.create_server(lambda: Connection(bucket), "127.0.0.1", 0)
    sys.stdout.write(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve())
