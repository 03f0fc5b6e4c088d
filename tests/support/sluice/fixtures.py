"""pytest fixtures: a house per test, or one that a module's tests share."""

import os

import pytest

from . import node
from .house import House


@pytest.fixture(scope="session", autouse=True)
def _is_built(request):
    """One clear word instead of a hundred failures. The scripts' own suite needs no binary."""
    needs_binary = any("house" in fixture for item in request.session.items for fixture in getattr(item, "fixturenames", ()))
    if needs_binary and not os.path.exists(node.binary()):
        pytest.exit(f"{node.binary()} is not there: build first, or name another with SLUICE_BIN", returncode=2)


@pytest.fixture
def house():
    made = House()
    yield made
    made.close()


@pytest.fixture(scope="module")
def shared_house():
    made = House()
    yield made
    made.close()
