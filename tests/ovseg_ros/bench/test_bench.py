"""The benchmarks, kept short: that they measure what they say and write it down whole."""

import json
import random
import shutil

import pytest
from generated_drive import write_drive

from ovseg_ros.bench.query import first_mask_times_ms, random_script
from ovseg_ros.bench.results import BenchResult, Claim, table, write_result
from ovseg_ros.cli import main
from ovseg_ros.demo.session import SessionResult
from ovseg_ros.query import parse_query
from ovseg_ros.vocabulary import LabelBook

NAMES = [f"thing {i}" for i in range(160)]


def test_random_changes_fit_into_the_ids_of_one_node():
    book = LabelBook(capacity=254)
    steps = random_script(NAMES, 100, random.Random(3))
    assert len(steps) == 101
    for step in steps:
        book.write(parse_query(step.query).specs)
    assert all(a.at_s < b.at_s for a, b in zip(steps, steps[1:], strict=False))


def test_time_to_the_first_mask_counts_from_the_query_to_the_first_of_its_masks():
    masks = [(1, 5), (1, 9), (2, 30), (2, 40), (4, 90)]
    sent = [(1, 0, True), (2, 10, True), (2, 12, False), (3, 50, True), (4, 60, True)]
    result = SessionResult(
        queries=[
            {"revision": revision, "sent_ns": at * 1_000_000, "accepted": accepted}
            for revision, at, accepted in sent
        ],
        recording={"masks": [{"revision": r, "received_ns": at * 1_000_000} for r, at in masks]},
    )
    assert first_mask_times_ms(result) == [20.0, 30.0]


def test_results_name_machine_command_and_unmet_claims(tmp_path):
    claims = (Claim("speed", "fast", "slow", False), Claim("loss", "none", "none", True))
    result = BenchResult("x", "Title", {"n": 1}, table(("a",), [(2,)]), {"x.svg": "<svg/>"}, claims)
    page = write_result(result, tmp_path / "deep", "ovseg bench x", "tiny").read_text()
    data = json.loads((tmp_path / "deep" / "x.json").read_text())
    assert data["command"] == "ovseg bench x"
    assert {"cpu", "cores", "memory_gb", "onnxruntime"} <= set(data["machine"])
    assert (data["n"], [claim["met"] for claim in data["claims"]]) == (1, [False, True])
    assert "| speed | fast | slow | **no** |" in page
    assert "![chart](x.svg)" in page
    assert (tmp_path / "deep" / "x.svg").read_text() == "<svg/>\n"


@pytest.fixture
def drive(tmp_path):
    return write_drive(tmp_path / "drive", frames=20)


def bench(package, drive, tmp_path, *arguments):
    """Run one benchmark; whether its claims hold depends on how busy the machine is."""
    out = tmp_path / "out"
    code = main(
        ["bench", *arguments, "--bag", str(drive), "--out", str(out), "--package", str(package)]
    )
    data = json.loads((out / f"{arguments[0]}.json").read_text())
    assert code == (0 if all(claim["met"] for claim in data["claims"]) else 1)
    assert (out / f"{arguments[0]}.svg").read_text().startswith("<svg")
    return data


def test_bench_of_labels_times_both_doors_for_every_number(tiny_package, drive, tmp_path):
    data = bench(tiny_package, drive, tmp_path, "labels", "--calls", "1")
    assert [row["labels"] for row in data["rows"]] == [1, 2, 4, 8, 16, 32, 64]
    assert all(value > 0 for row in data["rows"] for value in row.values())


def bench_packages(tmp_path, *arguments):
    """Time packages on 8 labels at most and return what was written down."""
    out = tmp_path / "out"
    assert main(["bench", "packages", "--out", str(out), "--calls", "2", *arguments]) == 0
    return json.loads((out / "packages.json").read_text())


@pytest.mark.openvino
def test_bench_of_packages_times_every_package_on_every_engine(
    tiny_package, drive, tmp_path, monkeypatch
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    copy = shutil.copytree(tiny_package, tmp_path / "copy")
    bag = ["--bag", str(drive)]
    assert main(["check", "--frames", "2", *bag]) == 0
    words = ["--package", str(tiny_package), "--package", str(copy), "--labels", "1", "8"]
    data = bench_packages(tmp_path, *words, *bag, "--engine", "onnxruntime", "--engine", "openvino")
    wanted = [
        f"{package}, {engine} fp32"
        for package in (tiny_package, copy)
        for engine in ("onnxruntime", "openvino")
    ]
    assert [row["contender"] for row in data["rows"]] == wanted * 2
    assert [row["labels"] for row in data["rows"]] == [1] * 4 + [8] * 4
    assert all(row["p95_ms"] >= row["p50_ms"] > 0 for row in data["rows"])
    assert [row["ratio_to_first"] for row in data["rows"]][::4] == [1.0, 1.0]
    assert all(row["agreement_with_first"] > 0.99 for row in data["rows"])
    assert data["peak_rss_mb"].keys() == set(wanted)
    assert all(memory_mb > 50 for memory_mb in data["peak_rss_mb"].values())
    assert data["matrix_product_gflops"] > 0
    assert data["machine"]["cpu"] and "bench" in (tmp_path / "out" / "packages.md").read_text()
    assert (tmp_path / "out" / "packages.svg").read_text().startswith("<svg")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--engine", "abacus"], "there are onnxruntime, openvino"),
        (["--package", "no-such-package"], "no model package"),
        pytest.param(["--engine", "openvino"], "never checked", marks=pytest.mark.openvino),
    ],
)
def test_a_contender_that_cannot_run_ends_the_benchmark(
    drive, tmp_path, capsys, monkeypatch, words, message
):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert main(["bench", "packages", "--out", str(tmp_path), "--bag", str(drive), *words]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.ros
@pytest.mark.slow
def test_bench_of_the_node_accounts_for_every_frame(tiny_package, drive, tmp_path):
    data = bench(tiny_package, drive, tmp_path, "node", "--seconds", "4")
    drops = sum(data[name] for name in ("replaced", "stale", "superseded", "rejected"))
    assert data["sent"] == 60
    assert data["received"] == data["published"] + drops
    assert data["masks_received"] == data["published"] > 0
    assert data["rss_peak_mb"] >= data["rss_last_mb"] > 0
    # Whether masks keep up with the camera depends on how busy the machine is.
    assert [each for each in data["failures"] if "too slow or too busy" not in each] == []


@pytest.mark.ros
@pytest.mark.slow
def test_bench_of_queries_finds_no_foreign_id(tiny_package, drive, tmp_path):
    data = bench(tiny_package, drive, tmp_path, "query", "--changes", "6")
    assert data["ids_of_another_revision"] == 0
    assert data["broken_rules"] == {}
    assert len(data["first_mask_ms"]) == data["answered"] > 0


def test_bench_of_retrieval_finds_every_scene_in_every_library(tiny_package, tmp_path):
    out = tmp_path / "out"
    words = ["--adapters", "10", "300", "--queries", "5", "--package", str(tiny_package)]
    assert main(["bench", "retrieval", "--out", str(out), *words]) == 0
    data = json.loads((out / "retrieval.json").read_text())
    assert [row["adapters"] for row in data["rows"]] == [10, 300]
    assert [row["index_is_mapped"] for row in data["rows"]] == [False, True]
    assert all(row["query_p95_ms"] >= row["query_p50_ms"] > 0 for row in data["rows"])
    assert "| 300 |" in (out / "retrieval.md").read_text()
    assert (out / "retrieval.svg").read_text().startswith("<svg")
