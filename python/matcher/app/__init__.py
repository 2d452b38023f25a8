"""The composition root: the only room that names concrete classes, reads clocks and the environment."""

from matcher.app.application import Answer, App
from matcher.app.build import this_build
from matcher.app.config import Config, ConfigError, TlsConfig, load_config, parse_config
from matcher.app.labels import Labels
from matcher.app.policies import built_in_policies

__all__ = [
    "Answer",
    "App",
    "Config",
    "ConfigError",
    "Labels",
    "TlsConfig",
    "built_in_policies",
    "load_config",
    "parse_config",
    "this_build",
]
