"""The JSON form: what people write by hand must fail at the line and column where it is wrong."""

from __future__ import annotations

import json

import pytest

from matcher import wire
from matcher.domain import ErrorReason, Violation, build_snapshot

GOOD = """{
  "snapshot": {
    "marketId": "porto",
    "atMs": "1700000000000",
    "orders": [
      {"id": "o1", "pickupLatitude": 41.1, "size": 1},
      {"id": "o2", "required_skills": ["frozen", "alcohol"]}
    ],
    "couriers": [{"id": "c1", "mode": "TRAVEL_MODE_FOOT"}]
  },
  "policy": "mdrp"
}
"""


def test_a_request_and_its_json_are_the_same() -> None:
    """Both names of a field, 64-bit numbers as text, enums by name; and back again."""
    data = wire.match_request_from_json(GOOD)
    snapshot, options = wire.decode_match_request(data)
    assert (snapshot.orders.ids, snapshot.couriers.ids, options.policy) == (("o1", "o2"), ("c1",), "mdrp")
    assert wire.match_request_from_json(wire.match_request_to_json(data)) == data


def test_a_bare_snapshot_is_taken_as_one() -> None:
    """`matcher match` also accepts the snapshot alone."""
    bare = json.dumps(json.loads(GOOD)["snapshot"])
    snapshot, options = wire.decode_match_request(wire.match_request_from_json(bare))
    assert (snapshot.market_id, options.policy) == ("porto", "default")


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "words"),
    [
        ('"marketId": "porto",', '"marketId": "porto"', 4, 5, "delimiter"),
        ('"size": 1', '"size": 1.5', 6, 52, '"size": Couldn\'t parse integer: 1.5'),
        ('"size": 1', '"size": "x"', 6, 52, '"size": invalid literal'),
        ('"size": 1', '"sise": 1', 6, 52, 'matcher.v1.Order has no field "sise"'),
        ('"size": 1', '"size": 1, "size": 2', 6, 55, 'the key "size" is there twice'),
        ('"size": 1', '"pickup_latitude": 1', 6, 63, "are the same field"),
        ('"frozen", "alcohol"', '"frozen", 7', 7, 50, '"requiredSkills"'),
        ('"frozen", "alcohol"', '"frozen", null', 7, 50, "null"),
        ('["frozen", "alcohol"]', '"frozen"', 7, 39, "must be a list"),
        ('"TRAVEL_MODE_FOOT"', '"FOOT"', 9, 39, "Invalid enum value FOOT"),
        ('{"id": "c1", "mode": "TRAVEL_MODE_FOOT"}', "12", 9, 18, "object with the fields of matcher.v1.Courier"),
        ('"policy": "mdrp"', '"policy": 3', 11, 13, '"policy"'),
        ('"1700000000000"', '"99999999999999999999"', 4, 13, "out of range"),
    ],
)
def test_a_mistake_is_found_where_it_is(old: str, new: str, line: int, column: int, words: str) -> None:
    """Syntax, unknown fields, wrong types, values that do not fit, duplicate keys."""
    with pytest.raises(wire.InvalidJson) as caught:
        wire.match_request_from_json(GOOD.replace(old, new))
    assert (caught.value.line, caught.value.column) == (line, column), str(caught.value)
    assert words in caught.value.message


@pytest.mark.parametrize("text", ["", "[", "[1]", "3", '"x"', "null", "{" * 100_000, '{"a":' * 100_000])
def test_no_text_breaks_the_reader(text: str) -> None:
    """Whatever is in the file, the answer is a line and a column."""
    with pytest.raises(wire.InvalidJson):
        wire.match_request_from_json(text)


@pytest.mark.parametrize(
    ("path", "line", "column"),
    [
        ("snapshot.orders[1].required_skills[1]", 7, 50),
        ("snapshot.orders[0].pickup_latitude", 6, 38),
        ("snapshot.orders[1].pickup_latitude", 7, 7),
        ("snapshot.couriers[0].route[3].kind", 9, 18),
        ("snapshot.frame", 2, 15),
        ("policy", 11, 13),
        ("effort.rung", 1, 1),
    ],
)
def test_violations_are_found_in_the_text(path: str, line: int, column: int) -> None:
    """What decoding finds later is reported at the field, or at what encloses the missing field."""
    violation = Violation(path, "is wrong", ErrorReason.OUT_OF_RANGE)
    assert wire.locate_violation(GOOD, violation) == (line, column)


def test_an_empty_market_has_a_json_form() -> None:
    """The smallest request there is."""
    data = wire.encode_match_request(build_snapshot("p", 5, [], []))
    assert wire.match_request_from_json(wire.match_request_to_json(data)) == data
