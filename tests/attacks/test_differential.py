"""The same generated requests to Sluice, nginx and HAProxy: Sluice stays in step, passes on nothing that is no request, and differs only where
explained.py says why. 300 requests of a new seed each time; SLUICE_LONG=1 makes it 10,000.
"""

import os
import sys
import time

import pytest

sys.path.insert(0, os.path.dirname(__file__))
from differential import explained, gateways, grammar  # noqa: E402
from differential.compare import Comparison  # noqa: E402


@pytest.fixture(scope="module")
def three():
    opened = gateways.all_three()
    yield opened
    for gateway in opened:
        gateway.close()


def test_differences_are_the_explained_ones(three):
    seed = str(int(time.time()))
    comparison = Comparison(three).run(seed, 10_000 if os.environ.get("SLUICE_LONG") else 300)

    assert not explained.complaints(comparison), f"seed {seed}"
    passed = {name: kinds["passes"] for name, kinds in comparison.totals().items()}
    assert all(count > len(comparison.rows) / 5 for count in passed.values()), passed  # the grammar still makes requests


def test_every_explanation_is_about_something(three):
    labels = set(grammar.ODDITIES)
    families = {label.partition(":")[0] + ":" for label in labels}
    assert set(explained.WHY) <= labels | families
