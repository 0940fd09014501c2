"""Segments add up to the same numbers however they are cut, kept and read."""

import json
from dataclasses import replace

import pytest

pytest.importorskip("rosbags", reason="rosbags reads bags; pip install 'ovseg_ros[eval]'")
from generated_drive import write_drive  # noqa: E402

from ovseg_ros.evaluation.footage.bag import bag_footage  # noqa: E402
from ovseg_ros.evaluation.footage.label_map import LabelMap  # noqa: E402
from ovseg_ros.evaluation.run.chunks import ChunkStore  # noqa: E402
from ovseg_ros.evaluation.run.configuration import Configuration  # noqa: E402
from ovseg_ros.evaluation.run.direct import run_direct  # noqa: E402
from ovseg_ros.evaluation.run.evaluator import SegmentEvaluator  # noqa: E402
from ovseg_ros.evaluation.run.outcome import merged  # noqa: E402
from ovseg_ros.evaluation.run.plan import make_plan  # noqa: E402
from ovseg_ros.evaluation.run.segment import SegmentResult, cut  # noqa: E402

FRAMES = 7


@pytest.fixture(scope="module")
def drive(tmp_path_factory):
    return write_drive(tmp_path_factory.mktemp("drive") / "bag", frames=FRAMES)


@pytest.fixture(scope="module")
def plan(drive, tiny_package):
    base = Configuration(str(tiny_package))
    strict = replace(base, threshold=0.6)
    return make_plan([bag_footage(drive)], LabelMap(), [base, strict])


def numbers(outcome):
    """Return everything that was counted as text, to compare to the last digit."""
    return [
        json.dumps(
            [
                {name: tally.summary().as_json() for name, tally in job.tallies.items()},
                [row.as_json() for row in job.rows],
            ]
        )
        for job in outcome.jobs
    ]


@pytest.fixture(scope="module")
def whole(plan):
    with SegmentEvaluator(plan.jobs, keep_masks=True) as evaluator:
        return [evaluator.evaluate(segment) for segment in plan.segments]


def test_jobs_differ_where_their_configurations_do(whole):
    plain, strict = merged(whole).jobs
    assert plain.tallies["all"].summary().unlabelled_px == 0
    assert strict.tallies["all"].summary().unlabelled_px > 0
    assert set(plain.tallies) == {
        "all",
        "domain day",
        "domain night",
        "camera /camera/image/compressed",
    }
    assert [row.scores.flicker is None for row in plain.rows].count(True) == 2


@pytest.mark.parametrize("frames_each", [1, 3])
@pytest.mark.parametrize("in_order", [True, False])
def test_how_the_work_is_cut_is_no_matter(plan, whole, frames_each, in_order):
    segments = cut(plan.footages, frames_each)
    assert len(segments) == -(-FRAMES // frames_each)
    with SegmentEvaluator(plan.jobs, keep_masks=False) as evaluator:
        order = segments if in_order else segments[::-1]
        results = [evaluator.evaluate(segment) for segment in order]
    results.sort(key=lambda result: result.number)
    assert numbers(merged(results)) == numbers(merged(whole))


def test_results_are_kept_without_loss(whole):
    (result,) = whole
    again = SegmentResult.from_bytes(result.to_bytes())
    assert numbers(merged([again])) == numbers(merged(whole))
    assert again.jobs[0].masks == result.jobs[0].masks
    assert again.jobs[0].masks[0].frame_id == "camera"
    assert again.to_bytes() == again.to_bytes()


@pytest.mark.parametrize("data", [b"", b"PK", b"some words"])
def test_damaged_results_are_no_results(data):
    with pytest.raises((ValueError, KeyError)):
        SegmentResult.from_bytes(data)


def test_a_run_goes_on_where_it_was_stopped(plan, whole, tmp_path):
    plan = replace(plan, segments=cut(plan.footages, 2))
    store = ChunkStore(tmp_path / "chunks", plan.fingerprint(), resume=False)
    done = []

    def stop_in_the_third(count):
        done.append(count)
        if sum(done) == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_direct(plan, store, True, stop_in_the_third)
    assert len(store.missing(plan.segments)) == 2
    (tmp_path / "chunks" / "000001.zip").write_bytes(b"half a file")
    store = ChunkStore(tmp_path / "chunks", plan.fingerprint(), resume=True)
    assert [segment.number for segment in store.missing(plan.segments)] == [1, 2, 3]
    again = []
    run_direct(plan, store, True, again.append)
    assert (again[0], sum(again)) == (2, FRAMES)
    assert numbers(merged(store.results(plan.segments))) == numbers(merged(whole))
