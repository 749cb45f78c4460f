"""The keys of a home's emulator: a secret that only the home's owner may read, and by which requests are signed."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
import stat
from dataclasses import asdict, dataclass, field
from pathlib import Path

from formats.disk.private_files import write_private
from formats.errors import SagesegError

_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


@dataclass(frozen=True)
class Keys:
    """An access key and its secret, as a client of AWS takes them."""

    access_key: str
    secret_key: str = field(repr=False)

    def prove(self, said: str) -> str:
        """What only a holder of the secret can answer to words. No signature of AWS's is made of this: those are
        by a key that begins with `AWS4`."""
        return hmac.new(self.secret_key.encode(), f"sageseg\n{said}".encode(), hashlib.sha256).hexdigest()


def keys_path(home: Path) -> Path:
    return home / "emulator" / "credentials.json"


def new_keys() -> Keys:
    """Keys of AWS's lengths, 20 and 40 letters. AWS itself knows no access key that begins so."""
    return Keys("LOCAL" + "".join(secrets.choice(_LETTERS) for _ in range(15)), secrets.token_urlsafe(30))


def settle_keys(home: Path) -> Keys:
    """The keys of a home, made where there are none. For the server alone, which holds the home's lock."""
    if not keys_path(home).exists():
        write_private(keys_path(home), json.dumps(asdict(new_keys())) + "\n")
    return read_keys(home)


def read_keys(home: Path) -> Keys:
    """Raises SagesegError where there are none, where they cannot be read, and where others can read them or wrote
    them: whoever has them may do all that the home's owner may."""
    path = keys_path(home)
    try:
        with path.open(encoding="utf-8") as file:
            found, text = os.fstat(file.fileno()), file.read()
    except (OSError, UnicodeDecodeError) as e:
        reason = e.strerror if isinstance(e, OSError) else "no text"
        mend = "start it again" if isinstance(e, FileNotFoundError) else "remove it and start the emulator again"
        raise SagesegError(f"{path}: the emulator's keys cannot be read ({reason}); {mend}") from e
    if found.st_uid != os.geteuid():
        raise SagesegError(f"{path}: belongs to another user; set SAGESEG_HOME to a folder of yours")
    if found.st_mode & _OTHERS:
        raise SagesegError(
            f"{path}: others may read the emulator's keys; remove it and start the emulator again, for new ones, or "
            "where the file system keeps no permissions, set SAGESEG_HOME to a folder on one that does"
        )
    try:
        keys = Keys(**json.loads(text))
    except (ValueError, TypeError, RecursionError) as e:
        raise SagesegError(f"{path}: not the emulator's keys; remove it and start the emulator again") from e
    if not all(isinstance(part, str) and part.isascii() and part for part in asdict(keys).values()):
        raise SagesegError(f"{path}: not the emulator's keys; remove it and start the emulator again")
    return keys
