"""Held back, handed on together, and counted where that fails."""

from __future__ import annotations

import io
import threading

import orjson

from matcher.app.batches import Batches
from matcher.app.log_lines import LogLines


def test_all_arrive_in_their_order() -> None:
    """In batches no larger than asked for, and also those that wait when it ends."""
    arrived: list[list[int]] = []
    batches = Batches[int]("test", arrived.append, seconds=0.001, most=7, capacity=10_000)
    for number in range(1_000):
        batches.add(number)
    assert batches.close()
    assert [number for batch in arrived for number in batch] == list(range(1_000))
    assert max(map(len, arrived)) <= 7
    assert batches.lost == 0


def test_what_has_no_room_is_lost_and_counted() -> None:
    """Nobody who adds waits for a receiver that does not come back."""
    entered, release, arrived = threading.Event(), threading.Event(), list[int]()

    def slow(batch: list[int]) -> None:
        entered.set()
        assert release.wait(30)
        arrived.extend(batch)

    batches = Batches[int]("test", slow, seconds=0.001, most=1, capacity=3)
    batches.add(0)
    assert entered.wait(30)
    for number in range(1, 11):
        batches.add(number)
    assert batches.lost == 7
    release.set()
    assert batches.close()
    batches.add(11)
    assert (arrived, batches.lost) == ([0, 1, 2, 3], 8)


def test_what_comes_while_others_are_sent_waits_for_its_own_batch() -> None:
    """A busy server sent spans in twos and threes: the next ones were there as soon as the last had gone."""
    first, arrived = threading.Event(), list[list[int]]()

    def busy(batch: list[int]) -> None:
        if batch[0] == 0:
            batches.add(3)
        arrived.append(batch)
        first.set()

    batches = Batches[int]("test", busy, seconds=60, most=3, capacity=100)
    for number in range(3):
        batches.add(number)
    assert first.wait(30)
    for number in (4, 5):
        batches.add(number)
    assert batches.close()
    assert arrived == [[0, 1, 2], [3, 4, 5]]


def test_a_receiver_that_refuses_costs_its_batch_only() -> None:
    """The next batch is tried again."""
    arrived: list[int] = []

    def moody(batch: list[int]) -> None:
        if batch == [1]:
            raise ConnectionError("not now")
        arrived.extend(batch)

    batches = Batches[int]("test", moody, seconds=60, most=1, capacity=100)
    for number in range(3):
        batches.add(number)
    assert batches.close()
    assert (arrived, batches.lost) == ([0, 2], 1)


def test_log_lines_that_cannot_be_sent_are_written_all_the_same() -> None:
    """A collector that is away is no reason to be silent."""
    stream = io.BytesIO()

    def away(_: object) -> None:
        raise ConnectionError("away")

    lines = LogLines(stream, at_once=False, send=away)
    for number in range(5):
        lines.add({"event": "call", "number": number})
    lines.close()
    written = [orjson.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["number"] for line in written] == list(range(5))
    assert all(line["timestamp"].endswith("Z") for line in written)
    assert lines.lost == {"log": 0, "otlp": 5}
