"""Secrets do not get out, whatever form they have; JSON stays JSON, and what is none is left as it is."""

from __future__ import annotations

import copy
import hashlib
import io
import json
import sys
from base64 import b64encode
from html import escape
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment

from formats.console import result, run_app, say
from formats.texts import redaction
from formats.texts.json_text import format_json
from formats.texts.redaction import HIDDEN, Redacting, is_secret_name, know, redact, redact_values

KEY = "AKIAI44QH8DHBEXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYzEXAMPLEKEY"  # noqa: S105
TOKEN = "IQoJb3JpZ2luX2VjEJr//////////wEaCXVzLWVhc3QtMSJ="  # noqa: S105

FORMS = {
    "key id": f"the key {KEY} is not known",
    "temporary key id": f"({KEY.replace('AKIA', 'ASIA')})",
    "environment": f"AWS_SECRET_ACCESS_KEY={SECRET} HF_TOKEN=hf_short",
    "shell": f'export AWS_SESSION_TOKEN="{TOKEN}"',
    "INI": f"aws_secret_access_key = {SECRET}",
    "YAML": f"aws_session_token: {TOKEN}",
    "answer of STS": json.dumps({"Credentials": {"SecretAccessKey": SECRET, "SessionToken": TOKEN}}, indent=1),
    "JSON in JSON": json.dumps({"body": json.dumps({"SecretAccessKey": SECRET, "AccessKeyId": KEY})}),
    "Python": repr({"aws_secret_access_key": SECRET, "password": "hunter2 hunter2"}),
    "page": escape(json.dumps({"SessionToken": TOKEN})),
    "presigned, version 4": f"https://b.s3.amazonaws.com/k?X-Amz-Credential={KEY}%2F2026&X-Amz-Signature=aeeed9bb&x=1",
    "presigned, version 2": f"https://b.s3.amazonaws.com/k?AWSAccessKeyId={KEY}&Signature=vjbyPxybdZaNmG%2Fx&Expires=1",
    "token in a URL": f"/k?X-Amz-Security-Token={TOKEN}",
    "header": f"Authorization: AWS4-HMAC-SHA256 Credential={KEY}/2026/s3, SignedHeaders=host, Signature=fe5f80f7",
    "bearer": "Authorization: Bearer abc.def",
    "bearer alone": "sent Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIi",
    "basic": "{'Proxy-Authorization': 'Basic dXNlcjpodW50ZXIy'}",
    "proxy": "http://user:hunter2@proxy.example.com:8080 cannot be reached",
    "Hugging Face": "hf_AbCdEfGhIjKlMnOpQrStUv",
    "in a file's name": f"x_{KEY}_hf_AbCdEfGhIjKlMnOpQrStUv.jpg",
    "XML of STS": f"<AccessKeyId>{KEY}</AccessKeyId><SecretAccessKey>{SECRET}</SecretAccessKey>",
    "basic alone": "sent Basic dXNlcjpodW50ZXIy",
    "other tokens": "ghp_0123456701234567012345670123 glpat-0123456701234567 xoxb-01234567-01234567",
    "web token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.eyJaa_01234567",
    "@ in a password": "http://me:at@hunter2@proxy.example.com:8080",
    "URL taken for a path": "https:/user:hunter2@proxy.example.com/x: not found",
    "one word": "DBPASSWORD=hunter2 mypassword: hunter2",
    "one word without its rest": "DBPASS=hunter2 SMTP_PASS: hunter2 MYSQL_PWD='hunter2'",
    "words run together": "hfToken=hunter2 dbPass: hunter2 {'openaiApiKey': 'hunter2', \"hubSecret\":\"hunter2\"}",
    "after an option": "hub login --token hunter2 --db-password 'hunter2 hunter2' --api-key \"hunter2\" -v",
    "after an option in a list": "Command '['hub', '--hf-token', 'hunter2']' failed",
    "OpenAI and Anthropic": "sk-proj-0123456701234567_a sk-0123456701234567abcd (sk-ant-api03-0123456701234567)",
    "Stripe, Google, npm, PyPI, NVIDIA": f"sk_live_0123456701234567 AIza{'01234567' * 4}abc npm_{'01234567' * 4}abcd "
    f"pypi-AgEIcHlwaS5vcmc01234567 dckr_pat_0123456701234567 nvapi-{'01234567' * 4}",
    "W&B and MLflow": "WANDB_API_KEY=0123456789abcdef MLFLOW_TRACKING_PASSWORD='hunter2'",
}
SECRETS = (
    KEY,
    SECRET,
    TOKEN,
    "hunter2",
    "hf_",
    "aeeed9bb",
    "vjbyPx",
    "fe5f80f7",
    "abc.def",
    "eyJ",
    "dXNlcj",
    "01234567",
)


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_hidden_in_every_form_in_which_it_is_written(form: str) -> None:
    shown = redact(FORMS[form])
    assert HIDDEN in shown
    assert [secret for secret in SECRETS if secret in shown] == []
    assert redact(shown) == shown
    if FORMS[form].startswith('{"'):
        json.loads(shown)


@pytest.mark.parametrize(
    "text",
    [
        hashlib.sha256(b"x").hexdigest(),
        "commit 9fceb02d0ae598e95dc970b74767f19372d61af8-dirty",
        "s3://bucket/cars/key=7/a b@2.jpg and https://bucket.s3.amazonaws.com/cars/0001.jpg",
        "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "ExpiredToken: The provided token has expired; no AWS credentials: run aws configure",
        "InvalidClientTokenId: The security token included in the request is invalid",
        "InvalidToken: The provided token is malformed or otherwise invalid",
        "not well-formed (invalid token): line 1, column 4; unexpected token: <",
        '{"token": null, "secret": 3, "KmsKeyId": "alias/cars", "IdToken": ""}',
        "/data/token=7/cars/secret=a_b/0001.jpg s3://bucket/token=7 '/data/token=7'",
        "USE_TOKEN=true password: default {'secret': 'None'} HF_TOKEN=\"\" dbPass=off",
        "FIRST PASS=1 BYPASS=1 bypass: 3 forward_pass=2 COMPASS: n PWD=/root OLDPWD=/root NUM_PASSES=3",
        "mask-proj-0123456701234567 sk-unet-20261128-173800 task-0123456701234567abcd --tokens 3 --token-file a",
        "models/hf_resnet_50_imagenet1k_v2/model.tar.gz of a basic background_class_2; <secret>",
        "secretsmanager:GetSecretValue iam:PassRole signature_version keys: a, b",
        "data:image/png;base64," + b64encode(b"AKIA" + bytes(range(256))).decode() + '" alt="',
        f"data:image/png;base64,{KEY}/password=/hf0",
    ],
)
def test_what_is_no_secret_stays_as_it_is(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        *((name, True) for name in ("HF_TOKEN", "aws_session_token", "SecretAccessKey", "DB_PASSWORD", "x-api-key")),
        *((name, True) for name in ("DBPASS", "SMTP_PASS", "MYSQL_PWD", "hfToken", "dbPass", "openaiApiKey")),
        *((name, False) for name in ("PWD", "BYPASS", "compass", "forward_pass", "PASS", "passes", "DB_PASS_FILE")),
        *((name, True) for name in ("MLFLOW_TRACKING_TOKEN", "Authorization", "X-Amz-Security-Token", "clientSecret")),
        *((name, False) for name in ("TOKEN_FILE", "KmsKeyId", "Key", "monkey", "tokens", "learning_rate", "GPG_KEY")),
    ],
)
def test_what_the_name_of_a_secret_is(name: str, is_one: bool) -> None:
    assert is_secret_name(name) is is_one


def test_values_are_hidden_whole_before_they_are_json() -> None:
    tags = [{"Key": "team:api-key", "Value": 'a "quoted" one'}, {"Key": "team", "Value": "cars"}]
    told = {"Environment": {"HF_TOKEN": 'x"y\\z', "USE_TOKEN": "True"}, "Tags": tags, "password": 7, "at": [f"k={KEY}"]}
    told["command"] = ["train", "--hub-token", "swordfish", "--password", "--epochs", "3", "--api-key", ["a"], "token"]
    assert json.loads(format_json(told)) == {
        "command": ["train", "--hub-token", HIDDEN, "--password", "--epochs", "3", "--api-key", ["a"], "token"],
        "Environment": {"HF_TOKEN": HIDDEN, "USE_TOKEN": "True"},
        "Tags": [{"Key": "team:api-key", "Value": HIDDEN}, {"Key": "team", "Value": "cars"}],
        "password": 7,
        "at": [f"k={HIDDEN}"],
    }


pieces = st.sampled_from(
    [
        *(
            "token",
            "TOKEN",
            "password",
            "SessionToken",
            "x_secret",
            "=",
            ":",
            " ",
            '"',
            "'",
            "\\",
            "\\n",
            "{",
            "}",
            ",",
        ),
        *(
            "&",
            "://",
            "u:p@",
            KEY,
            "Signature=",
            "--token ",
            "--hf-token",
            "DBPASS",
            "hfToken",
            "/token=",
            "true",
            "Authorization: Bearer ",
            "a",
            "1",
            "null",
            "\n",
            "é",
            "***",
            ";base64,",
        ),
    ]
)
texts = st.lists(pieces, max_size=12).map("".join)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(values)
def test_json_stays_json_with_the_same_keys_and_numbers(value: Any) -> None:
    text = json.dumps(value)
    shown = redact(text)
    assert skeleton(json.loads(shown, object_pairs_hook=Pairs)) == skeleton(json.loads(text, object_pairs_hook=Pairs))
    assert redact(shown) == shown
    assert redact_values(redact_values(value)) == redact_values(value)


class Pairs(list[tuple[str, Any]]):
    """An object of JSON, of which two keys may be hidden, and then are alike."""


def skeleton(value: Any) -> Any:
    """A value without its texts, of which keys may hold secrets too."""
    if isinstance(value, Pairs):
        return sorted(repr(skeleton(inner)) for _, inner in value)
    return [skeleton(inner) for inner in value] if isinstance(value, list) else "" if isinstance(value, str) else value


def test_what_this_process_was_given_is_hidden_wherever_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_known", set())
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("HTTPS_PROXY", "http://me:swordfish-9@proxy:1")
    monkeypatch.setenv("CI_TOKEN", "12345678")  # a number of JSON must stay one
    monkeypatch.setenv("DEPLOY_TOKEN", "Disabled")
    know("of-a-profile-1", "short", None)
    encoded = SECRET.replace("/", "%2F").replace("+", "%2B")
    assert redact(f"<{SECRET}> {encoded} swordfish-9 of-a-profile-1 short 12345678 Disabled") == (
        f"<{HIDDEN}> {HIDDEN} {HIDDEN} {HIDDEN} short 12345678 Disabled"
    )


def test_a_secret_of_odd_letters_is_hidden_as_json_and_pages_write_it(monkeypatch: pytest.MonkeyPatch) -> None:
    odd, lines = "p&ss\"w\\rd<1>'", "-----BEGIN-----\nMIIEvQIBADANBgkqhkiG\nAAAABBBBCCCCDDDD\n-----END-----\n"
    monkeypatch.setattr(redaction, "_known", set())
    monkeypatch.setenv("DB_PASSWORD", odd)
    monkeypatch.setenv("SSH_PRIVATE_KEY", lines)
    page = Environment(autoescape=True).from_string("{{ it }}").render(it=odd)
    assert redact(f"{odd} {json.dumps(odd)} {page}") == f'{HIDDEN} "{HIDDEN}" {HIDDEN}'
    assert redact(" ".join(lines.split())) == f"-----BEGIN----- {HIDDEN} {HIDDEN} -----END-----"


def test_all_that_a_command_prints_goes_through_the_gate(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    app = typer.Typer(pretty_exceptions_enable=False)

    @app.command()
    def verb() -> None:
        say(f"password={SECRET}")
        result(f"password={SECRET}")
        result(f"export password={SECRET}", keys_too=True)
        print(f"password={SECRET}")  # noqa: T201  # as other packages do
        raise ValueError(f"password={SECRET}")

    monkeypatch.setattr(sys, "argv", ["verb"])
    with pytest.raises(SystemExit, match="1"):
        run_app(app)
    told = capsys.readouterr()
    assert told.out == f"password={HIDDEN}\nexport password={SECRET}\npassword={HIDDEN}\n"
    assert "Traceback" in told.err
    assert SECRET not in told.err
    assert told.err.splitlines()[-1] == f"ValueError: password={HIDDEN}"


@pytest.mark.parametrize(
    "word", ["z", "_", "zz ", "://", "\\", "<a>", "a:", "A", "A_", "aBa", "--a-", " --", "sk-", "/token="]
)
def test_a_long_text_takes_no_longer_for_each_of_its_letters(word: str) -> None:
    """Work that grows with the square of its length would take minutes."""
    text = word * (200_000 // len(word)) + " token :// akia"
    assert redact(text) == text


def test_a_stream_is_what_it_was_beneath(tmp_path: Path) -> None:
    with (tmp_path / "x").open("w", encoding="utf-8") as file:
        stream = Redacting(file)
        stream.writelines(["a\n", f"{KEY}\n"])
        assert (stream.encoding, stream.fileno(), stream.isatty()) == ("utf-8", file.fileno(), False)
        assert stream.buffer is file.buffer
        stream.flush()
    assert (tmp_path / "x").read_text() == f"a\n{HIDDEN}\n"
    assert io.StringIO().write("abc") == Redacting(io.StringIO()).write("abc")


@pytest.mark.parametrize(
    ("value", "changed"),
    [
        ({"car": {"iou": 0.5, "names": ["a", "b"]}}, False),
        ([[1, None], {"x": True}], False),
        ({"car": {"password": "swordfish"}}, True),
        (["--password", "swordfish"], True),
    ],
)
def test_what_hides_nothing_is_not_copied(value: Any, changed: bool) -> None:
    before = copy.deepcopy(value)
    assert (redact_values(value) is not value) == changed
    assert value == before
