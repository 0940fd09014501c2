"""Checkpoints of every kind that is read, and files that must not be."""

import collections
import hashlib
import os
import pickle
import sys
import zipfile

import numpy as np
import pytest

from ovseg_ros.errors import MissingExtraError, WeightsError
from ovseg_ros.weights.checkpoint import read_checkpoint

pytestmark = pytest.mark.torch
torch = pytest.importorskip("torch")
safetensors = pytest.importorskip("safetensors.torch")


def weights():
    """Two tensors with values that survive float16."""
    return {"a.weight": torch.arange(6.0).reshape(2, 3) - 2, "a.bias": torch.tensor([0.5, -0.25])}


class RunsCode:
    """Pickles to a call that leaves a file behind."""

    def __init__(self, proof):
        self.proof = proof

    def __reduce__(self):
        return os.mkdir, (str(self.proof),)


class Network(torch.nn.Module):
    """Nested modules, a buffer, half precision and a constant: what OpenAI's archives have."""

    def __init__(self):
        super().__init__()
        self.blocks = torch.nn.Sequential(torch.nn.Linear(3, 2).half(), torch.nn.ReLU())
        self.scale = torch.nn.Parameter(torch.tensor(1.5))
        self.register_buffer("resolution", torch.tensor(224))
        self.mask = torch.full((2,), float("-inf"))

    def forward(self, x):
        return self.blocks(x.half()).float() * self.scale + self.mask.exp()


def torch_file(path, value, **options):
    torch.save(value, path, **options)
    return path


def as_numpy():
    return {name: tensor.numpy() for name, tensor in weights().items()}


DETECTRON2 = {"iteration": 80000, "scheduler": {"last_epoch": 80000}, "optimizer": {"state": {}}}
READABLE = {
    "weights alone": lambda p: torch_file(p, weights()),
    "ordered dict": lambda p: torch_file(p, collections.OrderedDict(weights())),
    "detectron2": lambda p: torch_file(p, {"model": weights(), **DETECTRON2}),
    "state_dict": lambda p: torch_file(p, {"state_dict": weights(), "epoch": 3}),
    "float16": lambda p: torch_file(p, {k: v.half() for k, v in weights().items()}),
    "float64": lambda p: torch_file(p, {k: v.double() for k, v in weights().items()}),
    "parameters": lambda p: torch_file(p, {k: torch.nn.Parameter(v) for k, v in weights().items()}),
    "numpy": lambda p: torch_file(p, {"model": as_numpy()}),
    "big-endian numpy": lambda p: torch_file(
        p, {k: v.astype(">f4") for k, v in as_numpy().items()}
    ),
    "before torch 1.6": lambda p: torch_file(p, weights(), _use_new_zipfile_serialization=False),
    "safetensors": lambda p: safetensors.save_file(weights(), p),
    "safetensors in bfloat16": lambda p: safetensors.save_file(
        {k: v.bfloat16() for k, v in weights().items()}, p
    ),
}


@pytest.mark.parametrize("write", READABLE.values(), ids=READABLE.keys())
def test_weights_come_back_as_float32(tmp_path, write):
    # The name says nothing: what a file is, is told by its content.
    path = tmp_path / "weights.bin"
    write(path)
    found = read_checkpoint(path)
    assert set(found) == set(weights())
    for name, tensor in weights().items():
        assert found[name].dtype == torch.float32
        assert not found[name].requires_grad
        assert torch.equal(found[name], tensor)


@pytest.mark.parametrize("header_bytes", [0x80, 0x4B50, 0x3C, 0x8B1F])
def test_safetensors_are_known_whatever_their_header_length_looks_like(tmp_path, header_bytes):
    # As first bytes these lengths look like a pickle, a zip, a web page and a gzip archive.
    header = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'.ljust(header_bytes)
    content = header_bytes.to_bytes(8, "little") + header[:header_bytes] + b"\0\0\x80\x3f"
    (tmp_path / "a").write_bytes(content)
    assert read_checkpoint(tmp_path / "a")["a"].tolist() == [1.0]


def test_the_file_can_be_replaced_while_its_weights_are_in_use(tmp_path):
    path = torch_file(tmp_path / "w.pth", weights())
    found = read_checkpoint(path)
    path.write_bytes(b"")
    assert torch.equal(found["a.weight"], weights()["a.weight"])


def test_torchscript_gives_the_tensors_and_not_the_program(tmp_path):
    network = Network()
    archive = torch.jit.trace(network, torch.ones(1, 3))
    archive.save(str(tmp_path / "ViT.pt"))
    found = read_checkpoint(tmp_path / "ViT.pt")
    assert set(found) == set(network.state_dict())
    for name, tensor in network.state_dict().items():
        assert torch.equal(found[name].double(), tensor.double()), name


def test_torchscript_with_code_in_its_pickle_is_refused(tmp_path):
    torch.jit.trace(Network(), torch.ones(1, 3)).save(str(tmp_path / "good.pt"))
    evil, proof = tmp_path / "evil.pt", tmp_path / "executed"
    with zipfile.ZipFile(tmp_path / "good.pt") as good, zipfile.ZipFile(evil, "w") as copy:
        for name in good.namelist():
            content = good.read(name)
            if name.endswith("/data.pkl"):
                content = pickle.dumps(RunsCode(proof), protocol=2)
            copy.writestr(name, content)
    with pytest.raises(WeightsError, match=r"asks for 'posix\.mkdir'"):
        read_checkpoint(evil)
    assert not proof.exists()


@pytest.mark.parametrize("where", ["beside the weights", "among the weights", "as a whole"])
@pytest.mark.parametrize(
    "options",
    [{}, {"_use_new_zipfile_serialization": False}, {"pickle_protocol": 4}],
    ids=["zip", "before 1.6", "protocol 4"],
)
def test_a_pickle_that_runs_code_is_refused_and_not_run(tmp_path, where, options):
    proof = tmp_path / "executed"
    evil = RunsCode(proof)
    content = {
        "beside the weights": {"model": weights(), "hook": evil},
        "among the weights": {"model": {**weights(), "x": evil}},
        "as a whole": evil,
    }[where]
    path = torch_file(tmp_path / "evil.pth", content, **options)
    with pytest.raises(WeightsError, match=r"evil\.pth is refused: its pickle") as refusal:
        read_checkpoint(path)
    if "pickle_protocol" not in options:
        assert "posix.mkdir" in str(refusal.value)
    assert "safetensors" in str(refusal.value)
    assert not proof.exists()


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_bare_pickle_that_runs_code_is_refused_and_not_run(tmp_path, protocol):
    path, proof = tmp_path / "model_zoo.pkl", tmp_path / "executed"
    path.write_bytes(pickle.dumps(RunsCode(proof), protocol=protocol))
    with pytest.raises(WeightsError, match=r"posix\.mkdir"):
        read_checkpoint(path)
    assert not proof.exists()


def test_numpy_arrays_of_objects_are_refused(tmp_path):
    path = torch_file(tmp_path / "objects.pth", {"a": np.array([1, "two"], dtype=object)})
    with pytest.raises(WeightsError, match="is refused"):
        read_checkpoint(path)


@pytest.mark.parametrize("keep", [0.3, 0.7, 0.99])
@pytest.mark.parametrize("kind", ["detectron2", "before torch 1.6", "safetensors"])
def test_a_truncated_file_is_named_as_such(tmp_path, kind, keep):
    whole, path = tmp_path / "whole", tmp_path / "cut.pth"
    READABLE[kind](whole)
    content = whole.read_bytes()
    path.write_bytes(content[: int(len(content) * keep)])
    with pytest.raises(WeightsError, match=r"cut\.pth is truncated or damaged.*fetch it again"):
        read_checkpoint(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"<!DOCTYPE html><html>sign in</html>", "login or error page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:a201", "git lfs pull"),
        (b"\x1f\x8b\x08 something", "unpack it first"),
        (b"just some text that is no checkpoint", "begins with"),
        (b"PK\x05\x06" + bytes(18), "without 'data.pkl'"),
    ],
)
def test_what_is_no_checkpoint_is_told_apart(tmp_path, content, message):
    path = tmp_path / "model_base.pth"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=message):
        read_checkpoint(path)


@pytest.mark.parametrize("name", ["missing.pth", "."])
def test_a_path_that_is_no_file_is_named(tmp_path, name):
    with pytest.raises(WeightsError, match="cannot read the weights"):
        read_checkpoint(tmp_path / name)


def test_the_hash_is_checked(tmp_path):
    path = torch_file(tmp_path / "w.pth", weights())
    right = hashlib.sha256(path.read_bytes()).hexdigest()
    assert read_checkpoint(path, right.upper()).keys() == weights().keys()
    with pytest.raises(WeightsError, match=f"SHA-256 {right} was found"):
        read_checkpoint(path, "0" * 64)


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_weights_that_are_no_numbers_are_refused_by_key(tmp_path, bad):
    broken = weights() | {f"layers.{i}.w": torch.tensor([1.0, bad]) for i in range(12)}
    path = torch_file(tmp_path / "diverged.pth", {"model": broken})
    with pytest.raises(WeightsError, match=r"diverged\.pth holds .* 12 of 14 .*earlier") as refusal:
        read_checkpoint(path)
    assert str(refusal.value).splitlines()[1:] == ["  layers.{0-11}.w: 1 of 2 values"]


def test_every_key_that_is_no_number_is_listed(tmp_path):
    broken = {f"layer_{i}": torch.full((i + 1,), float("nan")) for i in range(60)}
    with pytest.raises(WeightsError) as refusal:
        read_checkpoint(torch_file(tmp_path / "diverged.pth", broken))
    found = str(refusal.value).splitlines()[1:]
    assert found == [f"  layer_{i}: {i + 1} of {i + 1} values" for i in range(60)]


@pytest.mark.parametrize("dtype", ["int8", "int64", "bool"])
def test_integers_are_not_taken_for_weights_in_floating_point(tmp_path, dtype):
    path = torch_file(tmp_path / "w.pth", {"a": torch.ones(2, dtype=getattr(torch, dtype))})
    assert str(read_checkpoint(path)["a"].dtype) == f"torch.{dtype}"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "holds no weights: found list"),
        ({}, "holds no weights"),
        ({"model": weights() | {"names": "car"}}, "no plain tensors under: names"),
        ({"optimizer": {"state": {}}, "a": torch.ones(1)}, "no plain tensors under: optimizer"),
        ({"c": torch.ones(1, dtype=torch.complex64)}, "no plain tensors under: c"),
        ({"s": torch.eye(2).to_sparse()}, "no plain tensors under: s"),
    ],
)
def test_content_that_is_not_weights_is_described(tmp_path, content, message):
    with pytest.raises(WeightsError, match=message):
        read_checkpoint(torch_file(tmp_path / "w.pth", content))


def test_a_missing_torch_is_named_with_its_extra(tmp_path, monkeypatch):
    path = torch_file(tmp_path / "w.pth", weights())
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r"ovseg_ros\[torch\]"):
        read_checkpoint(path)


def test_a_torch_whose_weights_only_is_not_safe_is_refused(tmp_path, monkeypatch):
    path = torch_file(tmp_path / "w.pth", weights())
    monkeypatch.setattr(torch, "__version__", "2.5.1+cpu")
    with pytest.raises(WeightsError, match=r"2\.6 or later"):
        read_checkpoint(path)
