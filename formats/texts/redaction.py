"""Secrets kept out of every line and file: what has the form of one, what stands beside the name of one, and those
that this process was given.

What is written as JSON passes `redact_values` before it becomes text (`format_json`), pages and other lines `redact`;
what a process prints, tracebacks too, passes `Redacting` (`console.run_app`).
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from operator import is_
from typing import Any, TextIO, cast
from urllib.parse import quote

HIDDEN = "***"
_SHORTEST = 8
"""Letters of a secret that is looked for as it is: shorter ones are words of every text."""
_SHORTEST_AFTER_A_WORD = 16
"""Letters that are a secret after `token:` or `secret:`, which prose has too."""
_QUOTE = r"(?:\\*[\"']|&#34;|&#39;|&quot;)"
_NAME = (
    r"(?P<name>(?<![A-Za-z])(?:secret|password|passwd|passphrase|token|(?:api|access|secret|private)[_-]?key(?:[_-]?id)?)"
    r"|SecretAccessKey|AccessKeyId|(?:Session|Security|Access|Auth|Bearer|Refresh|(?<!Inval)Id)Token|ClientSecret"
    r"|(?<!\w)\w{1,64}(?:Passw(?:or)?d|_pwd)"
    r"|(?-i:(?<![A-Za-z0-9_])[A-Z0-9_]{1,64}(?<!BY)(?<!COM)PASS(?!_)"
    r"|(?<![A-Za-z0-9])[a-z][a-z0-9]{0,32}(?:[A-Z][a-z0-9]{1,32}){0,3}"
    r"(?:Token|Secret|Pass|(?:Api|Access|Secret|Private)Key))"
    r"|X-Amz-(?:Security-Token|Signature|Credential)|(?:Proxy-)?Authorization"
    r"|(?<![A-Za-z])(?:Signature|Credential|sig)(?==))(?![A-Za-z])"
)
_IN_A_PATH = r"(?!(?<=/)(?:token|secret)=[\w.-]{0,15}(?:[\s/\"'\\]|$))"
"""Folders may be called `token=7`, as tables in parts are."""
_BODY = r"(?:(?!(?P=open))(?:\\.|[^\"\\\n]))*"
_BARE = (
    r"(?P<bare>(?:(?:Bearer|Basic|Token|Digest|AWS4-HMAC-SHA256)[ ]+)?(?:[^\s\"'\\&<>,;:)]|[,;:)](?=[^\s\"'\\&<>]))+)"
)
_AFTER_QUOTED_NAME = re.compile(
    rf"{_NAME}(?P<is>(?P<close>{_QUOTE})\s*:\s*)(?P<open>(?P=close))(?P<in>(?:(?!(?P=open))(?:\\.|[^\\]))*)(?P=open)",
    re.IGNORECASE,
)
_BEGINS = r"(?![\s,:}\]\"'\\&])"
"""What follows the quotation mark that ends a text of JSON is none of these."""
_AFTER_BARE_NAME = re.compile(
    rf"{_IN_A_PATH}{_NAME}(?P<is>[ \t]*[=:][ \t]*)(?:(?P<open>{_QUOTE})(?P<in>{_BEGINS}{_BODY})(?P=open)|{_BARE})",
    re.IGNORECASE,
)
_OPTION = re.compile(rf"--?(?:[a-z0-9]+[-_]){{0,4}}{_NAME}", re.IGNORECASE)
_AFTER_OPTION = re.compile(
    rf"(?<![^\s\"'\[(])(?P<told>{_OPTION.pattern}(?:[ \t]+|(?P<close>{_QUOTE})\s*,\s*(?=(?P=close))))"
    rf"(?:(?P<open>{_QUOTE})(?:{_BEGINS}{_BODY})(?P=open)|(?![-\[<])[^\s\"'\\&<>]+)",
    re.IGNORECASE,
)
_HARMLESS = (
    *("true", "false", "yes", "no", "on", "off", "none", "null", "default", "auto", "enabled", "disabled"),
    *("required", "optional", "undefined", "anonymous"),
)
"""What stands under a secret's name where something is switched, or left open."""
_FORMS = (
    (re.compile(r"(?<![A-Z0-9])(?:AKIA|ASIA)[A-Z0-9]{12,}"), HIDDEN),
    (re.compile(r"(?<![A-Za-z0-9])hf_[A-Za-z0-9]{16,}"), HIDDEN),
    (re.compile(r"(?<![A-Za-z0-9])(?:gh[oprsu]_|github_pat_|glpat-|xox[abprs]-)[A-Za-z0-9_-]{16,}"), HIDDEN),
    (re.compile(r"(?<![A-Za-z0-9])sk-(?:(?:proj|svcacct|admin|ant|or)-[\w-]{16,}|[A-Za-z0-9]{20,})"), HIDDEN),
    (re.compile(r"(?<![A-Za-z0-9])(?:[sr]k_(?:live|test)_[A-Za-z0-9]{16,}|AIza[\w-]{35}|npm_[A-Za-z0-9]{36})"), HIDDEN),
    (re.compile(r"(?<![A-Za-z0-9])(?:pypi-AgE[\w-]{16,}|dckr_pat_[\w-]{16,}|nvapi-[\w-]{32,})"), HIDDEN),
    (re.compile(r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]+"), HIDDEN),
    (re.compile(r"\b(Bearer)[ ]+[\w.~+/=-]{16,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    (re.compile(r"\b([Bb]asic)[ ]+(?=[a-z+/]*[A-Z0-9])[A-Za-z0-9+/]{12,}=*"), rf"\1 {HIDDEN}"),
    (re.compile(rf"<({_NAME})>[^<]+"), rf"<\1>{HIDDEN}"),
    # of a URL that was taken for a path one / is left
    (re.compile(r"(:/{1,2})(?:[^\s/@:\"'\\<>]*:[^\s/\"'\\<>]+|[^\s/@:\"'\\<>]{20,})(?=@)"), rf"\1{HIDDEN}"),
)
_SECRET_NAME = re.compile(rf"(?:.*[^A-Za-z])?{_NAME}|.*(?:Token|Secret|Password)", re.IGNORECASE | re.DOTALL)
_IN_URL = re.compile(r"://([^\s/@:]*):([^\s/@]+)@")
_EMBEDDED = re.compile(r"(;base64,[A-Za-z0-9+/=]+)")
"""Images inside a page: they hold no names, and most of its letters."""
_SIGNS = (
    *("akia", "asia", "hf_", "gho_", "ghp_", "ghr_", "ghs_", "ghu_", "github_pat_", "glpat-", "xox", "eyj", ":/"),
    *("bearer", "basic ", "secret", "pass", "_pwd", "token", "signature", "sig="),
    *("sk-", "sk_live", "sk_test", "rk_live", "rk_test", "aiza", "npm_", "pypi-", "dckr_pat_", "nvapi-"),
    *("credential", "authorization", "apikey", "accesskey", "privatekey"),
)
"""Without one of these, in small letters, there is nothing to hide: looking for words is a hundred times faster than
looking for all of the above."""
_known: set[str] = set()


def know(*secrets: str | None) -> None:
    """From now on hide these wherever they stand, such as the keys of the AWS profile in use."""
    _known.update(secret for secret in secrets if secret and len(secret) >= _SHORTEST)


def redact(text: str) -> str:
    """The text without secrets. JSON stays JSON, and what was redacted stays as it is."""
    return _redact_text(text, _known_secrets())


def _redact_text(text: str, secrets: Sequence[str]) -> str:
    parts = _EMBEDDED.split(text) if ";base64," in text else [text]
    parts[::2] = (_redact(part, secrets) for part in parts[::2])
    return "".join(parts)


def redact_values(value: Any) -> Any:
    """A value of JSON whose texts hold no secrets, whole where the name beside it is one of a secret. Lists and objects
    in which nothing is hidden are the same, not copies: a report of many images has tables as large as all else."""
    return _redact_values(value, _known_secrets())  # a report has thousands of texts, and the environment is the same


def _redact_values(value: Any, secrets: Sequence[str]) -> Any:
    if isinstance(value, str):
        return _redact_text(value, secrets)
    if isinstance(value, Mapping):
        named = next((value[word] for word in ("Key", "Name", "name") if isinstance(value.get(word), str)), "")
        hidden = {"Value", "value"} if is_secret_name(named) else set()
        members = {key: _redact_member(key, inner, secrets, whole=key in hidden) for key, inner in value.items()}
        return value if same_members(value, members) else members
    if isinstance(value, list | tuple):
        follows = (False, *(isinstance(each, str) and _OPTION.fullmatch(each) is not None for each in value))
        items = [
            _redact_member(None, inner, secrets, whole=hidden and not str(inner).startswith("-"))
            for hidden, inner in zip(follows, value, strict=False)
        ]
        return value if same_items(value, items) else items
    return value


def same_members(value: Mapping[Any, Any], made: dict[Any, Any]) -> bool:
    """Whether a dict made of an object's members has nothing new."""
    return isinstance(value, dict) and all(map(is_, value.values(), made.values()))


def same_items(value: Sequence[Any], made: list[Any]) -> bool:
    """Whether a list made of another's items has nothing new."""
    return isinstance(value, list) and all(map(is_, value, made))


def _redact_member(key: Any, value: Any, secrets: Sequence[str], *, whole: bool) -> Any:
    if isinstance(value, str) and value and (whole or (isinstance(key, str) and is_secret_name(key))):
        return value if value.casefold() in _HARMLESS else HIDDEN
    return _redact_values(value, secrets)


@lru_cache(maxsize=4096)
def is_secret_name(name: str) -> bool:
    """Whether what has this name is a secret: `HF_TOKEN`, `SecretAccessKey`; not `TOKEN_FILE`."""
    return _SECRET_NAME.fullmatch(name) is not None


def _redact(text: str, secrets: Sequence[str]) -> str:
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    if not _may_hold_any(text):
        return text
    return "\n".join(_redact_line(line) if _may_hold_any(line) else line for line in text.split("\n"))


def _may_hold_any(text: str) -> bool:
    small = text.lower().replace("_key", "key").replace("-key", "key")
    return any(sign in small for sign in _SIGNS)


def _redact_line(line: str) -> str:
    for form, instead in _FORMS:
        line = form.sub(instead, line)
    line = _AFTER_OPTION.sub(_hide_word, line)
    return _AFTER_BARE_NAME.sub(_hide, _AFTER_QUOTED_NAME.sub(_hide, line))


def _hide_word(found: re.Match[str]) -> str:
    quote_ = found["open"] or ""
    return f"{found['told']}{quote_}{HIDDEN}{quote_}"


def _hide(found: re.Match[str]) -> str:
    told, open_, inside = f"{found['name']}{found['is']}", found["open"] or "", found["in"]
    if (inside if open_ else found["bare"]).casefold() in ("", *_HARMLESS):
        return found[0]
    if open_:
        return f"{told}{open_}{HIDDEN}{open_}"
    before = found.string[found.start() - 1 : found.start()]
    is_word = found["name"].casefold() in ("token", "secret") and before != "_"
    if is_word and ":" in found["is"] and len(found["bare"]) < _SHORTEST_AFTER_A_WORD:
        return found[0]
    return f"{told}{HIDDEN}"


def _known_secrets() -> list[str]:
    """The longest first: one may be a part of another."""
    given = (secret for secret in _of_environment() if secret.casefold() not in _HARMLESS)
    secrets = _known | {secret for secret in given if len(secret) >= _SHORTEST and not secret.isdecimal()}
    return sorted({form for secret in secrets for form in _written(secret)}, key=_length)


def _written(secret: str) -> Iterator[str]:
    """A secret as it stands in texts, URLs, JSON and pages; of one of many lines, such as a private key, each line."""
    from html import escape  # whose tables take a while

    on_page = escape(secret, quote=False).replace('"', "&#34;").replace("'", "&#39;")  # as Jinja does
    yield from (secret, quote(secret), quote(secret, safe=""), json.dumps(secret)[1:-1], on_page)
    yield from (line for line in secret.split("\n")[:-1] if len(line) >= _SHORTEST_AFTER_A_WORD)


def _length(secret: str) -> tuple[int, str]:
    return -len(secret), secret


def _of_environment() -> Iterator[str]:
    """What this process was given under a secret's name, and the passwords in URLs, such as a proxy's."""
    for name, value in os.environ.items():
        if is_secret_name(name):
            yield value
        elif "@" in value:
            yield from (password for _, password in _IN_URL.findall(value))


class Redacting:
    """A stream that hides secrets in what is written through it, and is the stream beneath in all else. What is
    written at once is looked through at once."""

    def __init__(self, stream: TextIO) -> None:
        self.beneath = stream

    def write(self, text: str) -> int:
        self.beneath.write(redact(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.beneath, name)


def beneath(stream: TextIO) -> TextIO:
    """The stream that hides nothing: for keys that somebody asked for."""
    return stream.beneath if isinstance(stream, Redacting) else stream


@contextmanager
def redacted_streams() -> Iterator[None]:
    """Hide secrets in all that is printed meanwhile: wrong usage, warnings, and what others print."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast("TextIO", Redacting(stream)) for stream in before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
