"""The configuration: nothing that was misspelt, mistyped or impossible starts a server."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from matcher.app import App, Config, ConfigError, built_in_policies, load_config, parse_config
from matcher.app.policies import policy_problems
from matcher.domain import Commitment, Rung


def test_nothing_given_means_the_defaults() -> None:
    """No file, an empty file and an empty section are one configuration."""
    assert load_config(None) == Config() == parse_config("") == parse_config("[server]")
    assert set(Config().policies) == {"default", "mdrp", "mdrp-cost"}


def test_values_reach_their_sections() -> None:
    """Each section, and policies that override the built-in ones or extend them."""
    config = parse_config(
        """
        [server]
        listen = ["unix:/run/matcher/matcher.sock", "[::1]:0"]
        drain_seconds = 3
        [limits]
        orders = 10
        [journal]
        directory = "j"
        compression = "lz4"
        keep_bytes = 5
        [telemetry]
        log_level = "warning"
        [policies.default.costs]
        lateness = 7
        [policies.lunch]
        extends = "mdrp"
        ladder = ["greedy"]
        holding = {commitment = "immediate", slack_ms = 4}
        """
    )
    assert config.server.listen[1] == "[::1]:0"
    assert config.server.drain_seconds == 3.0
    assert (config.limits.orders, config.limits.couriers) == (10, Config().limits.couriers)
    assert (config.journal.directory, config.journal.compression, config.journal.keep_bytes) == ("j", "lz4", 5)
    assert config.policies["default"].costs.lateness == 7
    lunch = config.policies["lunch"]
    assert (lunch.name, lunch.ladder, lunch.holding.commitment) == ("lunch", (Rung.GREEDY,), Commitment.IMMEDIATE)
    assert lunch.travel == built_in_policies()["mdrp"].travel


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[serve]", "serve: unknown section (did you mean 'server'?)"),
        ("[server]\nlisten_on = []", "server.listen_on: unknown key (did you mean 'listen'?)"),
        ('[server]\nlisten = "a:1"', "server.listen: must be a list, not 'a:1'"),
        ("[server]\nlisten = [1]", "server.listen: must be text, not 1"),
        ('[server]\nlisten = ["localhost"]', "'localhost' is neither"),
        ("[server]\nqueue_calls = 1.5", "server.queue_calls: must be an integer, not 1.5"),
        ("[server]\nqueue_calls = true", "server.queue_calls: must be an integer, not True"),
        ("[server]\nqueue_calls = -1", "queue_calls must be at least 0"),
        ("[server]\nreflection = 1", "server.reflection: must be true or false, not 1"),
        ("[limits]\norders = 0", "limits: orders must be between 1"),
        ('[journal]\ncompression = "gzip"', "journal.compression: must be one of 'lz4', 'zstd', not 'gzip'"),
        ("[journal]\nbatch_records = 0", "batch_records must be at least 1"),
        ("server = 3", "server: a table is expected, not 3"),
        ("policies = 3", "policies: a table of policies is expected"),
        ("[policies]\nx = 1", "policies.x: a table is expected"),
        ('[policies.x]\nextends = "defalt"', "policies.x.extends: no policy 'defalt' before this one (did you mean"),
        ('[policies.x]\nname = "y"', "policies.x.name"),
        ("[policies.x.costs]\nlatness = 1", "policies.x.costs.latness: unknown key (did you mean 'lateness'?)"),
        ('[policies.x]\nladder = ["magic"]', "policies.x.ladder: must be one of 'native', 'ortools', 'greedy'"),
        ("[policies.x.costs]\nfairness = 1000001", "policies.x.costs.fairness: must be between 0 and 1,000,000"),
        ("[policies.x.costs]\npay = 1000001", "policies.x.costs.pay: must be between 0 and 1,000,000"),
        ("[policies.x.readiness]\ncourier_wait = -1", "policies.x.readiness.courier_wait: must be between 0"),
        ("[policies.x.readiness]\nleave_permille = 1001", "readiness.leave_permille: must be between 0 and 1,000"),
        ("[policies.x.costs]\nsticky = -1", "policies.x.costs.sticky: must be between 0"),
        ("[policies.x.costs]\nreoffer_ms = 86400001", "policies.x.costs.reoffer_ms: must be between 0 and 86,400,000"),
        ("[policies.x]\nladder = []", "policies.x.ladder: must name at least one rung"),
        ("[policies.x.travel]\nroad_factor = 0", "policies.x.travel.road_factor: must be between"),
        ("[policies.x.travel]\nroad_factor = nan", "policies.x.travel.road_factor: must be between"),
        ("[policies.x.travel]\nhourly_factor = [1.0]", "must have 24 values, has 1"),
        ("[policies.x.bundling]\nmax_orders = 9", "policies.x.bundling.max_orders: must be between 1 and 6, is 9"),
        ("[server\n", "at line 1"),
    ],
)
def test_what_is_wrong_is_refused_by_its_path(text: str, problem: str) -> None:
    """An operator must be able to mend the file from the message alone."""
    with pytest.raises(ConfigError) as caught:
        parse_config(text, "matcher.toml")
    assert problem in str(caught.value)
    assert str(caught.value).startswith("matcher.toml: ")


def test_all_problems_are_told_at_once() -> None:
    """Mending one problem a start is slow."""
    with pytest.raises(ConfigError) as caught:
        parse_config("[serve]\n[server]\na = 1\n[policies.x]\nb = 2\n[policies.x.costs]\ntravel = -1")
    assert len(caught.value.problems) == 3  # a policy's values are judged when its keys are known


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    """Missing files and files that are not text."""
    with pytest.raises(ConfigError, match=r"none\.toml: cannot be read"):
        load_config(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"binary\.toml: cannot be read"):
        load_config(tmp_path / "binary.toml")


def test_the_digest_is_of_the_values() -> None:
    """The journal tells configurations apart by it, however they were written."""
    assert parse_config("").digest == parse_config("[server]\nqueue_calls = 64").digest
    assert parse_config("").digest != parse_config("[server]\nqueue_calls = 63").digest
    assert parse_config("").digest != parse_config("[policies.default.costs]\nlateness = 1").digest


@pytest.mark.parametrize("name", sorted(built_in_policies()))
def test_built_in_policies_pass_their_own_checks(name: str) -> None:
    """What we ship must be what we accept."""
    policy = built_in_policies()[name]
    assert policy.name == name
    assert policy_problems(policy, "p") == []


def test_a_policys_digest_is_of_its_values_however_they_are_written() -> None:
    """1 and 1.0 are one value; every other difference shows. The digest decides whether a record can be replayed."""
    policy = built_in_policies()["default"]
    whole = replace(policy, travel=replace(policy.travel, road_factor=2, hourly_factor=(1,) * 24))
    real = replace(policy, travel=replace(policy.travel, road_factor=2.0, hourly_factor=(1.0,) * 24))
    assert whole.digest == real.digest != policy.digest
    assert replace(policy, name="other").digest != policy.digest
    assert replace(policy, ladder=(Rung.GREEDY,)).digest != policy.digest


def test_a_reload_takes_policies_and_names_what_it_leaves() -> None:
    """Every other section that has changed needs a restart, and whoever reloads is told so."""
    before = parse_config("[policies.default]\nsolver_iterations = 7")
    text = "[policies.default]\nsolver_iterations = 8\n"
    more = '[server]\nqueue_calls = 3\n[tls]\ncertificate = "c"\nkey = "k"\n[telemetry]\nlog_calls = false'
    with App(before) as app:
        assert app.reload(parse_config(text)) == []
        assert app.policy("default").solver_iterations == 8
        assert set(app.reload(parse_config(text + more))) == {"server", "tls", "telemetry"}
        assert app.config.server == before.server
