"""How far a training is, from log lines as the built-in prints them; failures and their cures; curves."""

import re
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from formats.console import Screen
from formats.errors import SagesegError
from jobs.contract.log_lines import (
    EpochMetrics,
    device_line,
    parse_device,
    parse_progress,
    parse_schedule,
    parse_stamp,
    progress_line,
    schedule_line,
)
from jobs.tracking.curves import best_epoch, draw_curves
from jobs.tracking.failures import console_link, find_cure
from jobs.tracking.follow_training import Following
from jobs.tracking.progress import Progress, advance, describe_epoch, describe_progress
from jobs.tracking.records import JobRecord

# worded as a container of 2025 words its log: colours, and status lines glued in front
LOG = """\
2025-02-16 18:45:00 Training - Training image download completed. Training in progress..
\x1b[34m[02/16/2025 18:46:30 INFO 139937080399680] LRScheduler setup: iters per epoch: 40, num_epochs 10\x1b[0m
\x1b[34m[02/16/2025 18:46:50 INFO 1] #progress_notice. epoch: 0, iterations: 20 speed: 52.3 samples/sec lr…
..Training\x1b[34m[02/16/2025 18:47:10 INFO 1] #progress_notice. epoch: 0, iterations: 40 speed: 51.0 samples/sec
\x1b[34m[02/16/2025 18:47:12 INFO 1] #quality_metric. host: algo-1, epoch: 0, train loss: 0.5582 .\x1b[0m
\x1b[34m[02/16/2025 18:47:12 INFO 1] #throughput_metric. host: algo-1, epoch: 0, train throughput: 51.6 samples/s
\x1b[34m[02/16/2025 18:47:30 INFO 1] #quality_metric. host: algo-1, epoch: 0, validation pixel_accuracy: 0.8851 .\x1b[0m
\x1b[34m[02/16/2025 18:47:30 INFO 1] #quality_metric. host: algo-1, epoch: 0, validation mIOU: 0.5489 .\x1b[0m
""".splitlines()


@given(st.integers(1, 10**4), st.integers(1, 10**4), st.floats(0.1, 1e5), st.floats(1e-6, 1))
def test_what_the_log_says_of_progress_is_parsed_as_it_was_written(a: int, b: int, speed: float, rate: float) -> None:
    assert parse_schedule(schedule_line(a, b)) == (a, b)
    assert parse_progress(progress_line(a, b, speed, rate)) == (a, b, speed)


def test_lines_carry_the_containers_own_time() -> None:
    assert parse_stamp("[02/16/2025 18:46:30 INFO 139937080399680] x") == 1739731590.0
    assert parse_stamp("18:46:30 x") is None


@pytest.mark.parametrize(
    ("lines", "share", "left"),
    [
        (1, None, None),  # no schedule yet
        (2, 0.0, None),  # no pace yet
        (3, 0.05, 20 * 19),  # half of the first of ten epochs, in 20 s
        (4, 0.1, 40 * 9),
        (8, 0.1, 60 * 9),  # validated: still one epoch, but it took 60 s
    ],
)
def test_time_left_is_at_the_pace_so_far(lines: int, share: float | None, left: float | None) -> None:
    progress = advance(Progress(), LOG[:lines])
    assert progress.share_done == share
    assert progress.seconds_left == (None if left is None else pytest.approx(left))


def test_progress_is_the_same_however_the_log_comes_in() -> None:
    whole = advance(Progress(), LOG)
    bit_by_bit = Progress()
    for line in LOG:
        bit_by_bit = advance(bit_by_bit, [line])
    assert bit_by_bit == whole


def test_the_live_line_says_all_there_is_to_say() -> None:
    progress = advance(Progress(), LOG)
    assert describe_progress(progress, "Training", 0.0637, on_train=False) == (
        "Training  epoch 2/10  about 9 min left  $0.06 so far  51.0 images/s  loss 0.5582  mIOU 0.5489  "
        "pixel accuracy 0.8851"
    )
    assert describe_progress(Progress(), "Starting", None, on_train=False) == "Starting"


def test_scores_of_the_training_images_are_called_so() -> None:
    metrics = EpochMetrics(0, 0.5, 51.64, 0.5, 0.9, None)
    assert describe_epoch(metrics, 10, on_train=True) == (
        "epoch 1/10  loss 0.5000  training mIOU 0.5000  training pixel accuracy 0.9000  51.6 images/s"
    )


DESCRIPTION: dict[str, Any] = {
    "HyperParameters": {"mini_batch_size": "16", "crop_size": "240"},
    "ResourceConfig": {"InstanceType": "ml.p3.2xlarge", "VolumeSizeInGB": 30},
}


@pytest.mark.parametrize(
    ("reason", "line", "cure"),
    [
        ("AlgorithmError: CUDA out of memory", "", "--mini-batch-size 8, or --instance-type ml.g5.xlarge"),
        ("AlgorithmError: , exit code: 1", "cudaMalloc retry failed: out of memory", "--mini-batch-size 8"),
        (
            "AlgorithmError: Incompatible input shape: expected [1,0,64,80], got [1,256,30,30]",
            "",
            "prepare the dataset with --crop 240",
        ),
        ("ClientError: No space left on device", "", "--volume-size 60"),
        ("CapacityError: Unable to provision requested ML compute capacity.", "out of memory", "--instance-type A,B"),
        ("x; only GPU instances are supported.", "", "--instance-type ml.g5.2xlarge"),
        ("AlgorithmError: something new", "", ""),
    ],
)
def test_known_failures_have_a_cure(reason: str, line: str, cure: str) -> None:
    found = find_cure({**DESCRIPTION, "FailureReason": reason}, ["fine", line])
    assert cure in found
    assert bool(found) is bool(cure)


@pytest.mark.parametrize(
    ("reason", "here", "there"),
    [
        ("ClientError: No space left on device", "df -h", "--volume-size 60"),
        ("AlgorithmError: , exit code: 137", "dmesg", "a larger --instance-type"),
        ("AlgorithmError: ended by SIGSEGV: a crash, exit code: 139", "free -h", "another --instance-type"),
    ],
)
def test_a_job_of_this_machine_is_cured_on_this_machine(reason: str, here: str, there: str) -> None:
    failed = {**DESCRIPTION, "FailureReason": reason}
    found = find_cure(failed, [], local=True), find_cure(failed, [])
    assert [(here in cure, there in cure) for cure in found] == [(True, False), (False, True)]


def test_a_cure_never_asks_for_less_than_one_image() -> None:
    single = {**DESCRIPTION, "HyperParameters": {"mini_batch_size": "1"}, "FailureReason": "out of memory"}
    assert "--mini-batch-size 1," in find_cure(single, [])


def test_the_console_is_the_partitions_own() -> None:
    assert console_link("cars", "eu-west-1") == (
        "https://eu-west-1.console.aws.amazon.com/sagemaker/home?region=eu-west-1#/jobs/cars"
    )
    assert "console.amazonaws.cn" in console_link("cars", "cn-north-1")


EPOCHS = [
    EpochMetrics(0, 0.9, 50.0, 0.4, 0.8, 80.0),
    EpochMetrics(1, 0.6, 50.0, 0.7, 0.9, 80.0),
    EpochMetrics(2, 0.5, 50.0, 0.6, 0.88, 80.0),
    EpochMetrics(3, 0.45, 50.0),
]


def test_the_best_epoch_is_the_first_with_the_highest_miou() -> None:
    assert best_epoch(EPOCHS) == EPOCHS[1]
    assert best_epoch([*EPOCHS[:3], EpochMetrics(4, validation_mIOU=0.7)]) == EPOCHS[1]
    assert best_epoch(EPOCHS[3:]) is None


def test_curves_are_a_figure_with_best_and_last_marked(tmp_path: Path) -> None:
    draw_curves(EPOCHS, tmp_path / "curves.png", title="cars")
    content = (tmp_path / "curves.png").read_bytes()
    assert struct.unpack(">II", content[16:24]) == (960, 720)
    draw_curves(EPOCHS, tmp_path / "curves.svg", title="cars", on_train=True)
    text = (tmp_path / "curves.svg").read_text()
    shown = set(re.findall(r"<!-- (.*?) -->", text))
    assert {"cars", "best, epoch 1", "last, epoch 3", "training mIOU", "training pixel accuracy", "0.7000"} <= shown


def test_one_epoch_is_enough_for_a_figure_and_none_is_not(tmp_path: Path) -> None:
    draw_curves(EPOCHS[3:], tmp_path / "one.png", title="cars")
    with pytest.raises(SagesegError, match="cars: no epoch in the log yet"):
        draw_curves([], tmp_path / "none.png", title="cars")
    with pytest.raises(SagesegError, match=r"expected a name that ends in .png, .svg, .pdf"):
        draw_curves(EPOCHS, tmp_path / "curves.txt", title="cars")
    with pytest.raises(SagesegError, match="cannot be written"):
        draw_curves(EPOCHS, tmp_path / "nowhere" / "curves.png", title="cars")


def test_epochs_are_counted_where_a_small_dataset_logs_no_notices() -> None:
    lines = [LOG[1], *LOG[4:], *(line.replace("epoch: 0", "epoch: 1") for line in LOG[4:])]
    progress = advance(Progress(), lines)
    assert (progress.validated, progress.current) == (2, 3)
    done = advance(Progress(), [LOG[1].replace("num_epochs 10", "num_epochs 1"), *LOG[4:]])
    assert (done.share_done, done.current, done.seconds_left) == (1.0, 1, None)


def followed(*looks: list[str]) -> list[str]:
    """The lines that stay, where the log has grown by so many lines at each look."""
    shown: list[str] = []
    record = JobRecord("job", "local", "us-east-1", "", "", [], {})
    following = Following(record, Screen(line=shown.append))
    for lines in looks:
        following.show({"SecondaryStatus": "Training", "InputDataConfig": []}, lines)
    return shown


def test_after_the_first_epoch_stands_what_time_is_left_and_once() -> None:
    second = [line.replace("epoch: 0", "epoch: 1").replace("18:47", "18:48") for line in LOG[2:]]
    assert followed(LOG, second) == [
        "epoch 1/10  loss 0.5582  mIOU 0.5489  pixel accuracy 0.8851  51.6 images/s",
        "about 9 min left at this pace",
        "epoch 2/10  loss 0.5582  mIOU 0.5489  pixel accuracy 0.8851  51.6 images/s",
    ]
    assert [
        line for line in followed([line.replace("num_epochs 10", "num_epochs 1") for line in LOG]) if "left" in line
    ] == []


def test_what_the_open_implementation_computes_on_is_shown_once() -> None:
    line = f"[02/16/2025 18:46:29 INFO 1] {device_line('Tesla T4, float32')}"
    assert followed([line], [line], LOG)[0] == "training on Tesla T4, float32"
    assert parse_device(line) == "Tesla T4, float32"
    assert parse_device("Training - training on other things") is None
    assert len(followed([line], [line])) == 1
