"""`--set KEY=VALUE`: values of a policy from the command line, as they would stand in a configuration file."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import replace

from matcher.app.binding import bind
from matcher.app.config import Config, ConfigError
from matcher.app.policies import policy_problems


def with_overrides(config: Config, policy: str, settings: Sequence[str]) -> Config:
    """`config` with the policy of that name changed. Raises ConfigError naming every setting that cannot be used.

    A setting is a dotted key and a TOML value, e.g. ``waiting.base_micros=30000000`` or ``ladder=["greedy"]``; a word
    needs no quotes: ``holding.commitment=immediate``.
    """
    problems: list[str] = []
    if policy not in config.policies:
        known = ", ".join(sorted(config.policies))
        raise ConfigError("--policy", [f"there is no policy {policy!r}; there are: {known}"])
    changed = config.policies[policy]
    for setting in settings:
        key, separator, value = setting.partition("=")
        if not separator:
            problems.append(f"{setting}: KEY=VALUE is expected")
            continue
        try:
            changed = bind(changed, _tree(key.strip(), value.strip()), "", problems)
        except tomllib.TOMLDecodeError:
            problems.append(f"{setting}: neither the key nor the value may be anything but TOML")
    if not problems:
        problems += policy_problems(changed, policy)
    if problems:
        raise ConfigError("--set", problems)
    return replace(config, policies={**config.policies, policy: changed})


def _tree(key: str, value: str) -> dict[str, object]:
    try:
        return tomllib.loads(f"{key} = {value}")
    except tomllib.TOMLDecodeError:
        return tomllib.loads(f"{key} = '{value}'")
