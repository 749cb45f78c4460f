"""Log lines: what is written is parsed, and real lines with their noise are too."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.contract.log_lines import (
    EpochMetrics,
    as_wanted,
    completed_line,
    epoch_metrics,
    progress_line,
    train_lines,
    validation_lines,
)

numbers = st.floats(0, 1e6)

# as a container of 2025 printed them: colours, and a status line glued in front
REAL = """\
\x1b[34m[02/16/2025 18:48:54 INFO 1] #quality_metric. host: algo-1, epoch: 0, train loss: 0.5582636 .\x1b[0m
..25-02-16 18:40:26 Training\x1b[34m[02/16/2025 18:48:54 INFO 1] #throughput_metric. host: algo-1, epoch: 0, \
train throughput: 51.635 samples/sec.\x1b[0m
\x1b[34m[02/16/2025 18:49:48 INFO 1] #quality_metric. host: algo-1, epoch: 0, validation pixel_accuracy: 0.8851 .\x1b[0m
\x1b[34m[02/16/2025 18:49:48 INFO 1] #quality_metric. host: algo-1, epoch: 0, validation mIOU: 0.5489 .\x1b[0m
\x1b[34m[02/16/2025 18:49:48 INFO 1] #throughput_metric. host: algo-1, epoch: 0, validation throughput: 83.1 samples/s
\x1b[34m[02/16/2025 18:51:00 INFO 1] #quality_metric. host: algo-1, epoch: 1, train loss: nan .\x1b[0m
"""


def test_real_lines_are_read_through_colours_and_glued_status_lines() -> None:
    first, second = epoch_metrics(REAL.splitlines())
    assert first == EpochMetrics(0, 0.5582636, 51.635, 0.5489, 0.8851, 83.1)
    assert second.epoch == 1
    assert second.train_loss != second.train_loss  # a diverged training says nan, and so do we
    assert second.validation_mIOU is None


@given(st.builds(EpochMetrics, st.integers(0, 500), numbers, numbers, numbers, numbers, numbers))
def test_what_is_written_is_parsed(m: EpochMetrics) -> None:
    values = (m.train_loss, m.train_throughput, m.validation_pixel_accuracy, m.validation_mIOU, m.validation_throughput)
    loss, train, accuracy, iou, validation = (value or 0.0 for value in values)
    lines = [*train_lines(m.epoch, loss, train), *validation_lines(m.epoch, accuracy, iou, validation)]
    assert epoch_metrics(lines) == [m]


def test_progress_lines_are_worded_as_the_container_words_them() -> None:
    assert completed_line(0, 10) == "#progress_metric: host=algo-1, completed 10.0 % of epochs"
    assert progress_line(0, 20, 52.5, 0.0001) == (
        "#progress_notice. epoch: 0, iterations: 20 speed: 52.5 samples/sec learning_rate: 0.000100"
    )


def test_lines_without_metrics_give_none() -> None:
    assert epoch_metrics(["Training loss: 3", "", "host: algo-1, epoch: 4, train loss: 1"]) == []


def test_no_color_takes_colours_from_a_log(monkeypatch: pytest.MonkeyPatch) -> None:
    line = "\x1b[34mINFO: \x1b[0mtrained"
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert as_wanted(line) == line
    monkeypatch.setenv("NO_COLOR", "1")
    assert as_wanted(line) == "INFO: trained"
