"""What is counted on the frames of a domain, and what pages say of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch", reason="torch is not installed; run `make build-torch`")

from scene_adapters import draw_scene, package_with_adapters  # noqa: E402

from ovseg_ros.adapters.library import AdapterLibrary  # noqa: E402
from ovseg_ros.adapters.retrieval import RetrievalSettings  # noqa: E402
from ovseg_ros.evaluation.dataset import LabelledFile, LabelledFolder  # noqa: E402
from ovseg_ros.packages import read_card  # noqa: E402
from ovseg_ros.segmenter import Segmenter  # noqa: E402
from ovseg_train.domains.domain import Cut, Domain  # noqa: E402
from ovseg_train.domains.gap import GapRun  # noqa: E402
from ovseg_train.domains.gap_report import Selection, gap_result  # noqa: E402
from ovseg_train.domains.over_time import Followed, follow  # noqa: E402
from ovseg_train.domains.recognition import BASE, named, per_frame, per_second, right_share  # noqa: E402
from ovseg_train.domains.report import domains_result  # noqa: E402
from ovseg_train.domains.scoring import DomainScore, Way, score_domain, without  # noqa: E402

SCENES = ("noon", "night")


@pytest.fixture(scope="module")
def library(tiny_package: Path, tmp_path_factory: pytest.TempPathFactory) -> AdapterLibrary:
    package = package_with_adapters(tiny_package, tmp_path_factory.mktemp("p") / "tiny", SCENES)
    return AdapterLibrary.open(package / "adapters", read_card(package))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> LabelledFolder:
    folder = tmp_path_factory.mktemp("data")
    files = []
    for number in range(20, 24):
        image, label = folder / f"{number}.png", folder / f"{number}_ids.png"
        Image.fromarray(draw_scene("noon", number)).save(image)
        ids = np.zeros((120, 160), np.uint8)
        ids[60:] = 1
        Image.fromarray(ids).save(label)
        files.append(LabelledFile(image, label, "noon", f"drive {number % 2}"))
    files.sort(key=lambda file: file.sequence)
    return LabelledFolder("made up", {0: "sky", 1: "road"}, 255, tuple(files))


@pytest.fixture(scope="module")
def score(library: AdapterLibrary, data: LabelledFolder) -> DomainScore:
    with Segmenter.open(library.folder.parent) as segmenter:
        return score_domain(segmenter, library, "noon", data, RetrievalSettings())


def test_every_way_is_scored_on_every_pixel(score: DomainScore) -> None:
    assert {matrix.pixels for matrix in score.matrices.values()} == {4 * 120 * 160}
    assert 0 <= score.miou(Way.ZERO_SHOT) <= 1
    # Noon is alone near noon, so that retrieval is its own adapter, and without it the base.
    pairs = ((Way.RETRIEVED, Way.OWN), (Way.OTHERS_RETRIEVED, Way.ZERO_SHOT))
    for one, other in pairs:
        np.testing.assert_array_equal(score.matrices[one].counts, score.matrices[other].counts)
    assert (score.matrices[Way.OWN].counts != score.matrices[Way.ZERO_SHOT].counts).any()


def test_the_adapter_of_the_domain_is_recognised(
    score: DomainScore, library: AdapterLibrary
) -> None:
    assert per_frame(score) == {"noon": 4}
    seconds = per_second(score, library, RetrievalSettings())
    assert seconds == {"noon": 2}
    assert right_share(seconds, "noon") == 1
    others = without(library.index, "noon")
    assert others.names == ("night",)
    assert {named(found) for found in score.found_of_others} == {BASE}


def test_pages_say_what_is_rendered_and_which_claims_fail(
    score: DomainScore, library: AdapterLibrary
) -> None:
    domain = Domain("noon", "made_up", Cut.SPLITS, "noon", True, {"embedded": "nothing"})
    result = domains_result([domain], {"noon": score}, library, RetrievalSettings())
    assert "noon (synthetic)" in result.body
    assert result.data["domains"][0]["right_per_frame"] == 1
    assert result.data["harmonic_means"]["own"] == pytest.approx(score.miou(Way.OWN), abs=1e-4)
    assert len(result.claims) == 3
    assert "noon (synthetic)" in result.charts["domains_confusion.svg"]


def test_selection_follows_a_sequence_from_the_second_frame_on(
    library: AdapterLibrary, data: LabelledFolder
) -> None:
    with Segmenter.open(library.folder.parent) as segmenter:
        found = follow(segmenter, library, data, rate_hz=15)
        late = follow(segmenter, library, data, rate_hz=15, lead_in=3)
    assert (found.frames, found.frames_adapted, found.switches) == (4, 3, 1)
    assert (late.frames, late.frames_adapted) == (1, 1)


def test_the_share_of_the_gap_is_that_between_base_and_the_model_that_saw_dusk() -> None:
    runs = [GapRun(16, 0), GapRun(16, 1)]
    dusk = {"base": 0.5, "dusk-16-0": 0.55, "dusk-16-1": 0.6}
    calm = Followed(10, 0.7, 0.7, 0, 0)
    lossy = Followed(10, 0.7, 0.69, 5, 1)
    result = gap_result(
        22,
        dusk,
        {"saw": {"saw0": (0.7, 0.7)}, "control": {}},
        {
            "dusk-16-0": Selection(calm, calm, calm),
            "dusk-16-1": Selection(calm, lossy, calm),
        },
        runs,
    )
    assert result.data["by_frames"][0]["recovered"] == [0.25, 0.5]
    assert [claim.met for claim in result.claims] == [False, True, False]
    assert "-1.00 points" in result.claims[2].found
