"""Blind mutation of bytes and frames against a whole node: nobody dies, and under a sanitizer nobody complains.

`tests/attacks/mutate/run` goes on as long as one likes; SLUICE_LONG=1 makes it 30 minutes here.
"""

import os
import sys
import time

import pytest

sys.path.insert(0, os.path.dirname(__file__))
from kit.target import NodeTarget  # noqa: E402
from mutate.campaign import Campaign  # noqa: E402

SECONDS = 1800 if os.environ.get("SLUICE_LONG") else 5


@pytest.mark.parametrize("name", ["http1", "http2"])
def test_blind_mutation(name):
    seed = str(int(time.time()))
    print(f"seed {seed}")
    target = NodeTarget(workers=1)
    try:
        campaign = Campaign(target, name, seed)
        complaint = campaign.run(SECONDS)
        assert not complaint, f"seed {seed}: {complaint}"
        assert campaign.executions > 2 * SECONDS, f"only {campaign.executions} executions"
        assert sum(campaign.answers.values()) > campaign.executions / 20, f"hardly anything was answered: {campaign.answers}"
    finally:
        target.close()
