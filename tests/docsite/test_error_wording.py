"""What error lines say is read from code without running it."""

from pathlib import Path

import pytest

from docsite.errors.lines import divide, error_lines
from docsite.errors.names import CLOSE, OPEN
from docsite.errors.pages import entries
from docsite.errors.program import read_program
from docsite.errors.reach import reached
from docsite.errors.sites import find_sites

HEAD = "from formats.errors import SagesegError\n"


def texts(folder: Path, code: str, **others: str) -> list[str]:
    """The wordings of a module's errors, values in angle brackets."""
    for name, content in {"x": HEAD + code, **others}.items():
        path = folder / "prep" / f"{name}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    errors = folder / "formats" / "errors.py"
    errors.parent.mkdir(exist_ok=True)
    errors.write_text("class SagesegError(Exception):\n    pass\n")
    sites = find_sites(read_program(folder))
    return [text.replace(OPEN, "<").replace(CLOSE, ">") for site in sites for text in site.texts]


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ('def f(path):\n    raise SagesegError(f"{path}: not found; look")', ["<PATH>: not found; look"]),
        ('def f(a):\n    raise SagesegError(f"{a.path}: {len(a.rows)} rows")', ["<A PATH>: <N> rows"]),
        ('def f(a):\n    raise SagesegError(f"{a!r} is odd")', ["'<A>' is odd"]),
        ("def f(e):\n    raise SagesegError(f'bad ({e})')", ["bad (<REASON>)"]),
        ('def f(e):\n    raise SagesegError(f\'bad: {str(e).removeprefix("a").lstrip(": ")}\')', ["bad: <REASON>"]),
        ('_END = "try again"\ndef f(a):\n    raise SagesegError(f"no; {_END}")', ["no; try again"]),
        ('def f(a):\n    raise SagesegError("no; " + ("add it" if a else "leave it"))', ["no; add it", "no; leave it"]),
        ('def f(a):\n    why = "x" if a else "y"\n    raise SagesegError(f"is {why}")', ["is x", "is y"]),
        (
            "M = 274\nX = 1e5\ndef f(a):\n    raise SagesegError(f'{a:>3} of {M:#x}, {X:,.0f}')",
            ["<A> of 0x112, 100,000"],
        ),
        ('def f(number):\n    raise SagesegError(f"line {number + 1}: odd")', ["line <N>: odd"]),
        ('def f(a):\n    raise SagesegError("not {what}".format(what=a))', ["not <A>"]),
        (
            'def _why(a) -> str:\n    return f"because of {a}"\ndef f(b):\n    raise SagesegError(_why(b))',
            ["because of <B>"],
        ),
    ],
)
def test_a_text_is_known_but_for_its_values(tmp_path: Path, code: str, told: list[str]) -> None:
    assert texts(tmp_path, code) == told


@pytest.mark.parametrize(
    "how",
    [
        "for key, what in _KINDS.items():\n        if key in a:\n            raise SagesegError(f'{a}: {what}')",
        "for fits, what in _ROWS:\n        if fits(a):\n            raise SagesegError(f'{a}: {what}')",
        "if what := _KINDS.get(a):\n        raise SagesegError(f'{a}: {what}')",
        "what = next((kind for key, kind in _KINDS.items() if key in a), '')\n    raise SagesegError(f'{a}: {what}')",
        "what = next(filter(None, (look(a) for look in _LOOKS)), '')\n    raise SagesegError(f'{a}: {what}')",
    ],
)
def test_texts_of_a_table_are_told_each(tmp_path: Path, how: str) -> None:
    code = (
        "_KINDS = {'x': 'a list; unpack it', 'y': 'a tree; cut it'}\n"
        "_ROWS = ((len, 'a list; unpack it'), (any, 'a tree; cut it'))\n"
        "def _list(a) -> str:\n    return 'a list; unpack it' if a else ''\n"
        "def _tree(a) -> str:\n    return 'a tree; cut it' if a else ''\n"
        f"_LOOKS = (_list, _tree)\ndef f(a):\n    {how}\n"
    )
    assert {"<A>: a list; unpack it", "<A>: a tree; cut it"} <= {*texts(tmp_path, code)}


def test_a_text_that_grows_in_a_loop_is_told_as_it_begins(tmp_path: Path) -> None:
    code = (
        "def f(a):\n    at = a\n    while a:\n        at = f'{at} inside'\n    raise SagesegError(f'{at}: odd; look')\n"
    )
    assert {*texts(tmp_path, code)} == {"<AT>: odd; look", "<AT> inside: odd; look"}


def test_a_text_that_callers_give_is_told_at_each_call_through_two_functions(tmp_path: Path) -> None:
    code = (
        'def _refused(path, what: str) -> SagesegError:\n    return SagesegError(f"{path}: {what}; mend it")\n'
        'def _deeper(path, how: str) -> SagesegError:\n    return _refused(path, f"deep, {how}")\n'
        'def f(path):\n    raise _refused(path, "cut short")\n'
        'def g(path):\n    raise _deeper(path, "and dark")\n'
    )
    assert {*texts(tmp_path, code)} == {"<PATH>: cut short; mend it", "<PATH>: deep, and dark; mend it"}


def test_a_text_that_needs_only_its_beginning_from_callers_is_told_once(tmp_path: Path) -> None:
    code = (
        'def _ask(doing: str):\n    raise SagesegError(f"{doing}: no credentials here; sign in")\n'
        'def _read(where: str, mend: str):\n    raise SagesegError(f"{where}: damaged in the middle; {mend}")\n'
        'def f():\n    _ask("listing jobs")\n    _ask("listing buckets")\n    _read("line 1", "draw it again")\n'
    )
    assert texts(tmp_path, code) == [
        "<DOING>: no credentials here; sign in",
        "line 1: damaged in the middle; draw it again",
    ]


def test_lines_of_one_cause_stand_under_one_heading(tmp_path: Path) -> None:
    code = 'def f(a):\n    raise SagesegError(f"{a}: cut short; " + ("copy it again" if a else "make it again"))\n'
    texts(tmp_path, code + '    raise SagesegError(f"{a}; one way")\n    raise SagesegError(f"{a}; another")\n')
    found = entries(error_lines(find_sites(read_program(tmp_path)), {}))
    assert [[line.cure for line in entry] for entry in found] == [
        ["copy it again", "make it again"],
        ["one way"],
        ["another"],
    ]


def test_what_another_module_says_is_followed(tmp_path: Path) -> None:
    code = "from prep.y import HOW\ndef f():\n    raise SagesegError(f'no; {HOW}')\n"
    assert texts(tmp_path, code, y='HOW = "run it again"\n') == ["no; run it again"]


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a: not found; put it back", ("a: not found", "put it back")),
        ("--rate x: expected dollars; or none", ("--rate x: expected dollars", "or none")),
        ("--rate x: expected dollars", ("--rate x", "expected dollars")),
        ("a is odd: export it again", ("a is odd", "export it again")),
        ("a is odd", ("a is odd", "")),
    ],
)
def test_a_line_is_divided_into_what_happened_and_what_helps(text: str, parts: tuple[str, str]) -> None:
    assert divide(text) == parts


def test_a_line_is_met_by_the_verbs_whose_code_leads_there(tmp_path: Path) -> None:
    code = (
        'def _read(a):\n    raise SagesegError(f"{a}: cannot be read; replace it")\n'
        "def near(a):\n    return _read(a)\n"
        "def far(a):\n    return a\n"
    )
    texts(tmp_path, code)
    program = read_program(tmp_path)
    verbs = reached(program, {"sageseg near": ("prep.x", "near"), "sageseg far": ("prep.x", "far")})
    (line,) = error_lines(find_sites(program), verbs)
    assert line.verbs == ("sageseg near",)
    assert (line.cause, line.cure) == (f"{OPEN}A{CLOSE}: cannot be read", "replace it")


def test_a_line_keeps_its_anchor_when_values_are_renamed(tmp_path: Path) -> None:
    anchors = set()
    for name in ("path", "place"):
        texts(tmp_path, f'def f({name}):\n    raise SagesegError(f"{{{name}}}: not found; look")')
        anchors |= {line.anchor for line in error_lines(find_sites(read_program(tmp_path)), {})}
    assert len(anchors) == 1
