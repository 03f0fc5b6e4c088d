"""Makes the support package and its fixtures known to all Python suites."""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "support"))
pytest_plugins = ["sluice.fixtures"]


def pytest_make_parametrize_id(config, val, argname):
    """Long or binary parameters (a 1 MB field) are shown by what they are, not by all their bytes."""
    text = val if isinstance(val, str) else repr(val)
    return text if len(text) <= 40 else f"{text[:20]}...{len(text)}"
