"""What stands in the place of a value, by what a file is made of: numbers, words, nestings that parsers trip over."""

from __future__ import annotations

_DEEP = 3_000
_LONG = 20_000
_NUMBERS = (
    *(b"0", b"-1", b"1", b"7", b"254", b"255", b"256", b"65536", b"2147483648", b"-2147483649", b"4294967296"),
    *(b"9223372036854775807", b"9223372036854775808", b"18446744073709551616", b"1e6", b"1e308", b"1e999", b"-1e999"),
    *(b"0.5", b"1.0", b"-0.0", b"1e-320", b"NaN", b"Infinity", b"-Infinity", b"9" * 400, b"9" * 5_000),
)
_WORDS = (
    *(b"", b" ", b"x", b"\xc3\xa9", b"e\xcc\x81", b"a/b", b"__ignore__", b"_background_", b"none", b"null", b"true"),
    *(
        b"\xf0\x9f\x9a\x97",
        b"\x1b[31m",
        b"\xff",
        b"\xef\xbf\xbe",
        b"\xd9\xa3",
        b"\xc2\xb2",
        b"\xe2\x80\xa8",
        b"y" * 300,
    ),
    b"z" * _LONG,
)
JSON = (
    *_NUMBERS,
    *(b'"' + word + b'"' for word in _WORDS),
    *(b'"\\ud800"', b'"\\u0000"', b'"2026-13-45T99:99:99"', b"'x'", b"nil", b'"1"', b'"0.5"', b'"NaN"', b'"a\\nb"'),
    *(b"null", b"true", b"false", b"[]", b"{}", b"[null]", b"[[]]", b"[{}]", b'{"": null}', b"[1,2]", b"[[1,2]]"),
    *(b"[" * _DEEP + b"]" * _DEEP, b'{"a":' * _DEEP + b"1" + b"}" * _DEEP, b"[" * _DEEP, b"[0,1e400]", b'["a"]'),
)
TEXT = (
    *_NUMBERS,
    *_WORDS,
    b'"',
    b"'",
    b",",
    b";",
    b"\t",
    b"\r",
    b"\n",
    b"\r\n\r\n",
    b"\0",
    b"\xef\xbb\xbf",
    b":",
    b"#",
    b"*",
    b"-",
)
XML = (
    *_NUMBERS,
    *_WORDS,
    b"&lt;",
    b"&#0;",
    b"&#x41;",
    b"&amp;",
    b"&no;",
    b"<x/>",
    b"<x>",
    b"</x>",
    b"<![CDATA[x]]>",
    b"<!--x-->",
)
