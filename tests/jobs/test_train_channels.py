"""What a training's channels hold beside images and masks: augmented manifests and label maps."""

import json
from pathlib import Path

import pytest

from formats.dataset import Dataset
from formats.errors import SagesegError
from formats.prepared.label_map import check_label_map
from jobs.contract.channels import MANIFEST_ATTRIBUTES as ATTRIBUTES
from jobs.contract.file_uris import file_uri_path
from jobs.emulator.host.storage import Storage, open_s3
from jobs.emulator.training.channel_pipes import read_streams
from jobs.training.augmented_manifest import augmented_manifests, manifest_folder, write_manifests
from jobs.training.upload_plan import channel_files
from tests.support.channel_samples import make_channels
from tests.support.dataset_samples import make_dataset
from tests.support.training_plans import image_and_mask, plan, twenty_cars, with_data


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return twenty_cars(tmp_path)


def test_augmented_manifests_name_every_pair(dataset: Dataset) -> None:
    request = plan(dataset, {}, with_data(augmented_manifest=True))
    assert [channel["ChannelName"] for channel in request["InputDataConfig"]] == ["train", "validation"]
    source = request["InputDataConfig"][0]["DataSource"]["S3DataSource"]
    assert source["S3Uri"] == "s3://bucket/cars/manifests/train.manifest"
    manifests = augmented_manifests(dataset, "s3://bucket/cars")
    lines = [json.loads(line) for line in manifests["validation.manifest"].splitlines()]
    assert lines[0] == {
        "source-ref": "s3://bucket/cars/validation/car0_01.jpg",
        "segmentation-ref": "s3://bucket/cars/validation_annotation/car0_01.png",
    }
    assert (len(lines), len(manifests["train.manifest"].splitlines())) == (4, 16)


ODD_NAMES = (
    "0001 to 0017",
    "per%20cent",
    "100%",
    "car #1",
    "a?b=c&d",
    "a;b,c",
    "größe",
    "車 1",
    "e\u0301",
    'quote"d',
    "(1) [2] {3}",
    "~a'b!",
    "+plus+",
    "a@b:c",
    "%2F",
)


def test_manifests_of_this_machine_lead_the_emulator_to_the_files_whatever_their_names(tmp_path: Path) -> None:
    images = {stem: image_and_mask(number) for number, stem in enumerate(ODD_NAMES)}
    splits = {stem: "val" if number % 2 else "train" for number, stem in enumerate(ODD_NAMES)}
    odd = make_channels(make_dataset(tmp_path / "a #1 %41", images, splits=splits))
    channels = (odd.root / "channels").absolute()
    write_manifests(odd, channels.as_uri())
    for channel, split in (("train", "train"), ("validation", "val")):
        uri = f"{manifest_folder(odd, '', local=True)}/{channel}.manifest"
        source = {"S3Uri": uri, "S3DataType": "AugmentedManifestFile", "AttributeNames": ATTRIBUTES}
        piped = {"ChannelName": channel, "DataSource": {"S3DataSource": source}}
        (stream,) = read_streams(Storage(open_s3), {"InputDataConfig": [piped]})
        stems = sorted(row.id for row in odd.kept(split))
        places = [
            path
            for stem in stems
            for path in (channels / channel / f"{stem}.jpg", channels / f"{channel}_annotation" / f"{stem}.png")
        ]
        assert [file_uri_path(uri) for uri in stream.uris] == places
        assert all(path.is_file() for path in places)


def test_in_s3_keys_stand_in_manifests_as_they_are(tmp_path: Path) -> None:
    images = {stem: image_and_mask(number) for number, stem in enumerate(ODD_NAMES)}
    odd = make_channels(make_dataset(tmp_path / "odd", images, splits=dict.fromkeys(ODD_NAMES, "train")))
    lines = augmented_manifests(odd, "s3://bucket/cars")["train.manifest"].splitlines()
    named = {uri for line in lines for uri in json.loads(line).values()}
    assert named == {f"s3://bucket/cars/{channel}/{path.name}" for channel, path in channel_files(odd)}


@pytest.mark.parametrize(
    ("label_map", "message"),
    [
        ({"scale": "3"}, None),
        ({"map": {"0": 5, "1": 0}}, None),
        ({"map": {"5": 0}}, "'5' is no class"),
        ({"map": {"00": 5, "0": 4}}, "'00' is no class"),
        ({"map": {"٠": 5}}, "'٠' is no class"),
        ({"map": {"9" * 5000: 5}}, "is no class"),
        ({"map": {"0": 256}}, "class 0 has value 256"),
        ({"map": {"0": 0, "1": True}}, "class 1 has value True"),
        ({"scale": 3}, None),
        ({"scale": "9" * 5000}, "expected a whole number from 1 to 255"),
        ({"scale": "0"}, "scale is '0'"),
        ({"scale": "x"}, "scale is 'x'"),
        ({"map": {}}, "expected values of the PNG by class"),
        ({"maps": {}}, 'expected {"scale"'),
        ([], 'expected {"scale"'),
    ],
)
def test_label_maps_name_values_by_class(label_map: object, message: str | None) -> None:
    if message is None:
        check_label_map(label_map, 2)
        return
    with pytest.raises(SagesegError, match=message):
        check_label_map(label_map, 2)
