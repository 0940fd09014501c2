"""Writes a trained student as the files that the robot loads."""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import numpy as np
import torch

from ovseg_ros.errors import MissingExtraError
from ovseg_ros.text.tokenizer import Tokenizer
from ovseg_train.text.dataset import TextDataset, dataset_names
from ovseg_train.text.student import Student

OPSET = 20
_SMALL = 256


def export_tower(student: Student, tokenizer: Tokenizer, dataset: TextDataset, out: Path) -> None:
    """Writes `text.onnx`, `tokenizer.json` and `names.json` into the folder `out`.

    The weights of `student` are rounded to float16 in place first, so that it goes on to give
    what the files give.
    """
    out.mkdir(parents=True, exist_ok=True)
    round_to_half(student)
    write_file(out / "text.onnx", _compress(_to_onnx(student, tokenizer)))
    description = tokenizer.describe() | {
        "input": "ids int64 [N, max_words, max_ids_per_word], 0 = padding",
        "output": "embedding float32 [N, D], unit norm",
        "space": "openai-clip-vit-b-32-text",
        "center": [round(float(value), 6) for value in dataset.centre],
    }
    write_file(out / "tokenizer.json", _json(description))
    write_file(out / "names.json", _json({"version": 1} | dataset_names(dataset)))


def round_to_half(student: Student) -> None:
    """Rounds every weight to the nearest float16 value, keeping the type float32."""
    with torch.no_grad():
        for parameter in student.parameters():
            parameter.copy_(parameter.half().float())


def _to_onnx(student: Student, tokenizer: Tokenizer) -> bytes:
    example = torch.from_numpy(tokenizer.encode(["a red car", "tree"]))
    buffer = io.BytesIO()
    torch.onnx.export(
        student.eval(),
        (example,),
        buffer,  # type: ignore[arg-type]  # the typed signature forgets file objects
        input_names=["ids"],
        output_names=["embedding"],
        dynamic_axes={"ids": {0: "N"}, "embedding": {0: "N"}},
        opset_version=OPSET,
        dynamo=False,
    )
    return buffer.getvalue()


def _compress(model_bytes: bytes) -> bytes:
    """Stores large float32 weights as float16, each with a Cast to float32 behind it.

    The hash table is gathered from before the cast, so it also stays half in memory.
    """
    try:
        import onnx
        from onnx import TensorProto, helper, numpy_helper
    except ImportError as error:
        raise MissingExtraError("onnx", "torch") from error
    model = onnx.load_from_string(model_bytes)
    graph = model.graph
    casts = []
    for tensor in list(graph.initializer):
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < _SMALL or tensor.name == "centre":
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}_half"))
        gather = [n for n in graph.node if n.op_type == "Gather" and n.input[0] == name]
        if gather:
            source, target = f"{gather[0].output[0]}_half", gather[0].output[0]
            gather[0].input[0], gather[0].output[0] = f"{name}_half", source
            position = list(graph.node).index(gather[0]) + 1
            graph.node.insert(position, helper.make_node("Cast", [source], [target], to=1))
        else:
            casts.append(helper.make_node("Cast", [f"{name}_half"], [name], to=1))
    for cast in casts:
        graph.node.insert(0, cast)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def _json(content: dict) -> bytes:
    return (json.dumps(content, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def write_file(path: Path, content: bytes) -> None:
    """Writes `content` to `path` whole or not at all."""
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(content)
    os.replace(partial, path)
