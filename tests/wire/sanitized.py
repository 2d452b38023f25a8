"""A pytest plugin (`-p tests.wire.sanitized`): the extension that MATCHER_NATIVE names instead of the installed one."""

from __future__ import annotations

import os
import sys
from importlib.util import module_from_spec, spec_from_file_location

NAME = "matcher.kernels._native"

if NAME in sys.modules:
    raise RuntimeError(f"{NAME} has been imported before it could be replaced")
_spec = spec_from_file_location(NAME, os.environ["MATCHER_NATIVE"])
if _spec is None or _spec.loader is None:
    raise RuntimeError(f"MATCHER_NATIVE={os.environ['MATCHER_NATIVE']} is no extension module")
_native = module_from_spec(_spec)
_spec.loader.exec_module(_native)
sys.modules[NAME] = _native
