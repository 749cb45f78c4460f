"""How fast a client gets an endpoint's probabilities into numpy, measured side by side.

    python benchmarks/algorithm_decoding.py [--side 512] [--classes 5]

The peer is the sample notebook's way with protobuf's own library: parse the record, make a list of
its floats, make an array of the list.
"""

from __future__ import annotations

import argparse
import struct
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from jobs.contract.probabilities import decode_probabilities, encode_probabilities

ROUNDS = 7


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--classes", type=int, default=5)
    given = parser.parse_args()
    values = np.random.default_rng(0).random((1, given.classes, given.side, given.side), np.float32)
    body, record = encode_probabilities(values), record_class()
    peers: dict[str, Callable[[], npt.NDArray[np.float32]]] = {
        "list of floats": lambda: decode_list(record, body),
        "jobs.contract.probabilities": lambda: decode_probabilities(body),
        "jobs.contract.probabilities, argmax too": lambda: decode_probabilities(body).argmax(1),
    }
    best = dict.fromkeys(peers, float("inf"))
    for _ in range(ROUNDS):
        for name, decode in peers.items():
            started = time.process_time()
            decode()
            best[name] = min(best[name], time.process_time() - started)
    for name, seconds in best.items():
        print(f"{name:28}{1000 * seconds:10.3f} ms{best['list of floats'] / seconds:10.1f}×")  # noqa: T201
    assert (decode_list(record, body) == decode_probabilities(body)).all()  # noqa: S101


def decode_list(record: Any, body: bytes) -> npt.NDArray[np.float32]:
    _, length = struct.unpack_from("<II", body)
    message = record.FromString(body[8 : 8 + length])
    shape = list(message.features["shape"].int32_tensor.values)
    return np.array(list(message.features["target"].float32_tensor.values), np.float32).reshape(shape)


def record_class() -> Any:
    """SageMaker's `Record` as protobuf's own library knows it."""
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


if __name__ == "__main__":
    main()
