"""Training as the container runs it: hyperparameters in, model and log out."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from formats.classes import IGNORE
from formats.errors import SagesegError
from formats.images import Rgb, read_image
from formats.masks import Mask, read_mask, write_mask
from jobs.algorithm.__main__ import main
from jobs.algorithm.data.batches import Batch
from jobs.algorithm.inference.predictor import Predictor
from jobs.algorithm.machine.torch_loading import prepare_processor
from jobs.algorithm.training import captured_step, loading
from jobs.algorithm.training import loop as training
from jobs.algorithm.training.early_stopping import should_stop
from jobs.algorithm.training.evaluation import count_pixels, evaluate, mean_iou, pixel_accuracy
from jobs.algorithm.training.loop import as_strings
from jobs.algorithm.training.losses import cross_entropy
from jobs.contract.artefact import BEST, LAST, Artefact
from jobs.contract.hyperparameters import TABLE, Hyperparameters, limits_of, parse_hyperparameters
from jobs.contract.log_lines import epoch_metrics
from jobs.contract.mxnet_params import decode_params
from tests.support.opt_ml_samples import SETTINGS, last_weights, load, write_root


@pytest.fixture(scope="module")
def trained(one_thread: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = write_root(tmp_path_factory.mktemp("trained"), SETTINGS | {"epochs": "25"})
    assert main(["train", "--root", str(root)]) == 0
    return root


def test_a_trained_network_finds_the_discs(trained: Path) -> None:
    predictor = Predictor(load(trained))
    counts = np.zeros((2, 2), np.int64)
    for path in (trained / "input/data/validation").iterdir():
        truth = read_mask(trained / f"input/data/validation_annotation/{path.stem}.png")
        predicted = predictor.predict_masks(read_image(path)[None])[0]
        counts += count_pixels(torch.from_numpy(truth), torch.from_numpy(predicted), 2).numpy()
    assert mean_iou(counts) > 0.8


def test_probabilities_sum_to_one_and_their_largest_is_the_mask(trained: Path) -> None:
    predictor = Predictor(load(trained))
    images = np.random.default_rng(0).integers(0, 255, (2, 35, 50, 3), np.uint8)
    probabilities = predictor.predict(images)
    assert predictor.num_classes == 2
    assert probabilities.shape == (2, 2, 35, 50)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)
    np.testing.assert_array_equal(probabilities.argmax(1), predictor.predict_masks(images))


def test_the_model_folder_is_the_containers(trained: Path) -> None:
    assert sorted(path.name for path in (trained / "model").iterdir()) == [
        "hyperparams.json",
        "model_algo-1",
        "model_best.params",
    ]
    settings = load(trained).hyperparameters
    assert settings["optimizer"] == "adam"
    assert settings["backbone"] == "resnet-50"  # a default, settled
    assert as_strings(parse_hyperparameters(settings, "open")) == settings


@pytest.mark.parametrize(("algorithm", "foreign"), [("fcn", False), ("psp", False), ("deeplab", False), ("unet", True)])
def test_artefacts_of_the_builtins_networks_hold_its_hyperparameters_alone(algorithm: str, foreign: bool) -> None:
    given = {"num_classes": "2", "num_training_samples": "4", "algorithm": algorithm}
    written = as_strings(parse_hyperparameters(given, "open"))
    open_only = {name for name in TABLE if limits_of(name).open_only}
    assert open_only & written.keys() == (open_only if foreign else set())
    if not foreign:
        parse_hyperparameters(written, "builtin")


def test_an_artefact_with_the_builtins_own_settings_is_accepted(trained: Path) -> None:
    artefact = load(trained)
    Predictor(Artefact(artefact.hyperparameters | {"_kvstore": "device"}, artefact.parameters, "x"))


def test_weights_that_are_not_of_the_settings_are_refused(trained: Path) -> None:
    artefact = load(trained)
    with pytest.raises(SagesegError, match=r"x: parameter head\.(weight|bias) has shape"):
        Predictor(Artefact(artefact.hyperparameters | {"num_classes": "3"}, artefact.parameters, "x"))


def run(root: Path, capsys: pytest.CaptureFixture[str], **given: str) -> list[str]:
    write_root(root, SETTINGS | given)
    assert main(["train", "--root", str(root)]) == 0, capsys.readouterr().out
    return capsys.readouterr().out.splitlines()


def test_log_lines_are_the_containers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = run(tmp_path, capsys)
    prefix = re.compile(r"\[\d\d/\d\d/\d{4} \d\d:\d\d:\d\d (?:INFO|WARNING) \d+\] ")
    assert all(prefix.match(line) for line in lines)
    text = [prefix.sub("", line) for line in lines]
    assert "LRScheduler setup: iters per epoch: 2, num_epochs 2" in text
    assert f"Serializing model to {tmp_path}/model/{BEST}" in text
    assert "#progress_metric: host=algo-1, completed 50.0 % of epochs" in text
    metrics = epoch_metrics(lines)
    assert [m.epoch for m in metrics] == [0, 1]
    assert all(None not in (m.train_loss, m.train_throughput, m.validation_throughput) for m in metrics)


def test_progress_is_logged_every_so_many_steps_with_the_rate(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "LOGGING_FREQUENCY", 2)
    lines = [line for line in run(tmp_path, capsys, lr_scheduler="cosine") if "#progress_notice" in line]
    assert [re.sub(r".*(epoch: .*) speed: \S+", r"\1", line) for line in lines] == [
        "epoch: 0, iterations: 2 samples/sec learning_rate: 0.002500",
        "epoch: 1, iterations: 2 samples/sec learning_rate: 0.000000",
    ]


def test_two_trainings_of_the_same_input_are_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(tmp_path / "a", capsys)
    run(tmp_path / "b", capsys)
    assert last_weights(tmp_path / "a") == last_weights(tmp_path / "b")


@pytest.mark.parametrize(
    "given",
    [
        {"base_size": "64"},
        {"crop_size": "48"},
        {"epochs": "1"},
        {"mini_batch_size": "4"},
        {"num_training_samples": "40"},
        {"learning_rate": "0.001"},
        {"lr_scheduler": "cosine"},
        {"lr_scheduler": "step", "lr_scheduler_step": "1"},
        {"optimizer": "sgd"},
    ],
    ids=lambda given: next(iter(given)),
)
def test_a_hyperparameter_changes_the_training(
    given: dict[str, str], trained_plainly: dict[str, bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(tmp_path, capsys, **given)
    assert last_weights(tmp_path) != trained_plainly


@pytest.fixture(scope="module")
def trained_plainly(one_thread: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    root = write_root(tmp_path_factory.mktemp("plain"), SETTINGS)
    assert main(["train", "--root", str(root)]) == 0
    return last_weights(root)


def test_the_step_factor_acts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    step = {"lr_scheduler": "step", "lr_scheduler_step": "1"}
    run(tmp_path / "a", capsys, **step)
    run(tmp_path / "b", capsys, **step, lr_scheduler_factor="0.5")
    assert last_weights(tmp_path / "a") != last_weights(tmp_path / "b")


def test_crops_are_rounded_up_to_what_the_networks_take(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: set[tuple[int, ...]] = set()

    def spy(run: training.Training, batch: Batch) -> torch.Tensor:
        seen.add(tuple(batch.images.shape))
        return torch.zeros(())

    def crop(image: Rgb, mask: Mask, size: int) -> tuple[Rgb, Mask]:
        seen.add((size,))
        return image, mask

    monkeypatch.setattr(training, "_train_step", spy)
    monkeypatch.setattr(loading, "validation_crop", crop)
    run(tmp_path, capsys, crop_size="33", epochs="1")
    rounded = parse_hyperparameters(SETTINGS | {"crop_size": "33"}, "open").rounded_crop_size
    assert rounded != 33
    assert seen == {(2, rounded, rounded, 3), (rounded,)}


@pytest.mark.parametrize(("size", "shape"), [("1", (1, 32, 40)), ("3", (3, 32, 32))])
def test_validation_is_whole_one_by_one_and_cropped_in_batches(
    size: str,
    shape: tuple[int, ...],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[tuple[int, ...]] = []

    def spy(network: torch.nn.Module, batches: list[Batch], *rest: object) -> object:
        kept = list(batches)
        seen.extend(batch.masks.shape for batch in kept)
        return evaluate(network, kept, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(training, "evaluate", spy)
    run(tmp_path, capsys, validation_mini_batch_size=size, epochs="1")
    assert seen[0] == shape
    assert sum(batch[0] for batch in seen) == 4


def test_the_best_epoch_is_kept_beside_the_last(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = iter([0.5, 0.7, 0.6])
    monkeypatch.setattr(training, "mean_iou", lambda _: next(scores))
    lines = run(tmp_path, capsys, epochs="3")
    saved = [Path(line.split()[-1]).name for line in lines if "Serializing" in line]
    assert saved == [BEST, BEST, LAST]
    assert decode_params((tmp_path / "model" / BEST).read_bytes(), "x").keys() == last_weights(tmp_path).keys()


def test_training_stops_early(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "mean_iou", lambda _: 0.5)
    given = {"early_stopping": "True", "early_stopping_min_epochs": "1", "early_stopping_patience": "1"}
    assert len(epoch_metrics(run(tmp_path / "a", capsys, epochs="5", **given))) == 2
    assert len(epoch_metrics(run(tmp_path / "b", capsys, epochs="3", **(given | {"early_stopping": "False"})))) == 3


def settings(**given: str) -> Hyperparameters:
    return parse_hyperparameters(SETTINGS | {"early_stopping": "True"} | given, "open")


@pytest.mark.parametrize(
    ("scores", "given", "stops"),
    [
        ([0.5, 0.4, 0.4, 0.4, 0.4], {}, True),
        ([0.5, 0.4, 0.4, 0.4], {}, False),
        ([0.5, 0.4, 0.4, 0.4, 0.6], {}, False),
        ([0.5, 0.4, 0.4, 0.4, 0.4], {"early_stopping_min_epochs": "6"}, False),
        ([0.5, 0.4, 0.4, 0.4, 0.4], {"early_stopping_patience": "5"}, False),
        ([0.5, 0.51, 0.52, 0.53, 0.54], {"early_stopping_tolerance": "0.1"}, True),
        ([0.5, 0.56, 0.6, 0.6, 0.6], {"early_stopping_tolerance": "0.1"}, False),
        ([0.0, 0.0, 0.0, 0.0, 0.0], {}, True),
    ],
)
def test_early_stopping_waits_for_a_relative_gain(scores: list[float], given: dict[str, str], stops: bool) -> None:
    assert should_stop(scores, settings(**given)) is stops


def fail(root: Path) -> str:
    """The reason left by a training that is expected to fail."""
    assert main(["train", "--root", str(root)]) == 1
    assert not (root / "model" / BEST).exists()
    return (root / "output/failure").read_text()


def test_a_mask_value_outside_the_classes_fails_naming_the_file(tmp_path: Path) -> None:
    write_root(tmp_path, SETTINGS)
    write_mask(tmp_path / "input/data/train_annotation/2.png", np.full((32, 40), 9, np.uint8))
    assert re.search(r"train_annotation/2\.png: value 9 is no class; expected 0 to 1", fail(tmp_path))


@pytest.mark.parametrize(("channel", "reason"), [("model", "holds 0 .tar.gz files"), ("extra", "not known")])
def test_a_channel_that_cannot_be_used_is_not_ignored(channel: str, reason: str, tmp_path: Path) -> None:
    write_root(tmp_path, SETTINGS)
    (tmp_path / "input/data" / channel).mkdir()
    assert f"{channel}: {reason}" in fail(tmp_path)


def test_what_the_service_adds_to_the_hyperparameters_is_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A tuning job's training job finds `_tuning_objective_metric` beside its own."""
    run(tmp_path, capsys, epochs="1", _tuning_objective_metric="validation:mIOU")
    assert "_tuning_objective_metric" not in load(tmp_path).hyperparameters
    root = write_root(tmp_path / "other", SETTINGS | {"_aux_weight": "0.3"})
    assert "hyperparameter _aux_weight is not known" in fail(root)


def test_without_torch_the_reason_is_left_too(tmp_path: Path) -> None:
    root = write_root(tmp_path, SETTINGS)
    program = (
        "import sys; sys.modules['torch'] = None\n"
        f"from jobs.algorithm.__main__ import main; main(['train', '--root', {str(root)!r}])"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    subprocess.run([sys.executable, "-c", program], env=environment, check=True, capture_output=True)
    assert (root / "output/failure").read_text().startswith("training: needs torch, which cannot be imported")


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            RuntimeError("no kernel image is available\nCompile with TORCH_USE_CUDA_DSA"),
            "RuntimeError: no kernel image",
        ),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), "lower mini_batch_size or crop_size"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), "lower mini_batch_size"),
    ],
)
def test_an_error_that_was_not_foreseen_leaves_its_reason_as_one_line(
    error: Exception, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: object) -> None:
        raise error

    monkeypatch.setattr(captured_step, "take_step", failing)
    left = fail(write_root(tmp_path, SETTINGS))
    assert reason in left
    assert len(left.splitlines()) == 1


def test_other_failures_leave_their_reason(tmp_path: Path) -> None:
    assert "learning_rate is '7'" in fail(write_root(tmp_path / "value", SETTINGS | {"learning_rate": "7"}))
    root = write_root(tmp_path / "channel", SETTINGS)
    (root / "input/data/validation").rename(root / "elsewhere")
    assert "data/validation: not found" in fail(root)
    (root / "input/config/hyperparameters.json").write_text('{"epochs": 3}')
    assert "expected an object of strings" in fail(root)
    (root / "input/config/hyperparameters.json").unlink()
    assert "hyperparameters.json: cannot be read" in fail(root)


def test_confusion_and_scores_of_a_case_counted_by_hand() -> None:
    truth = torch.tensor([[0, 0, 1], [1, 1, IGNORE]], dtype=torch.uint8)
    predicted = torch.tensor([[0, 1, 1], [1, 0, 1]])
    counts = count_pixels(truth, predicted, 3).numpy()
    assert counts.tolist() == [[1, 1, 0], [1, 2, 0], [0, 0, 0]]
    # 1/3, 2/4, and 0 for the class that is nowhere, as GluonCV counts it
    assert mean_iou(counts) == pytest.approx((1 / 3 + 1 / 2 + 0) / 3)
    assert pixel_accuracy(counts) == pytest.approx(3 / 5)
    assert pixel_accuracy(np.zeros((2, 2), np.int64)) == 0


def test_ignored_pixels_do_not_train() -> None:
    scores = torch.zeros(1, 2, 1, 2, requires_grad=True)
    cross_entropy(scores, torch.tensor([[[1, IGNORE]]]), torch.tensor(1)).backward()  # type: ignore[no-untyped-call]
    assert scores.grad is not None
    assert scores.grad[..., 1].abs().sum() == 0
    assert scores.grad[0, :, 0, 0].tolist() == [0.5, -0.5]
    assert cross_entropy(scores, torch.full((1, 1, 2), IGNORE), torch.tensor(0)).item() == 0


def test_the_processor_is_set_up_where_the_user_has_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("THP_MEM_ALLOC_ENABLE", raising=False)
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    prepare_processor()
    assert os.environ["THP_MEM_ALLOC_ENABLE"] == "1"
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"
