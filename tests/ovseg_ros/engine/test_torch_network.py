"""A package gives back the network that it was exported from, number by number."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

torch = pytest.importorskip("torch", reason="torch is not installed; run `make build-torch`")
pytest.importorskip("onnx", reason="onnx is not installed; run `make build-torch`")
safetensors = pytest.importorskip("safetensors.torch")

from small_networks import SMALL  # noqa: E402
from torch_packages import (  # noqa: E402
    SMALL_NETWORK,
    small_catseg_graph,
    tiny_graph,
    write_package,
)

from ovseg_ros.engine.choice import ProgramPrecision  # noqa: E402
from ovseg_ros.engine.export import Trial, random_inputs  # noqa: E402
from ovseg_ros.engine.torch_network import TINY_NETWORK, load_network  # noqa: E402
from ovseg_ros.engine.torch_weights import TORCH_WEIGHTS_NAME, read_weights  # noqa: E402
from ovseg_ros.errors import PackageError  # noqa: E402
from ovseg_ros.models import registry  # noqa: E402
from ovseg_ros.models.catseg_inference import Views  # noqa: E402
from ovseg_ros.models.segmenter_graph import SegmenterGraph  # noqa: E402
from ovseg_ros.packages import ModelPackage, seal  # noqa: E402

pytestmark = pytest.mark.torch
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def small_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.NETWORKS, SMALL_NETWORK, SMALL)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> ModelPackage:
    return write_package(tiny_graph(), tmp_path_factory.mktemp("tiny"))


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: tiny_graph(5), id="tiny, promising labels"),
        pytest.param(lambda: small_catseg_graph(most_labels=4), id="CAT-Seg, promising labels"),
        pytest.param(lambda: small_catseg_graph(Views.SLIDING), id="CAT-Seg, five views"),
    ],
)
@torch.no_grad()
def test_the_network_comes_back_exactly(make: Callable[[], SegmenterGraph], tmp_path: Path) -> None:
    graph = make()
    package = write_package(graph, tmp_path)
    wanted = {k: v for k, v in graph.network.state_dict().items() if not k.startswith("text.")}
    found = read_weights(package)
    assert found.keys() == wanted.keys()
    assert all(found[k].dtype == v.dtype and torch.equal(found[k], v) for k, v in wanted.items())
    again = load_network(package)
    assert type(again) is type(graph) and not again.training
    assert not any(name.startswith("text.") for name in again.network.state_dict())
    inputs = random_inputs(graph, Trial(40, 60, 7, 2))
    for own, other in zip(again(*inputs), graph(*inputs), strict=True):
        assert torch.equal(own, other)


def test_little_is_kept_twice(tiny: ModelPackage) -> None:
    kept = safetensors.load_file(tiny.folder / TORCH_WEIGHTS_NAME)
    assert all(name.startswith("neck.smooth") for name in kept), "batch norms are folded"
    whole = sum(value.nbytes for value in read_weights(tiny).values())
    assert sum(value.nbytes for value in kept.values()) < whole / 20


@torch.no_grad()
def test_a_half_package_gives_rounded_weights(tmp_path: Path) -> None:
    graph = small_catseg_graph()
    package = write_package(graph, tmp_path, ProgramPrecision.FP16)
    state = graph.network.state_dict()
    for name, value in read_weights(package).items():
        assert value.dtype == state[name].dtype, name
        torch.testing.assert_close(value, state[name], rtol=1e-3, atol=1e-4)
    assert load_network(package).network.image.conv1.weight.dtype == torch.float32


def test_the_card_of_the_embedded_default_names_a_network_that_is_known() -> None:
    card = yaml.safe_load((ROOT / "ovseg_train" / "tiny" / "card.yaml").read_text("utf-8"))
    assert card["network"] == TINY_NETWORK


def test_the_embedded_default_loads(tiny_package: Path) -> None:
    package = ModelPackage.load(tiny_package)
    if TORCH_WEIGHTS_NAME not in package.card.files:
        pytest.skip("the embedded package was exported before it carried weights for torch")
    graph = load_network(package)
    assert graph.lora_widths == package.card.lora_widths


def without(folder: Path) -> None:
    (folder / TORCH_WEIGHTS_NAME).unlink()


def cut_off(folder: Path) -> None:
    path = folder / TORCH_WEIGHTS_NAME
    path.write_bytes(path.read_bytes()[:100])


def rewritten(change: Callable[[dict, dict], None]) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        path = folder / TORCH_WEIGHTS_NAME
        with safetensors.safe_open(path, "pt") as stream:
            places = json.loads(stream.metadata()["initializers"])
        kept = safetensors.load_file(path)
        change(kept, places)
        safetensors.save_file(kept, path, {"initializers": json.dumps(places)})

    return spoil


BIAS = "neck.smooth4.4.bias"


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        pytest.param(without, "earlier version; convert it again", id="no file"),
        pytest.param(cut_off, "cannot be read.*restore the package", id="cut off"),
        pytest.param(
            rewritten(lambda kept, places: places.update({"embed.bias": ["gone", False]})),
            "belongs to another program: .* has no gone",
            id="of another program",
        ),
        pytest.param(
            rewritten(lambda kept, places: kept.pop(BIAS)),
            f"do not fit the network.*such as {BIAS}",
            id="one missing",
        ),
        pytest.param(
            rewritten(lambda kept, places: kept.update({BIAS: torch.zeros(3)})),
            f"do not fit the network.*shapes differ.*{BIAS}",
            id="another shape",
        ),
    ],
)
def test_weights_that_do_not_fit_are_refused(
    tiny: ModelPackage, tmp_path: Path, spoil: Callable[[Path], None], sentence: str
) -> None:
    folder = Path(shutil.copytree(tiny.folder, tmp_path / "copy"))
    spoil(folder)
    seal(folder, {k: v for k, v in tiny.card.raw.items() if k != "files"})
    with pytest.raises(PackageError, match=sentence):
        load_network(ModelPackage.load(folder))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"network": "abacus"}, "network 'abacus' is unknown"),
        ({"network": SMALL_NETWORK, "views": "none"}, "'none' is not a valid Views"),
        ({"network": SMALL_NETWORK}, "do not fit the network 'small'"),
    ],
)
def test_a_card_that_names_another_network_is_refused(
    tiny: ModelPackage, tmp_path: Path, change: dict, sentence: str
) -> None:
    folder = Path(shutil.copytree(tiny.folder, tmp_path / "copy"))
    seal(folder, {**{k: v for k, v in tiny.card.raw.items() if k != "files"}, **change})
    with pytest.raises(PackageError, match=sentence):
        load_network(ModelPackage.load(folder))
