"""The verbs of prep."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from formats.command_options import takes
from formats.console import result
from prep.options import PrepOptions

if TYPE_CHECKING:
    from prep.labelled_image import Source

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, pretty_exceptions_enable=False, help="Raw labels to a dataset."
)

Out = Annotated[Path, typer.Option(help="Folder of the dataset to make.", show_default=False)]


@app.callback()
def prep() -> None:
    """Raw labels to a dataset."""


@app.command()
@takes(PrepOptions, "options")
def carvana(
    images: Annotated[Path, typer.Argument(help="Folder of <car>_<angle>.jpg")],
    masks: Annotated[Path, typer.Argument(help="Folder of <car>_<angle>_mask.gif")],
    out: Out,
    options: PrepOptions,
    metadata: Annotated[Path | None, typer.Option(help="Carvana's metadata.csv: make, model, year, trims.")] = None,
) -> None:
    """Carvana's car shots with GIF masks."""
    from prep.carvana import read_carvana

    _write(read_carvana(images, masks, metadata, options.group_by), out, options)


def _write(source: Source, out: Path, options: PrepOptions) -> None:
    from prep.writer import write_dataset

    rows = write_dataset(source, out, options)
    result(f"{'split':7}{'groups':>8}{'images':>8}{'crops':>8}{'kept':>8}")
    for split, crops in Counter(row.split for row in rows).items():
        own = [row for row in rows if row.split == split]
        groups, images = len({row.group for row in own}), len({row.source for row in own})
        result(f"{split:7}{groups:>8}{images:>8}{crops:>8}{sum(row.kept for row in own):>8}")
    result(str(out))
