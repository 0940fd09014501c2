"""Fetching from a real server on the loopback, from mirrors and from local files."""

import fcntl
import hashlib
import json
import random

import pytest
from file_server import serving

from ovseg_ros.errors import OvsegError, WeightsError
from ovseg_ros.weights.fetch import Proof, fetch, fetched_file, weights_folder
from ovseg_ros.weights.recipe import Recipe

CONTENT = random.Random(0).randbytes(300_000)
SIZE_BYTES = len(CONTENT)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
OTHER_SHA256 = hashlib.sha256(b"other").hexdigest()
FILE = "model_base.pth"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch, tmp_path):
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def server():
    with serving({f"/{FILE}": CONTENT}) as running:
        yield running


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "weights" / "base"


def recipe(*urls, sha256=SHA256, size_bytes=SIZE_BYTES):
    return Recipe(
        name="base",
        summary="a model",
        page="a page",
        paper="a paper",
        file=FILE,
        urls=urls,
        size_bytes=size_bytes,
        sha256=sha256,
        license="MIT",
        license_text="as is",
    )


def nothing(done, total):
    """Shows no progress."""


def names(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_a_download_is_whole_proven_and_recorded(server, folder):
    seen = []
    fetched = fetch(recipe(f"{server.url}/{FILE}"), folder, lambda *at: seen.append(at))
    assert fetched.path.read_bytes() == CONTENT
    assert (fetched.sha256, fetched.proof) == (SHA256, Proof.RECIPE)
    assert names(folder) == [FILE, f"{FILE}.json"]
    record = json.loads((folder / f"{FILE}.json").read_text())
    assert record["sha256"] == SHA256
    assert record["source"] == f"{server.url}/{FILE}"
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_what_is_there_already_is_not_downloaded_again(server, folder):
    wanted = recipe(f"{server.url}/{FILE}")
    fetch(wanted, folder, nothing)
    assert fetch(wanted, folder, nothing).source == "already there"
    assert len(server.requests) == 1


def test_a_cut_connection_is_taken_up_where_it_broke(server, folder):
    server.cuts = [100_000, 50_000]
    assert fetch(recipe(f"{server.url}/{FILE}"), folder, nothing).path.read_bytes() == CONTENT
    assert [asked for _, asked in server.requests] == [None, "bytes=100000-", "bytes=150000-"]


def test_a_later_call_goes_on_where_an_earlier_one_gave_up(server, folder):
    server.cuts = [100_000, 0, 0, 0]
    wanted = recipe(f"{server.url}/{FILE}")
    with pytest.raises(WeightsError, match="cut after 100,000 of 300,000 bytes") as refusal:
        fetch(wanted, folder, nothing)
    assert "100,000 bytes are kept" in str(refusal.value)
    assert names(folder) == [f"{FILE}.part"]
    assert fetch(wanted, folder, nothing).path.read_bytes() == CONTENT
    assert server.requests[-1] == (f"/{FILE}", "bytes=100000-")


def test_a_server_without_ranges_begins_again(server, folder):
    server.ranges, server.cuts = False, [100_000]
    assert fetch(recipe(f"{server.url}/{FILE}"), folder, nothing).path.read_bytes() == CONTENT


def test_a_server_that_tells_no_length_is_checked_by_the_hash(server, folder):
    server.lengths, server.cuts = False, [100_000]
    wanted = recipe(f"{server.url}/{FILE}")
    with pytest.raises(WeightsError, match="found 100,000 bytes"):
        fetch(wanted, folder, nothing)
    assert fetch(wanted, folder, nothing).path.read_bytes() == CONTENT


@pytest.mark.parametrize("excess", [0, 10])
def test_a_finished_or_overlong_part_is_no_obstacle(server, folder, excess):
    folder.mkdir(parents=True)
    (folder / f"{FILE}.part").write_bytes(CONTENT + bytes(excess))
    assert fetch(recipe(f"{server.url}/{FILE}"), folder, nothing).path.read_bytes() == CONTENT
    assert len(server.requests) == (1 if excess else 0)


def test_a_part_longer_than_the_file_begins_again_where_the_size_is_unknown(server, folder):
    folder.mkdir(parents=True)
    (folder / f"{FILE}.part").write_bytes(bytes(len(CONTENT) + 1))
    wanted = recipe(f"{server.url}/{FILE}", size_bytes=None)
    assert fetch(wanted, folder, nothing).path.read_bytes() == CONTENT


def test_wrong_bytes_leave_nothing_under_any_name(server, folder):
    server.files[f"/{FILE}"] = bytes(len(CONTENT))
    with pytest.raises(WeightsError, match=f"wanted 300,000 bytes with SHA-256 {SHA256}"):
        fetch(recipe(f"{server.url}/{FILE}"), folder, nothing)
    assert names(folder) == []


def test_a_stale_part_ends_in_a_refusal_and_the_next_call_succeeds(server, folder):
    folder.mkdir(parents=True)
    (folder / f"{FILE}.part").write_bytes(bytes(1000))
    wanted = recipe(f"{server.url}/{FILE}")
    with pytest.raises(WeightsError, match="nothing was kept"):
        fetch(wanted, folder, nothing)
    assert fetch(wanted, folder, nothing).path.read_bytes() == CONTENT


def test_another_size_is_refused_before_the_bytes_flow(server, folder):
    server.files[f"/{FILE}"] = b"<html>please log in</html>"
    with pytest.raises(WeightsError, match=r"offers 26 bytes where the file has 300,000"):
        fetch(recipe(f"{server.url}/{FILE}"), folder, nothing)
    assert names(folder) == []


def test_the_second_address_is_tried_and_every_reason_is_told(server, folder):
    wanted = recipe(f"{server.url}/moved.pth", f"{server.url}/{FILE}")
    assert fetch(wanted, folder, nothing).source == f"{server.url}/{FILE}"
    (folder / FILE).unlink()
    del server.files[f"/{FILE}"]
    with pytest.raises(WeightsError) as refusal:
        fetch(wanted, folder, nothing)
    assert str(refusal.value).count("404") == 2


def test_without_network_it_says_which_file_to_bring_and_where_it_goes(server, tmp_path):
    closed = recipe("http://127.0.0.1:9/model_base.pth")
    folder = weights_folder(closed)
    with pytest.raises(WeightsError) as refusal:
        fetch(closed, folder, nothing)
    text = str(refusal.value)
    assert "cannot be reached" in text
    assert "ovseg fetch base --from FILE\n" in text
    assert SHA256 in text
    assert str(tmp_path / "cache" / "ovseg_ros" / "weights" / "base" / FILE) in text
    assert names(folder) == []


def test_a_recipe_without_an_address_asks_for_the_file(folder):
    with pytest.raises(WeightsError, match="ovseg fetch base --from FILE --to"):
        fetch(recipe(), folder, nothing)
    assert names(folder) == []


@pytest.mark.parametrize("place", [FILE, f"base/{FILE}"])
@pytest.mark.parametrize("kind", ["file", "folder", "address of a file", "address of a folder"])
def test_mirrors(server, tmp_path, folder, place, kind):
    mirror = tmp_path / "mirror"
    (mirror / place).parent.mkdir(parents=True)
    (mirror / place).write_bytes(CONTENT)
    server.files = {f"/mirror/{place}": CONTENT}
    source = {
        "file": str(mirror / place),
        "folder": str(mirror),
        "address of a file": f"{server.url}/mirror/{place}",
        "address of a folder": f"{server.url}/mirror/",
    }[kind]
    fetched = fetch(recipe("http://127.0.0.1:9/x"), folder, nothing, source=source)
    assert fetched.path.read_bytes() == CONTENT
    assert fetched.source.endswith(place)
    assert names(folder) == [FILE, f"{FILE}.json"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("empty", "has no 'model_base.pth'"),
        ("missing", "neither a file nor a folder"),
        ("ftp://host/model_base.pth", "addresses are http"),
        ("wrong.pth", "nothing was kept"),
    ],
)
def test_unusable_sources_are_refused_and_leave_nothing(tmp_path, folder, source, message):
    (tmp_path / "empty").mkdir()
    (tmp_path / "wrong.pth").write_bytes(b"wrong")
    given = source if "://" in source else str(tmp_path / source)
    with pytest.raises(WeightsError, match=message):
        fetch(recipe(), folder, nothing, source=given)
    assert names(folder) == []


def test_the_first_file_without_a_published_hash_is_trusted_and_later_ones_compared(server, folder):
    unproven = recipe(f"{server.url}/{FILE}", sha256=None, size_bytes=None)
    assert fetch(unproven, folder, nothing).proof is Proof.FIRST_USE
    (folder / FILE).unlink()
    assert fetch(unproven, folder, nothing).proof is Proof.RECORDED
    (folder / FILE).unlink()
    server.files[f"/{FILE}"] = b"something else"
    with pytest.raises(WeightsError, match=SHA256):
        fetch(unproven, folder, nothing)
    assert names(folder) == [f"{FILE}.json"]


def test_without_a_hash_the_size_still_counts(tmp_path, folder):
    (tmp_path / "other.pth").write_bytes(b"other")
    with pytest.raises(WeightsError, match="found 5 bytes"):
        fetch(recipe(sha256=None), folder, nothing, source=str(tmp_path / "other.pth"))
    assert names(folder) == []


def test_pieces_that_no_hash_proves_are_not_joined(server, folder):
    server.cuts = [100_000]
    unproven = recipe(f"{server.url}/{FILE}", sha256=None)
    with pytest.raises(WeightsError, match="could not be downloaded"):
        fetch(unproven, folder, nothing)
    assert names(folder) == []
    assert fetch(unproven, folder, nothing).path.read_bytes() == CONTENT
    assert [asked for _, asked in server.requests] == [None, None]


@pytest.mark.parametrize(
    ("published", "given", "outcome"),
    [
        (None, SHA256, Proof.USER),
        (SHA256, SHA256, Proof.RECIPE),
        (None, OTHER_SHA256, "nothing was kept"),
        (SHA256, OTHER_SHA256, "contradicts the recipe"),
        (None, "abc", "64 hexadecimal digits"),
    ],
)
def test_a_hash_given_by_the_user(server, folder, published, given, outcome):
    wanted = recipe(f"{server.url}/{FILE}", sha256=published)
    if isinstance(outcome, Proof):
        assert fetch(wanted, folder, nothing, sha256=given).proof is outcome
        return
    with pytest.raises(WeightsError, match=outcome):
        fetch(wanted, folder, nothing, sha256=given)
    assert FILE not in names(folder)


def test_an_altered_file_is_refused_and_not_overwritten(server, folder):
    wanted = recipe(f"{server.url}/{FILE}")
    fetch(wanted, folder, nothing).path.write_bytes(b"altered")
    with pytest.raises(WeightsError, match="move it away"):
        fetch(wanted, folder, nothing)
    assert (folder / FILE).read_bytes() == b"altered"


def test_too_little_room_is_said_before_the_download(server, folder):
    huge = recipe(f"{server.url}/{FILE}", size_bytes=10**18)
    with pytest.raises(WeightsError, match="MB free where"):
        fetch(huge, folder, nothing)
    assert not server.requests


def test_a_folder_that_cannot_be_made_is_named(server, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OvsegError, match="file/base"):
        fetch(recipe(f"{server.url}/{FILE}"), tmp_path / "file" / "base", nothing)


def test_two_processes_do_not_write_one_part(server, folder):
    folder.mkdir(parents=True)
    with (folder / f"{FILE}.part").open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(WeightsError, match="another process"):
            fetch(recipe(f"{server.url}/{FILE}"), folder, nothing)


def test_fetched_file_names_the_command_until_the_file_is_there(server):
    wanted = recipe(f"{server.url}/{FILE}")
    with pytest.raises(WeightsError, match="ovseg fetch base"):
        fetched_file(wanted)
    fetch(wanted, weights_folder(wanted), nothing)
    assert fetched_file(wanted).read_bytes() == CONTENT
