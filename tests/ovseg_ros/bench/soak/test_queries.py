"""The queries of a soak are refused, or not, as the soak believes."""

import random

from ovseg_ros.bench.soak.queries import draw_query
from ovseg_ros.errors import QueryError
from ovseg_ros.query import parse_query
from ovseg_ros.vocabulary import LabelBook

NAMES = [f"thing {i}" for i in range(120)]


def test_what_must_be_refused_is_refused_and_all_else_fits_into_the_ids_of_one_node():
    book, source = LabelBook(capacity=254), random.Random(0)
    seen = set()
    for _ in range(3000):
        query = draw_query(NAMES, source)
        seen.add(query.refused)
        try:
            parsed = parse_query(query.text)
            book.write(parsed.specs, parsed.templates)
            refused = False
        except QueryError:
            refused = True
        assert refused is query.refused, query.text[:80]
    assert seen == {True, False}
