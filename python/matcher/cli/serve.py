"""``matcher serve``: the gRPC server."""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from matcher.cli.configured import add_config_argument, read_config
from matcher.cli.server_process import (
    keep_memory,
    poll_in_one_thread,
    settle,
    spare_what_stays,
    take_short_turns,
)

if TYPE_CHECKING:
    from matcher.service import MatcherServer


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command's parser."""
    parser = subparsers.add_parser("serve", help="serve the gRPC API until SIGTERM or SIGINT")
    add_config_argument(parser)
    parser.add_argument(
        "--listen",
        action="append",
        metavar="ADDRESS",
        help='"host:port" or "unix:/path"; may be repeated, replaces server.listen',
    )
    parser.add_argument("--journal", metavar="DIR", help="keep the decision journal there; replaces journal.directory")
    parser.add_argument("--admin", metavar="ADDRESS", help='"host:port" of the admin port; replaces server.admin')
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve; 0 when every call in flight at the end was answered."""
    keep_memory()
    take_short_turns()
    poll_in_one_thread()
    settle()
    from matcher.app import App, ConfigError, this_build
    from matcher.app.log_lines import LogLines
    from matcher.app.self_test import SelfTestError
    from matcher.app.telemetry import TelemetryError, configure_logs, open_telemetry
    from matcher.service.credentials import CertificateError
    from matcher.service.lifecycle import run as serve
    from matcher.service.sockets import AddressError

    try:
        config = read_config(args)
        if args.listen:
            config = replace(config, server=replace(config.server, listen=tuple(args.listen)))
        if args.admin:
            config = replace(config, server=replace(config.server, admin=args.admin))
        if args.journal:
            config = replace(config, journal=replace(config.journal, directory=args.journal))
        telemetry = open_telemetry(this_build(), os.environ, scrape=bool(config.server.admin))
        logs = LogLines(at_once=False, send=telemetry.send_lines)
        telemetry.watch(logs)
        configure_logs(config.telemetry, logs=logs)
        app = App(config)
    except (ConfigError, TelemetryError, OSError, ValueError) as error:
        print(f"matcher serve: {error}", file=sys.stderr)
        return 1
    try:
        scrape = telemetry.scrape
        finished = serve(app, _ready, lambda: read_config(args), scrape.page if scrape else None)
    except (AddressError, CertificateError, SelfTestError, OSError) as error:
        print(f"matcher serve: {error}", file=sys.stderr)
        return 1
    finally:
        written = app.close()
        logs.close()
        telemetry.close()
    if not written:
        print("matcher serve: the journal could not be written out in time", file=sys.stderr)
    return 0 if finished and written else 1


def _ready(server: MatcherServer) -> None:
    spare_what_stays()
    if server.admin_address:
        print(f"matcher admin port: http://{server.admin_address}/")
    print(f"matcher is serving on {', '.join(server.addresses)}", flush=True)
