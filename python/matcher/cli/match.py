"""``matcher match FILE.json``: the decision for one snapshot, as JSON."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from matcher.cli.configured import add_config_argument, read_config

if TYPE_CHECKING:
    from matcher.domain import InvalidRequest


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser("match", help="decide on a snapshot in a JSON file and print the decision")
    parser.add_argument("file", metavar="FILE.json", help='a MatchRequest, or its snapshot alone; "-": standard input')
    parser.add_argument("--target", metavar="ADDRESS", help='ask the server at "host:port" or "unix:/path"')
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="the decision must be there by then")
    add_config_argument(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print the decision, or what is wrong with the file and where."""
    from matcher.app import ConfigError
    from matcher.domain import InvalidRequest
    from matcher.wire import InvalidJson, decision_to_json, decode_decision, decode_match_request
    from matcher.wire import match_request_from_json as parse

    name = "<stdin>" if args.file == "-" else args.file
    try:
        text = sys.stdin.read() if args.file == "-" else Path(args.file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        print(f"{name}: cannot be read: {error}", file=sys.stderr)
        return 1
    try:
        request = parse(text)
        snapshot, options = decode_match_request(request)  # what is wrong in the file is told before anyone is asked
        reply = _ask(args, request)
        if options.validate_only:
            print(f"{name}: valid, {len(snapshot.orders)} orders and {len(snapshot.couriers)} couriers")
        else:
            print(decision_to_json(decode_decision(reply)))
    except InvalidJson as error:
        print(f"{name}:{error.line}:{error.column}: {error.message}", file=sys.stderr)
        return 1
    except InvalidRequest as error:
        _explain(name, text, error)
        return 1
    except (ConfigError, RuntimeError) as error:
        print(f"matcher match: {error}", file=sys.stderr)
        return 1
    return 0


def _ask(args: argparse.Namespace, request: bytes) -> bytes:
    """The reply of the server at --target, else of an engine in this process."""
    if args.target:
        from matcher.client import Client

        with Client(args.target, wait_for_ready=False) as client:
            return client.match_bytes(request, timeout=args.timeout)
    from matcher.app import App
    from matcher.wire import decode_match_request

    with App(read_config(args)) as app:
        snapshot, options = decode_match_request(request, app.config.limits)
        if options.validate_only:
            return app.validate_match(snapshot, options)
        return app.answer_match(request, snapshot, options, app.stopwatch(args.timeout)).reply


def _explain(name: str, text: str, error: InvalidRequest) -> None:
    from matcher.wire import locate_violation

    for violation in error.violations:
        line, column = locate_violation(text, violation)
        print(f"{name}:{line}:{column}: {violation.field} {violation.description}", file=sys.stderr)
