"""The serving container: types, sizes, errors, the message, and the program as a process."""

from __future__ import annotations

import http.client
import io
import json
import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import torch
import waitress
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image
from waitress import wasyncore

from formats.errors import SagesegError
from formats.images import Rgb, encode_image, read_image
from formats.masks import Mask
from jobs.algorithm.__main__ import main
from jobs.algorithm.inference.predictor import Predictor
from jobs.algorithm.network.build import build_network
from jobs.algorithm.serving import replies
from jobs.algorithm.serving.http_server import (
    WAITING,
    Application,
    execution_parameters,
    images_at_a_time,
    make_application,
)
from jobs.algorithm.serving.replies import RequestError, choose_answer, invoke, read_request
from jobs.algorithm.serving.shared_batches import SharedBatches
from jobs.algorithm.training.loop import as_strings
from jobs.algorithm.weights.load import to_parameters
from jobs.contract.artefact import BEST, read_model_folder, write_hyperparameters, write_parameters
from jobs.contract.hyperparameters import parse_hyperparameters
from jobs.contract.invocation import PNG, PROTOBUF_TYPES
from jobs.contract.probabilities import decode_probabilities, encode_probabilities
from jobs.contract.recordio import MAGIC


class Halves:
    """Class 2 where red is over 127, else class 0."""

    num_classes, streams, batch_pixels = 3, 1, 4 * 6 * 9

    def predict_masks(self, images: Rgb) -> Mask:
        return np.where(images[..., 0] > 127, 2, 0).astype(np.uint8)

    def predict(self, images: Rgb) -> npt.NDArray[np.float32]:
        return np.eye(3, dtype=np.float32)[self.predict_masks(images)].transpose(0, 3, 1, 2)


def half_red(height: int = 6, width: int = 9) -> bytes:
    image = np.zeros((height, width, 3), np.uint8)
    image[:, width // 2 :] = 255
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG")
    return buffer.getvalue()


def record_class() -> Any:
    """SageMaker's `Record`, as protobuf's own library knows it: an independent reader and writer."""
    file = descriptor_pb2.FileDescriptorProto(name="record.proto", package="aialgs.data", syntax="proto2")
    kinds = descriptor_pb2.FieldDescriptorProto
    for name, kind in (("Float32Tensor", kinds.TYPE_FLOAT), ("Int32Tensor", kinds.TYPE_INT32)):
        tensor = file.message_type.add(name=name)
        tensor.field.add(name="values", number=1, label=3, type=kind).options.packed = True
    value = file.message_type.add(name="Value")
    value.field.add(name="float32_tensor", number=2, label=1, type=11, type_name=".aialgs.data.Float32Tensor")
    value.field.add(name="int32_tensor", number=7, label=1, type=11, type_name=".aialgs.data.Int32Tensor")
    record = file.message_type.add(name="Record")
    entry = record.nested_type.add(name="FeaturesEntry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, label=1, type=9)
    entry.field.add(name="value", number=2, label=1, type=11, type_name=".aialgs.data.Value")
    record.field.add(name="features", number=1, label=3, type=11, type_name=".aialgs.data.Record.FeaturesEntry")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("aialgs.data.Record"))


Record = record_class()
PROBABILITIES = arrays.arrays(
    np.float32, arrays.array_shapes(min_dims=4, max_dims=4, max_side=5), elements=st.floats(0, 1, width=32)
)


@given(PROBABILITIES)
def test_protobuf_reads_what_we_write(probabilities: npt.NDArray[np.float32]) -> None:
    body = encode_probabilities(probabilities)
    magic, length = struct.unpack_from("<II", body)
    assert (magic, len(body) % 4) == (MAGIC, 0)
    record = Record.FromString(body[8 : 8 + length])
    assert tuple(record.features["shape"].int32_tensor.values) == probabilities.shape
    assert list(record.features["target"].float32_tensor.values) == probabilities.ravel().tolist()


@given(PROBABILITIES, st.integers(0, 3))
def test_we_read_what_protobuf_writes_in_one_part_or_more(probabilities: npt.NDArray[np.float32], parts: int) -> None:
    record = Record()
    record.features["target"].float32_tensor.values.extend(probabilities.ravel().tolist())
    record.features["shape"].int32_tensor.values.extend(probabilities.shape)
    content = record.SerializeToString(deterministic=True)
    np.testing.assert_array_equal(decode_probabilities(frame(content, parts)), probabilities)


def frame(content: bytes, cuts: int) -> bytes:
    """A RecordIO frame as dmlc's writer cuts it: where the magic number stands in the content."""
    content_parts = [content] if not cuts else []
    if cuts:  # a field that no reader knows, holding the magic number at the cut
        word = struct.pack("<I", MAGIC)
        content_parts = [content + b"\x7a\x04", *[b"\x7a\x04"] * (cuts - 1), b""]
        assert word.join(content_parts).count(word) >= cuts
    framed = b""
    for i, part in enumerate(content_parts):
        kind = 0 if len(content_parts) == 1 else (1 if i == 0 else 3 if i == len(content_parts) - 1 else 2)
        framed += struct.pack("<II", MAGIC, kind << 29 | len(part)) + part + bytes(-len(part) % 4)
    return framed


@pytest.mark.parametrize("size", [0, 3, 8, 40, -1])
def test_a_message_that_is_cut_short_is_refused(size: int) -> None:
    whole = encode_probabilities(np.zeros((1, 2, 5, 5), np.float32))
    with pytest.raises(SagesegError, match="x: cut short"):
        decode_probabilities(whole[:size] if size >= 0 else whole[:-4], "x")


def test_other_bodies_are_refused() -> None:
    with pytest.raises(SagesegError, match="x: no RecordIO frame"):
        decode_probabilities(half_red(), "x")
    with pytest.raises(SagesegError, match="x: holds no target"):
        decode_probabilities(struct.pack("<II", MAGIC, 0), "x")


@pytest.mark.parametrize(("height", "width"), [(6, 9), (1, 1), (33, 2)])
def test_png_holds_the_class_ids_in_one_channel(height: int, width: int) -> None:
    kind, answer = invoke(SharedBatches(Halves()), half_red(height, width), "image/png", "image/png")
    with Image.open(io.BytesIO(answer)) as image:
        assert (kind, image.mode, image.size) == (PNG, "L", (width, height))
        np.testing.assert_array_equal(np.asarray(image)[0], [0] * (width // 2) + [2] * (width - width // 2))


@pytest.mark.parametrize("accept", PROTOBUF_TYPES)
def test_probabilities_come_under_both_names(accept: str) -> None:
    kind, answer = invoke(SharedBatches(Halves()), half_red(), "image/jpeg; q=1", accept)
    assert kind == accept
    assert decode_probabilities(answer).shape == (1, 3, 6, 9)
    np.testing.assert_array_equal(decode_probabilities(answer).argmax(1)[0, 0], [0] * 4 + [2] * 5)


@pytest.mark.parametrize(
    ("accept", "answer"),
    [
        ("", PNG),
        ("*/*", PNG),
        ("image/*", PNG),
        ("application/x-protobuf, image/png", "application/x-protobuf"),
        ("application/x-protobuf;q=0.5, image/png", PNG),
        ("text/html, application/x-recordio-protobuf", "application/x-recordio-protobuf"),
    ],
)
def test_the_answer_is_what_the_client_prefers(accept: str, answer: str) -> None:
    assert choose_answer(accept) == answer


@pytest.mark.parametrize("accept", ["text/html", "image/jpeg", "image/png;q=0", "image/png;q=x"])
def test_an_answer_that_is_not_made_is_406(accept: str) -> None:
    with pytest.raises(RequestError) as raised:
        choose_answer(accept)
    assert raised.value.status == 406


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"", "image/jpeg", 400),
        (b"no image", "image/png", 400),
        (encode_image(np.zeros((8, 8, 3), np.uint8))[:300], "image/jpeg", 400),
        (half_red(), "text/csv", 415),
        (half_red(), "", 415),
    ],
)
def test_a_request_that_is_no_image_is_refused(body: bytes, content_type: str, status: int) -> None:
    with pytest.raises(RequestError) as raised:
        read_request(body, content_type)
    assert raised.value.status == status
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(("name", "value"), [("MAX_BYTES", 50), ("MAX_PIXELS", 53)])
def test_a_request_that_is_too_large_is_413(name: str, value: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replies, name, value)
    with pytest.raises(RequestError) as raised:
        read_request(half_red(), "image/png")
    assert raised.value.status == 413


class Full(Halves):
    """A model without enough memory."""

    def predict_masks(self, _: Rgb) -> Mask:
        raise MemoryError

    def predict(self, _: Rgb) -> npt.NDArray[np.float32]:
        raise torch.OutOfMemoryError


class Broken(Halves):
    """A model whose network fails, as one does on a GPU that it was not built for."""

    def predict_masks(self, _: Rgb) -> Mask:
        raise RuntimeError("no kernel image is available\nCompile with TORCH_USE_CUDA_DSA")

    def predict(self, _: Rgb) -> npt.NDArray[np.float32]:
        raise RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory")


@pytest.mark.parametrize(
    ("accept", "text"),
    [
        ("image/png", "the network failed: RuntimeError: no kernel image is available"),
        ("application/x-protobuf", "send it in crops"),
    ],
)
def test_what_torch_says_of_a_failure_is_answered_in_one_line(accept: str, text: str) -> None:
    status, body = call(make_application(Broken()), "POST", "/invocations", accept)
    assert status == "500 Internal Server Error"
    assert text in body
    assert len(body.splitlines()) == 1


class Slow(Halves):
    """A model that is at work until it is let go, and counts who is; `batches` are the numbers of its images."""

    def __init__(self, streams: int = 1) -> None:
        self.streams, self.batches = streams, list[int]()
        self.at_work, self.most, self.go, self.busy = 0, 0, threading.Event(), threading.Semaphore(0)
        self.lock = threading.Lock()

    def predict_masks(self, images: Rgb) -> Mask:
        with self.lock:
            self.batches.append(len(images))
            self.at_work += 1
            self.most = max(self.most, self.at_work)
        self.busy.release()
        assert self.go.wait(60)
        with self.lock:
            self.at_work -= 1
        return super().predict_masks(images)


@contextmanager
def listening(application: Application) -> Iterator[int]:
    """The port of a server in a thread, which itself closes what it listens to."""
    channels: dict[int, Any] = {}
    server = waitress.create_server(application, host="127.0.0.1", port=0, threads=6 + WAITING, map=channels)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield server.effective_port
    finally:
        server.trigger.pull_trigger(lambda: wasyncore.close_all(channels, ignore_all=True))
        thread.join()
        server.task_dispatcher.shutdown()


@pytest.mark.parametrize("streams", [1, 2])
def test_pings_are_answered_while_more_images_wait_than_are_worked_on(streams: int) -> None:
    model = Slow(streams)
    with listening(make_application(model)) as port, ThreadPoolExecutor(6) as clients:
        answers = [
            clients.submit(ask, port, "/invocations", half_red(), Content_Type="image/png", Accept="image/png")
            for _ in range(6)
        ]
        for _ in range(streams):
            assert model.busy.acquire(timeout=60)
        assert ask(port, "/ping") == (200, b"")
        model.go.set()
        assert [answer.result()[0] for answer in answers] == [200] * 6
    assert model.most == streams


def test_batch_transform_is_told_as_many_images_as_are_worked_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """SageMaker allows 100 MB in payloads at a time."""
    for cores, streams, expected in ((1, 1, 2), (2, 1, 2), (4, 1, 4), (4, 4, 8), (64, 2, 10)):
        monkeypatch.setattr("jobs.algorithm.serving.http_server.available_cores", lambda found=cores: found)
        told = execution_parameters(Slow(streams))
        assert (told["MaxConcurrentTransforms"], told["MaxPayloadInMB"]) == (expected, 10)
        assert images_at_a_time(Slow(streams)) >= expected


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("POST", "/invocations", 500), ("GET", "/invocations", 405), ("POST", "/ping", 405), ("GET", "/", 404)],
)
@pytest.mark.parametrize("accept", ["image/png", "application/x-protobuf"])
def test_errors_are_one_line_of_text(method: str, path: str, status: int, accept: str) -> None:
    line, text = call(make_application(Full()), method, path, accept)
    assert line.startswith(f"{status} ")
    assert len(text.splitlines()) == 1


def call(application: Application, method: str, path: str, accept: str) -> tuple[str, str]:
    """The status and text with which a request is refused."""
    seen: list[Any] = []
    request = {"REQUEST_METHOD": method, "PATH_INFO": path, "CONTENT_TYPE": "image/png", "HTTP_ACCEPT": accept}
    answer = application(
        request | {"wsgi.input": io.BytesIO(half_red())}, lambda line, headers: seen.extend([line, dict(headers)])
    )
    assert seen[1]["Content-Type"].startswith("text/plain")
    return seen[0], b"".join(answer).decode()


def write_model(folder: Path) -> Predictor:
    """An untrained model, as a container finds it; what predicts the same without a container."""
    torch.manual_seed(1)
    given = {"num_classes": "3", "num_training_samples": "1", "algorithm": "unet"}
    settings = parse_hyperparameters(given, "open")
    folder.mkdir(parents=True)
    write_hyperparameters(folder, as_strings(settings))
    write_parameters(folder / BEST, to_parameters(build_network(settings)))
    return Predictor(read_model_folder(folder))


def ask(port: int, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
    """The status and body of an answer; a keyword `Content_Type` is the header `Content-Type`."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("POST" if body else "GET", path, body, named)
        response = connection.getresponse()
        return response.status, response.read()


def start(root: Path, port: int) -> subprocess.Popen[str]:
    environment = {**os.environ, "SAGEMAKER_BIND_TO_PORT": str(port)}
    return subprocess.Popen(
        [sys.executable, "-u", "-m", "jobs.algorithm", "serve", "--root", str(root)],
        env=environment | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_the_program_serves_and_ends_at_sigterm(tmp_path: Path) -> None:
    predictor = write_model(tmp_path / "ml/model")
    (tmp_path / "image.jpg").write_bytes(encode_image(np.random.default_rng(0).integers(0, 255, (37, 50, 3), np.uint8)))
    image = (tmp_path / "image.jpg").read_bytes()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with start(tmp_path / "ml", port) as process:
        assert process.stdout is not None
        assert "serving on 0.0.0.0" in next(process.stdout)
        try:
            assert ask(port, "/ping") == (200, b"")
            assert json.loads(ask(port, "/execution-parameters")[1])["MaxPayloadInMB"] == 10
            _, body = ask(port, "/invocations", image, Content_Type="image/jpeg", Accept="image/png")
            pixels = read_image(tmp_path / "image.jpg")[None]
            with Image.open(io.BytesIO(body)) as mask:
                np.testing.assert_array_equal(np.asarray(mask), predictor.predict_masks(pixels)[0])
            _, body = ask(port, "/invocations", image, Content_Type="image/jpeg", Accept="application/x-protobuf")
            np.testing.assert_allclose(decode_probabilities(body), predictor.predict(pixels), atol=1e-4)
            assert ask(port, "/invocations", b"x", Content_Type="image/jpeg")[0] == 400
        finally:
            process.terminate()
        assert process.wait(60) == 0


def test_a_model_that_is_not_there_stops_the_program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--root", str(tmp_path)]) == 1
    assert "model/hyperparams.json: cannot be read" in capsys.readouterr().out
