"""Carvana's metadata.csv: what it says of each car, and one line for what is wrong in it."""

import csv
import unicodedata
from pathlib import Path

import pytest
from PIL import Image

from formats.errors import SagesegError
from prep.readers.carvana import read_carvana
from prep.recognise.recognise import recognise
from tests.support.carvana_samples import CARS, shoot_in


@pytest.fixture
def shoot(tmp_path: Path) -> Path:
    return shoot_in(tmp_path)


def test_angle_and_metadata_become_attributes(shoot: Path, tmp_path: Path) -> None:
    metadata = tmp_path / "metadata.csv"
    with metadata.open("w", newline="") as file:
        csv.writer(file).writerows([("id", "year", "make"), (CARS[0], "2014", "Audi")])
    source = read_carvana(shoot / "images", shoot / "masks", metadata, None)
    attributes = {image.source: image.attributes for image in source.images}
    assert attributes[f"{CARS[0]}_02.jpg"] == {"angle": "02", "year": "2014", "make": "Audi"}
    assert attributes[f"{CARS[1]}_01.jpg"] == {"angle": "01"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"car,year\n", r"metadata\.csv: no column id; expected Carvana's id,year,make,model,trim1,trim2"),
        (b"id,year\nx\n", r"metadata\.csv: line 2: not as many cells as columns"),
        (b"id,year\ny,1,2\n", r"metadata\.csv: line 2: not as many cells as columns"),
        (b"\xff\xfe", r"metadata\.csv: not UTF-8 text"),
        (None, r"metadata\.csv: not found"),
    ],
)
def test_broken_metadata_is_named(shoot: Path, tmp_path: Path, content: bytes | None, message: str) -> None:
    if content is not None:
        (tmp_path / "metadata.csv").write_bytes(content)
    with pytest.raises(SagesegError, match=message):
        read_carvana(shoot / "images", shoot / "masks", tmp_path / "metadata.csv", None)


def test_metadata_may_have_semicolons_as_excel_writes_them(shoot: Path, tmp_path: Path) -> None:
    (tmp_path / "metadata.csv").write_bytes(b"\xef\xbb\xbfid;make\r\n%s;Alfa, Romeo\r\n" % CARS[0].encode())
    source = read_carvana(shoot / "images", shoot / "masks", tmp_path / "metadata.csv", None)
    assert {image.group: image.attributes.get("make") for image in source.images}[CARS[0]] == "Alfa, Romeo"


def test_cars_that_metadata_lacks_are_told(shoot: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "metadata.csv").write_bytes(b"\xef\xbb\xbfid,make\n%s,Audi\n" % CARS[0].encode())
    source = read_carvana(shoot / "images", shoot / "masks", tmp_path / "metadata.csv", None)
    assert {image.group: image.attributes.get("make") for image in source.images} == dict.fromkeys(CARS) | {
        CARS[0]: "Audi"
    }
    assert "2 cars are not in it, such as 0004d4463b50" in capsys.readouterr().err


def test_metadata_names_cars_by_either_spelling(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spelled = {form: unicodedata.normalize(form, "Größe") for form in ("NFD", "NFC")}
    for folder, name in (("images", f"{spelled['NFD']}_01.jpg"), ("masks", f"{spelled['NFC']}_01_mask.png")):
        (tmp_path / folder).mkdir()
        Image.new("L", (8, 8)).convert("RGB").save(tmp_path / folder / name)
    (tmp_path / "metadata.csv").write_text(f"id,make\n{spelled['NFC']},Audi\n")
    (image,) = read_carvana(tmp_path / "images", tmp_path / "masks", tmp_path / "metadata.csv", None).images
    assert image.attributes == {"angle": "01", "make": "Audi"}
    assert capsys.readouterr().err == ""


def test_prep_auto_names_it_where_it_lies_there(shoot: Path, tmp_path: Path) -> None:
    metadata = tmp_path / "metadata.csv"
    for text, named in (("id;year\n", True), ('"id","year"\n', True), ("image,size\n", False)):  # the last: another's
        metadata.write_text(text)
        (only,) = recognise(tmp_path)
        assert (f"--metadata {metadata} --out" in only.command) == named
