"""The native decoder of SolveRequests against the reference: it may refer a request, never read it otherwise."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from google.protobuf.descriptor import FieldDescriptor
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.wire.test_native_decoder import KINDS, SEEDS, mutated

from matcher import wire
from matcher.domain import ErrorReason, InvalidRequest, Provenance, Rung
from matcher.kernels import solve_request
from matcher.v1 import assignment_service_pb2 as pb
from matcher.wire.assignment import decode_solve_by_reference

CELLS, SIDE = 40, 12


def natively(data: bytes) -> solve_request.DecodedSolve | None:
    return solve_request.decode_solve_request(data, max_cells=CELLS, max_side=SIDE)


def hold_to_reference(data: bytes) -> bool:
    """Whether the native decoder vouched for these bytes; a failure when it should not have."""
    if natively(data) is None:
        return False
    same(wire.decode_solve_request(data, CELLS, SIDE), decode_solve_by_reference(data, CELLS, SIDE))
    return True


def same(a: wire.SolveProblem, b: wire.SolveProblem) -> None:
    for name in wire.SolveProblem.__slots__:
        one, other = getattr(a, name), getattr(b, name)
        if isinstance(one, np.ndarray):
            assert (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes()), name
            assert one.flags.writeable
        else:
            assert (type(one), one) == (type(other), other), name
    assert a.digest == b.digest


def varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def scattered(numbers: list[Any], field: int, kind: str, rng: random.Random) -> bytes:
    """A repeated field as any writer may send it: packed or not, in several pieces."""
    out = b""
    while numbers:
        some, numbers = numbers[: (cut := rng.randint(1, len(numbers)))], numbers[cut:]
        each = [np.float64(x).tobytes() if kind == "double" else varint(x % (1 << 64)) for x in some]
        if rng.random() < 0.5:
            out += varint(field << 3 | 2) + varint(len(b"".join(each))) + b"".join(each)
        else:
            out += b"".join(varint(field << 3 | (1 if kind == "double" else 0)) + one for one in each)
    return out


costs = st.one_of(
    st.floats(-1e6, 1e6),
    st.sampled_from([0.0, -0.0, np.inf, 5e-324, 1e300, -1e300]),
    st.sampled_from([np.nan, -np.inf]),
)
sides = st.integers(-1, 7)


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """Requests good and bad, their fields in any order, repeated numbers in any form, unknown fields among them."""
    rng = random.Random(draw(st.integers(0, 1 << 30)))
    rows, cols = draw(sides), draw(sides)
    cells = max(rows, 0) * max(cols, 0)
    if draw(st.booleans()):
        given = draw(st.lists(costs, min_size=cells, max_size=cells + draw(st.integers(0, 1))))
        parts, field = [scattered(given, 3, "double", rng)], 1
    else:
        count = draw(st.integers(0, 9))
        length = [count, count, count + (draw(st.integers(0, 20)) == 0)]
        row, col = (draw(st.lists(st.integers(-1, 6), min_size=size, max_size=size)) for size in length[:2])
        cost = draw(st.lists(costs, min_size=length[2], max_size=length[2]))
        parts = [scattered(row, 3, "", rng), scattered(col, 4, "", rng), scattered(cost, 5, "double", rng)]
        field = 2
    parts += [varint(8) + varint(rows % (1 << 64)), varint(16) + varint(cols % (1 << 64))]
    parts += draw(st.sampled_from([[], [], [varint(8) + varint(rows % (1 << 64))], [b"\xfa\x3f\x02hi"]]))
    rng.shuffle(parts)
    inner = b"".join(parts)
    whole = [varint(field << 3 | 2) + varint(len(inner)) + inner]
    if draw(st.booleans()):
        prices = draw(st.lists(costs, max_size=3) | st.lists(costs, min_size=max(rows, 0), max_size=max(rows, 0)))
        whole.append(scattered(prices, 3, "double", rng))
    if draw(st.booleans()):
        side = max(cols, 0)
        whole.append(scattered(draw(st.lists(st.integers(-1, 1 << 31), min_size=side, max_size=side)), 6, "", rng))
    whole += [varint(4 << 3) + varint(draw(st.integers(0, 3))) for _ in range(draw(st.integers(0, 2)))]
    whole += [
        varint(5 << 3) + varint(draw(st.integers(-2, 1 << 40)) % (1 << 64)) for _ in range(draw(st.integers(0, 2)))
    ]
    rng.shuffle(whole)
    return b"".join(whole)


@settings(max_examples=400, deadline=None)
@given(requests())
def test_what_is_read_natively_is_what_the_reference_reads(data: bytes) -> None:
    """Valid requests of every form are read natively; others get the reference's verdict."""
    vouched = hold_to_reference(data)
    expected = refusal(decode_solve_by_reference, data)
    assert vouched == (expected is None)
    assert refusal(wire.decode_solve_request, data) == expected


def refusal(decode: Callable[[bytes, int, int], object], data: bytes) -> object:
    """What is wrong with a request; None: nothing."""
    try:
        decode(data, CELLS, SIDE)
    except InvalidRequest as refused:
        return refused.violations
    return None


@pytest.mark.parametrize("seed", SEEDS)
def test_wounded_bytes_are_never_read_otherwise(seed: int) -> None:
    """Differential fuzzing, as of MatchRequests: see test_native_decoder."""
    rng = random.Random(seed)
    dense = {"rows": 2, "cols": 3, "costs": [1, 2, np.inf, -0.0, 300, 5e-324]}
    sparse = {"rows": 5, "cols": 300, "row": [4, 0, 4, 1], "col": [2, 299, 1, 0], "cost": [0.5, -1, np.inf, 7]}
    originals = [
        pb.SolveRequest(dense=dense, unassigned_cost=[3, np.inf], maximize=True).SerializeToString(),  # type: ignore[arg-type]
        pb.SolveRequest(sparse=sparse, max_iterations=1 << 40, capacities=[5]).SerializeToString(),  # type: ignore[arg-type]
        pb.SolveRequest(dense={"rows": 0, "cols": 2}).SerializeToString(),  # type: ignore[arg-type]
    ]
    accepted = 0
    for _ in range(1000):
        data = mutated(rng.choice(originals), rng)
        decoded = solve_request.decode_solve_request(data, max_cells=40, max_side=400)
        if decoded is not None:
            same(wire.decode_solve_request(data, 40, 400), decode_solve_by_reference(data, 40, 400))
            accepted += 1
        with suppress(InvalidRequest):
            wire.decode_solve_request(data, 40, 400)
    assert accepted > 20  # otherwise nothing was compared


@pytest.mark.parametrize(
    "data",
    [
        b"\x0a\x04\x08\x01\x10\x01" + b"\x12\x00",  # dense, then sparse: the last counts
        b"\x12\x00" + b"\x0a\x04\x08\x00\x10\x00",
        b"\x0a\x02\x08\x00" + b"\x0a\x02\x10\x00",  # dense twice: merged
        b"\x0a\x00" + b"\x18\x01",  # a price as a whole number: another wire type, so unknown
        b"\x0a\x02\x1a\x03",  # cut off
        b"\x0a\x04\x08\x80\x80\x01",
        b"\x0a\x00\x23\x24",  # a group
        b"\x0a\x0a\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",  # -1 rows
        b"\x0a\x05\x1a\x03abc",  # doubles of three bytes
    ],
)
def test_unusual_bytes_get_the_runtimes_answer(data: bytes) -> None:
    """Whatever the runtime makes of them, with or without the native decoder."""
    hold_to_reference(data)
    results = []
    for decode in (wire.decode_solve_request, decode_solve_by_reference):
        try:
            results.append(decode(data, CELLS, SIDE).digest)
        except InvalidRequest as refused:
            results.append([(v.field, v.reason) for v in refused.violations])  # type: ignore[arg-type]
    assert results[0] == results[1]


def test_the_cell_is_named_in_a_large_matrix() -> None:
    """NaN deep in a packed field is found where it is, and both limits hold natively."""
    costs = np.ones((300, 200))
    costs[271, 13] = np.nan
    data = pb.SolveRequest(dense={"rows": 300, "cols": 200, "costs": costs.ravel()}).SerializeToString()  # type: ignore[arg-type]
    with pytest.raises(InvalidRequest) as caught:
        wire.decode_solve_request(data)
    (violation,) = caught.value.violations
    assert violation.field == f"dense.costs[{271 * 200 + 13}]"
    assert "row 271, column 13" in violation.description
    costs[271, 13] = -1.5
    data = pb.SolveRequest(dense={"rows": 300, "cols": 200, "costs": costs.ravel()}).SerializeToString()  # type: ignore[arg-type]
    assert solve_request.decode_solve_request(data, max_cells=60_000, max_side=300) is not None
    assert solve_request.decode_solve_request(data, max_cells=59_999, max_side=300) is None
    assert solve_request.decode_solve_request(data, max_cells=60_000, max_side=299) is None
    with pytest.raises(InvalidRequest) as caught:
        wire.decode_solve_request(data, 59_999)
    assert [v.reason for v in caught.value.violations] == [ErrorReason.TOO_LARGE]


@pytest.mark.parametrize("dense", [True, False])
@pytest.mark.parametrize("size", [0, 1, 3, 200])
def test_what_we_write_is_what_the_runtime_writes(dense: bool, size: int) -> None:
    """Requests and replies, byte for byte, negative and large indices included."""
    rng = np.random.default_rng(size)
    n, m = size, size + 1
    row, col = (side.astype(np.int32) for side in np.divmod(np.arange(n * m, dtype=np.int64), m))
    cost = rng.normal(size=n * m)
    problem = wire.SolveProblem(
        rows=n,
        cols=m,
        dense=np.asfortranarray(cost.reshape(n, m)) if dense else None,
        row=row[:0] if dense else row,
        col=col[:0] if dense else col,
        cost=cost[:0] if dense else cost,
        unassigned_cost=rng.random(n) if n > 1 else None,
        maximize=size == 1,
        max_iterations=7 if size == 3 else None,
        capacities=np.arange(m, dtype=np.int32) if size == 200 else 3 if size == 3 else None,
    )
    written = pb.SolveRequest(maximize=problem.maximize, max_iterations=problem.max_iterations or 0)
    if dense:
        written.dense.rows, written.dense.cols = n, m
        written.dense.costs.extend(cost)
    else:
        written.sparse.rows, written.sparse.cols = n, m
        written.sparse.row.extend(row)
        written.sparse.col.extend(col)
        written.sparse.cost.extend(cost)
    written.unassigned_cost.extend(() if problem.unassigned_cost is None else problem.unassigned_cost)  # type: ignore[arg-type]
    written.capacities.extend(() if problem.capacities is None else np.atleast_1d(problem.capacities))
    assert wire.encode_solve_request(problem) == written.SerializeToString(deterministic=True)
    reply = wire.SolveReply(
        status=wire.SolveStatus.STOPPED,
        col_for_row=rng.integers(-1, 1 << 30, n).astype(np.int32),
        total_cost=np.inf if size == 3 else 0.0,
        row_duals=rng.normal(size=n),
        col_duals=rng.integers(-9, 1, m),  # type: ignore[arg-type]
        lower_bound=-0.0,
        gap=0.5,
        iterations=size,
        rung=Rung.NATIVE,
        decision_id="é" if size else "",
        provenance=Provenance("", "", "v", "d", "s"),
    )
    message = pb.SolveResponse.FromString(wire.encode_solve_reply(reply))
    assert wire.encode_solve_reply(reply) == message.SerializeToString(deterministic=True)
    for name in ("col_for_row", "row_duals", "col_duals"):
        assert list(getattr(message, name)) == getattr(reply, name).tolist()
    assert (message.status, message.total_cost, message.gap) == (reply.status, reply.total_cost, reply.gap)
    assert (message.iterations, message.decision_id) == (reply.iterations, reply.decision_id)


def test_field_numbers_are_the_contracts() -> None:
    """cpp/wire/fields.h is the one copy of numbers in C++; a field added to the contract must be added there."""
    ours = {
        (message, name, number, KINDS[kind]) for message, name, number, kind in solve_request.solve_request_fields()
    }
    theirs = {
        (message.DESCRIPTOR.name, field.name, field.number, field.type)
        for message in (pb.SolveRequest, pb.DenseCosts, pb.SparseCosts)
        for field in message.DESCRIPTOR.fields
    }
    assert ours == theirs
    repeated = {f.name for f in pb.SolveRequest.DESCRIPTOR.fields if f.label == FieldDescriptor.LABEL_REPEATED}
    assert repeated == {"unassigned_cost", "capacities"}
