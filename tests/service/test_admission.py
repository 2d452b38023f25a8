"""Who is let in, who goes first, who is dropped: the workers and their limit, without a socket."""

from __future__ import annotations

import asyncio
import itertools
import random
import threading
import time

import pytest

from matcher.domain import CancelToken, ErrorReason
from matcher.service.admission import Claim, Workers
from matcher.service.margin import DecayedQuantile, ReplyMargins
from matcher.service.queue_limit import QueueLimit
from matcher.service.refused import Refused


class Held:
    """One worker thread that is kept busy until `release`."""

    def __init__(self, workers: Workers) -> None:
        self.release, self._entered = threading.Event(), threading.Event()
        self.call = asyncio.ensure_future(workers.run(self._work, seconds=30))

    def _work(self) -> None:
        self._entered.set()
        assert self.release.wait(30)

    async def entered(self) -> None:
        """Once the thread is busy."""
        await asyncio.get_running_loop().run_in_executor(None, self._entered.wait, 30)


async def test_lower_numbers_go_first() -> None:
    """Waiting calls are begun by priority, and in the order of arrival within one."""
    workers = Workers(1, 10)
    held = Held(workers)
    await held.entered()
    begun: list[str] = []
    waiting = [
        asyncio.ensure_future(
            workers.run(lambda name=name: begun.append(name), seconds=30, claim=Claim(name, priority))
        )
        for name, priority in (("late", 5), ("a", 1), ("b", 1), ("first", -1))
    ]
    await asyncio.sleep(0)
    held.release.set()
    await asyncio.gather(held.call, *waiting)
    assert begun == ["first", "a", "b", "late"]
    workers.close()


async def test_a_full_queue_makes_room_for_what_is_more_urgent() -> None:
    """The call that came last among the least urgent is told RESOURCE_EXHAUSTED; an equal one does not displace it."""
    workers = Workers(1, 2)
    held = Held(workers)
    await held.entered()
    begun: list[str] = []

    def call(name: str, priority: int) -> asyncio.Future[None]:
        return asyncio.ensure_future(workers.run(lambda: begun.append(name), seconds=30, claim=Claim(name, priority)))

    early, late = call("early", 1), call("late", 1)
    await asyncio.sleep(0)
    with pytest.raises(Refused) as caught:
        await call("equal", 1)
    assert caught.value.refusal.reason is ErrorReason.OVERLOADED
    urgent = call("urgent", 0)
    with pytest.raises(Refused) as caught:
        await late
    assert caught.value.refusal.reason is ErrorReason.OVERLOADED
    assert caught.value.refusal.retry_after_ms
    held.release.set()
    await asyncio.gather(held.call, early, urgent)
    assert begun == ["urgent", "early"]
    assert (workers.turns.refused["late"], workers.turns.refused["equal"], workers.admitted) == (1, 1, 0)
    workers.close()


async def test_a_method_has_its_share_only() -> None:
    """One method cannot take the places of all others."""
    workers = Workers(1, 3)
    held = Held(workers)
    await held.entered()
    greedy = Claim("greedy", share=0.5)
    waiting = [asyncio.ensure_future(workers.run(lambda: None, seconds=30, claim=greedy)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Refused, match="2 calls of this method"):
        await workers.run(lambda: None, seconds=30, claim=greedy)
    other = asyncio.ensure_future(workers.run(lambda: None, seconds=30, claim=Claim("other")))
    await asyncio.sleep(0)
    held.release.set()
    await asyncio.gather(held.call, other, *waiting)
    workers.close()


async def test_what_nobody_waits_for_is_not_begun() -> None:
    """A call that expired or was cancelled in the queue gives its place back at once and is never worked on."""
    workers = Workers(1, 10)
    held = Held(workers)
    await held.entered()
    begun: list[str] = []
    expired = asyncio.ensure_future(workers.run(lambda: begun.append("expired"), seconds=0.02))
    gone = asyncio.ensure_future(workers.run(lambda: begun.append("gone"), seconds=30, claim=Claim("gone")))
    await asyncio.sleep(0)
    assert workers.admitted == 3
    gone.cancel()
    with pytest.raises(Refused) as caught:
        await expired
    assert caught.value.refusal.reason is ErrorReason.DEADLINE
    assert workers.admitted == 1
    assert workers.turns.dropped["gone"] == 1
    held.release.set()
    await held.call
    await workers.run(lambda: None, seconds=30)
    assert begun == []
    workers.close()


@pytest.mark.parametrize("end", ["cancelled", "expired"])
async def test_begun_work_is_told_to_stop(end: str) -> None:
    """Its token is raised; its place is free once it has really ended."""
    workers, token = Workers(1, 10), CancelToken()
    begun, stopped = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        while not token.cancelled:
            time.sleep(0.001)
        stopped.set()

    call = asyncio.ensure_future(workers.run(work, seconds=30 if end == "cancelled" else 0.05, cancel=token))
    await asyncio.get_running_loop().run_in_executor(None, begun.wait, 30)
    if end == "cancelled":
        call.cancel()
    with pytest.raises(asyncio.CancelledError if end == "cancelled" else Refused):
        await call
    assert await asyncio.get_running_loop().run_in_executor(None, stopped.wait, 30)
    await workers.run(lambda: None, seconds=30)
    assert workers.admitted == 0
    workers.close()


async def test_work_cut_short_does_not_make_calls_look_quick() -> None:
    """Otherwise a storm of short deadlines lets in ever more calls, of which none is finished in time."""
    workers = Workers(1, 10)

    async def expected() -> float:
        held = Held(workers)
        await held.entered()
        seconds = workers.expected_wait()
        held.release.set()
        await held.call
        return seconds

    for _ in range(5):
        await workers.run(lambda: time.sleep(0.05), seconds=30)
    before = await expected()
    for _ in range(30):
        token = CancelToken()
        await workers.run(token.cancel, seconds=30, cancel=token)
    assert await expected() > before / 2
    workers.close()


def test_a_standing_queue_shortens_the_limit_and_an_idle_one_lets_it_grow_again() -> None:
    """Bursts may wait; a queue in which everybody waits is too long."""
    limit = QueueLimit(2, 66, 0.025, 0.0)
    now = 0.0
    for _ in range(100):  # everybody waits 100 ms
        now += 0.02
        limit.begun(0.1, 0.02, now)
    assert limit.calls < 20
    shortened = limit.calls
    for number in range(100):  # a burst: some wait, not all
        now += 0.02
        limit.reached = True
        limit.begun(0.1 if number % 3 else 0.0, 0.02, now)
    assert shortened < limit.calls <= 66
    grown, limit.reached = limit.calls, False
    for _ in range(50):  # nobody met the limit: no reason to raise it
        now += 0.02
        limit.begun(0.0, 0.02, now)
    assert limit.calls == grown
    for _ in range(1000):  # calls of 0.2 s wait 0.1 s behind each other: that is no standing queue
        now += 0.02
        limit.reached = True
        limit.begun(0.1, 0.2, now)
    assert limit.calls == 66


def test_the_limit_never_leaves_a_thread_without_work() -> None:
    """Whatever the waits, each thread can have a call and one more may wait."""
    limit = QueueLimit(4, 68, 0.025, 0.0)
    for tick in range(1, 1000):
        limit.begun(9.0, 0.001, tick * 0.2)
    assert limit.calls == 5


def test_a_step_of_load_is_met_before_the_limit_has_followed() -> None:
    """Nobody is let in who would wait for longer than so many calls take, or than the target where that is more."""
    limit = QueueLimit(2, 66, 0.025, 0.0, longest=2.0)
    assert limit.most_calls(0.0) == 66  # nothing is known yet
    assert limit.most_calls(0.025) == 6
    assert limit.most_calls(0.250) == 6
    assert limit.most_calls(0.005) == 12  # ten of 5 ms in two threads: the target
    assert limit.most_calls(0.0001) == 66
    assert QueueLimit(4, 68, 0.0, 0.0, longest=0.0).most_calls(0.1) == 5  # one may wait in any case


async def test_those_refused_come_back_one_after_another() -> None:
    """A burst that came back at once would be refused at once; each is told when there will be room for it, and nobody
    is sent away for long."""
    workers = Workers(1, 100, longest=2.0)
    for _ in range(60):  # the mean of their times has settled
        await workers.run(lambda: time.sleep(0.03), seconds=30)
    held = Held(workers)
    await held.entered()
    calls = [asyncio.ensure_future(workers.run(lambda: None, seconds=30)) for _ in range(200)]
    await asyncio.sleep(0)
    told: list[int] = []
    for call in calls:
        if call.done():
            error = call.exception()
            assert isinstance(error, Refused)
            assert error.refusal.retry_after_ms is not None
            told.append(error.refusal.retry_after_ms)
    assert len(told) == 200 - 2, "one is worked on, and two may wait for it"
    first = told[: told.index(max(told))]
    assert all(later - earlier >= 25 for earlier, later in itertools.pairwise(first))
    assert first[0] >= 60
    assert max(told) <= 2_000
    held.release.set()
    await asyncio.gather(held.call, *calls, return_exceptions=True)
    workers.close()


def test_the_quantile_follows_what_it_measures() -> None:
    """Within a bucket of the true quantile, and the past is forgotten; before a hundred values it says nothing."""
    rng, quantile = random.Random(1), DecayedQuantile(0.99, half_life=200)
    for number in range(5_000):
        assert (quantile.seconds() is None) == (number < 100)
        quantile.add(rng.expovariate(1 / 0.001))
    found = quantile.seconds()
    assert found is not None
    assert 0.0035 < found < 0.0065  # -ln(0.01) ms = 4.6 ms
    for _ in range(4_000):
        quantile.add(0.0001)
    found = quantile.seconds()
    assert found is not None
    assert 0.0001 <= found < 0.00013
    for _ in range(400_000):  # weights must not run out of range
        quantile.add(0.002)
    assert quantile.seconds() == pytest.approx(0.002, rel=0.2)


def test_margins_are_measured_per_method() -> None:
    """The configured margin holds until enough replies were seen, then what nearly all of them took and a little."""
    margins = ReplyMargins(first=0.01, least=0.003)
    assert margins.of("slow") == 0.01
    for _ in range(200):
        margins.replied("slow", 0.02)
        margins.replied("fast", 0.0002)
    assert 0.023 <= margins.of("slow") < 0.028
    assert 0.0032 <= margins.of("fast") < 0.0034
    assert margins.of("other") == 0.01


def test_callers_are_told_so_much_earlier_as_telling_them_is_late() -> None:
    """However late that is, most of a short time is left for an answer."""
    margins = ReplyMargins(first=0.01, least=0.003)
    assert margins.give_up(1.0) == 0.003
    for _ in range(100):
        margins.late(0.005)
    for _ in range(100):
        margins.told(due=10.0, now=10.005)
    assert 0.008 <= margins.give_up(1.0) < 0.01
    assert margins.give_up(0.018) == pytest.approx(0.006)
    assert margins.give_up(0.004) == 0.003


def test_callers_who_did_not_hear_in_time_are_told_earlier_until_they_do() -> None:
    """What passes between a caller and us is measured by nobody: a caller whose library was quicker shows it. Here it
    is 20 ms, ten times what the event loop is late."""
    margins = ReplyMargins(first=0.01, least=0.003)
    missed = 0
    for _ in range(2_000):
        margins.late(0.002)
        give_up = margins.give_up(1.0)
        if give_up < 0.02:
            missed += 1
            margins.missed(give_up)
    assert 0.02 <= margins.give_up(1.0) < 0.03
    assert missed < 100


def test_lag_is_measured_where_callers_wait_for_it() -> None:
    """A busy event loop hands results on late: that is what the time before a deadline is for."""
    late: list[float] = []

    async def main() -> None:
        workers = Workers(1, 4)
        workers.on_lag = late.append
        done = asyncio.ensure_future(workers.run(lambda: 7, seconds=30))
        await asyncio.sleep(0)  # it is admitted
        time.sleep(0.05)  # the loop does not turn
        assert await done == 7
        with pytest.raises(Refused):
            await workers.run(lambda: time.sleep(0.1), seconds=0.01)
        workers.close()

    asyncio.run(main())
    assert late[0] > 0.01
    assert len(late) >= 2
    assert min(late) >= 0


def test_a_call_that_would_have_too_little_time_is_refused_at_once() -> None:
    """It would wait, be begun, and be told at its deadline that there is no answer; so it can still ask elsewhere."""

    async def main() -> None:
        workers = Workers(1, 100)
        for _ in range(40):
            await workers.run(lambda: time.sleep(0.02), seconds=30)
        alone = workers.expected_wait()
        assert alone == 0
        release = threading.Event()
        first = asyncio.ensure_future(workers.run(lambda: release.wait(30), seconds=30))
        await asyncio.sleep(0)
        wait = workers.expected_wait()
        assert wait > 0.015
        with pytest.raises(Refused) as refused:
            await workers.run(lambda: None, seconds=1.25 * wait)  # enough to wait, too little to work
        assert refused.value.refusal.reason is ErrorReason.OVERLOADED
        second = asyncio.ensure_future(workers.run(lambda: 2, seconds=30))
        await asyncio.sleep(0)
        release.set()
        await first
        assert await second == 2
        workers.close()

    asyncio.run(main())
