"""What is said of words that no verb knows: lines of the parser, which end with exit code 2."""

from __future__ import annotations

from docsite.errors.names import place_for

MISTYPED = {
    "prep train": (
        f"No such command: {place_for('WORD')}; did you mean {place_for('VERB')}?",
        "Type the verb as the line does; it may be of another room.",
    ),
    "jobs xyzzy": (
        f"No such command: {place_for('WORD')}; {place_for('VERB')} --help lists those there are",
        "No verb is called alike; the help lists all that there are.",
    ),
    "jobs train dataset --epoch 3": (
        f"No such option: {place_for('OPTION')}; did you mean {place_for('OPTION')}?",
        "Type the option that the line names.",
    ),
    "jobs list --spot": (
        f"No such option: {place_for('OPTION')}; {place_for('VERB')} --help lists those there are",
        "This verb has no such option; its help and its page list those that it has.",
    ),
    "jobs train": (
        f"Missing argument '{place_for('ARGUMENT')}'.",
        "Give what the first line has in braces, in its order.",
    ),
    "prep voc VOC2012": (f"Missing option '{place_for('OPTION')}'.", "Give this option, too: it has no default."),
    "prep voc VOC2012 --out": (f"Option '{place_for('OPTION')}' requires an argument.", "Write its value behind it."),
    "prep voc VOC2012 more --out dataset": (
        f"Got unexpected extra argument(s) ({place_for('WORDS')})",
        "Leave the words away, or put what has spaces in quotes.",
    ),
    "prep voc VOC2012 --seed one --out dataset": (
        f"Invalid value for '{place_for('OPTION')}': {place_for('REASON')}",
        "Give a value of the kind that its page tells: `<int>` is a whole number, `<float>` a number.",
    ),
}
"""By what is typed behind `sageseg`: the line's wording, and what helps."""
