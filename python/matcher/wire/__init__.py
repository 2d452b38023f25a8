"""The wire: bytes of matcher.v1 to domain values and back. Only this room and `service` know the generated messages."""

from matcher.wire.assignment import (
    SolveProblem,
    SolveReply,
    SolveStatus,
    decode_solve_reply,
    decode_solve_request,
    encode_solve_reply,
    encode_solve_request,
)
from matcher.wire.assignment_stream import (
    SolveParts,
    decode_stream_solve_reply,
    encode_solve_parts,
    encode_stream_solve_reply,
)
from matcher.wire.batches import (
    BatchQuestion,
    decode_batches,
    decode_batches_request,
    encode_batches,
    encode_batches_request,
)
from matcher.wire.capabilities import (
    Capabilities,
    check_capabilities_request,
    decode_capabilities,
    encode_capabilities,
)
from matcher.wire.contract import method_names
from matcher.wire.decision import decode_decision, encode_decision, encode_validated
from matcher.wire.explanation import (
    ExplainQuestion,
    decode_explain_request,
    decode_explanation,
    encode_explain_request,
    encode_explanation,
)
from matcher.wire.insertion import (
    InsertionReply,
    InsertRequest,
    decode_insert_reply,
    decode_insert_request,
    encode_insert_reply,
    encode_insert_request,
)
from matcher.wire.json_form import (
    InvalidJson,
    decision_to_json,
    locate_violation,
    match_request_from_json,
    match_request_to_json,
)
from matcher.wire.request import MatchOptions, decode_match_request, encode_match_request
from matcher.wire.routes import (
    MatrixQuestion,
    RouteOptions,
    RouteReply,
    decode_matrix_reply,
    decode_matrix_request,
    decode_route_reply,
    decode_route_task,
    encode_matrix_reply,
    encode_matrix_request,
    encode_route_reply,
    encode_route_task,
)
from matcher.wire.session import MarketSession, Taken
from matcher.wire.status import Refusal, encode_status, read_status
from matcher.wire.stream import decode_stream_reply, encode_stream_reply, encode_stream_request

__all__ = [
    "BatchQuestion",
    "Capabilities",
    "ExplainQuestion",
    "InsertRequest",
    "InsertionReply",
    "InvalidJson",
    "MarketSession",
    "MatchOptions",
    "MatrixQuestion",
    "Refusal",
    "RouteOptions",
    "RouteReply",
    "SolveParts",
    "SolveProblem",
    "SolveReply",
    "SolveStatus",
    "Taken",
    "check_capabilities_request",
    "decision_to_json",
    "decode_batches",
    "decode_batches_request",
    "decode_capabilities",
    "decode_decision",
    "decode_explain_request",
    "decode_explanation",
    "decode_insert_reply",
    "decode_insert_request",
    "decode_match_request",
    "decode_matrix_reply",
    "decode_matrix_request",
    "decode_route_reply",
    "decode_route_task",
    "decode_solve_reply",
    "decode_solve_request",
    "decode_stream_reply",
    "decode_stream_solve_reply",
    "encode_batches",
    "encode_batches_request",
    "encode_capabilities",
    "encode_decision",
    "encode_explain_request",
    "encode_explanation",
    "encode_insert_reply",
    "encode_insert_request",
    "encode_match_request",
    "encode_matrix_reply",
    "encode_matrix_request",
    "encode_route_reply",
    "encode_route_task",
    "encode_solve_parts",
    "encode_solve_reply",
    "encode_solve_request",
    "encode_status",
    "encode_stream_reply",
    "encode_stream_request",
    "encode_stream_solve_reply",
    "encode_validated",
    "locate_violation",
    "match_request_from_json",
    "match_request_to_json",
    "method_names",
    "read_status",
]
