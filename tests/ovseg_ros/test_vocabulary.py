"""Labels, ids and revisions: ids never change meaning, and a refusal changes nothing."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from ovseg_ros.errors import QueryError
from ovseg_ros.query import parse_query
from ovseg_ros.vocabulary import IdSpace, LabelBook, LabelSpec, Vocabulary, color_of


def ids_of(vocabulary: Vocabulary) -> dict[str, int]:
    return {label.name: label.id for label in vocabulary.labels}


def write(book: LabelBook, text: str) -> Vocabulary:
    return book.write(parse_query(text).specs)


def test_ids_start_at_one_and_negatives_have_none() -> None:
    assert ids_of(write(LabelBook(254), "car; !sky; road")) == {"car": 1, "sky": 0, "road": 2}


def test_an_id_stays_with_its_name_and_is_never_given_again() -> None:
    book = LabelBook(254)
    write(book, "car; person")
    assert ids_of(write(book, "road; Person")) == {"road": 3, "Person": 2}
    assert ids_of(write(book, "bus; car")) == {"bus": 4, "car": 1}


def test_a_negative_gets_its_old_id_back_when_it_is_asked_for_again() -> None:
    book = LabelBook(254)
    write(book, "sky; car")
    write(book, "!sky; car")
    assert ids_of(write(book, "car; sky")) == {"car": 2, "sky": 1}


def test_revisions_count_up_and_a_refusal_uses_none() -> None:
    book = LabelBook(254)
    assert write(book, "car").revision == 1
    with pytest.raises(QueryError):
        write(book, "bus; bus")
    again = write(book, "road")
    assert again.revision == 2
    assert ids_of(again) == {"road": 2}


@pytest.mark.parametrize(
    ("specs", "words"),
    [
        ([], "no labels"),
        ([LabelSpec(f"label {i}") for i in range(10_000)], "10000 labels .* at most 254"),
        ([LabelSpec("x" * 100_000)], "100000 characters"),
        ([LabelSpec("car"), LabelSpec("CAR ")], "two labels"),
        ([LabelSpec("car"), LabelSpec("auto", ("car",))], "two labels"),
        ([LabelSpec("a\x00b")], r"control character U\+0000"),
        ([LabelSpec("   ")], "empty"),
        ([LabelSpec("car", threshold=1.5)], "from 0 to 1"),
        ([LabelSpec("car", threshold=float("nan"))], "from 0 to 1"),
        ([LabelSpec("sky", negative=True)], "add one to publish"),
        ([LabelSpec("sky", negative=True, pinned_id=3), LabelSpec("car")], "cannot have an id"),
        ([LabelSpec("car", pinned_id=255)], "not evaluated"),
        ([LabelSpec("car", pinned_id=300)], "from 1 to 254"),
        ([LabelSpec("car", pinned_id=4), LabelSpec("bus", pinned_id=4)], "belongs to"),
        ([LabelSpec("car", synonyms=tuple(map(str, range(99))))], "99 synonyms"),
    ],
)
def test_specs_that_are_refused(specs: list[LabelSpec], words: str) -> None:
    book = LabelBook(254)
    with pytest.raises(QueryError, match=words):
        book.write(specs)
    assert ids_of(write(book, "first")) == {"first": 1}


def test_a_pinned_id_is_kept_for_its_label_only() -> None:
    book = LabelBook(254)
    vocabulary = book.write([LabelSpec("bus"), LabelSpec("car", pinned_id=1)])
    assert ids_of(vocabulary) == {"bus": 2, "car": 1}
    with pytest.raises(QueryError, match="belongs to 'car'"):
        book.write([LabelSpec("road", pinned_id=1)])
    with pytest.raises(QueryError, match="has had id 2"):
        book.write([LabelSpec("bus", pinned_id=9)])


@pytest.mark.parametrize(("space", "fits"), [(IdSpace.MONO8, False), (IdSpace.MONO16, True)])
def test_ids_run_out_in_mono8_only(space: IdSpace, fits: bool) -> None:
    book = LabelBook(200, space)
    book.write([LabelSpec(f"a{i}") for i in range(200)])
    more = [LabelSpec(f"b{i}") for i in range(100)]
    if fits:
        ids = set(ids_of(book.write(more)).values())
        assert max(ids) == 301
        assert 255 not in ids
    else:
        with pytest.raises(QueryError, match="mono16"):
            book.write(more)


@pytest.mark.parametrize("name", ["дорога", "道路", "😀", "café", "road-sign 7"])
def test_names_of_any_script_are_taken(name: str) -> None:
    assert write(LabelBook(254), name).labels[0].name == name


@pytest.mark.parametrize(
    ("template", "words"), [("a photo", "exactly once"), ("{} {}", "exactly once")]
)
def test_templates_that_are_refused(template: str, words: str) -> None:
    with pytest.raises(QueryError, match=words):
        LabelBook(254).write([LabelSpec("car")], [template])


def test_colors_are_the_same_in_every_process() -> None:
    program = "from ovseg_ros.vocabulary import color_of; print(*color_of('Car'))"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert tuple(map(int, printed.stdout.split())) == color_of("car")
    assert color_of("car") != color_of("road")


def test_writing_from_many_threads_gives_every_revision_once() -> None:
    book, revisions = LabelBook(254), []

    def work(worker: int) -> None:
        for turn in range(50):
            revisions.append(write(book, f"label {worker * 31 + turn % 31}").revision)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(revisions) == list(range(1, 201))
