"""Waiting for something to become true. Tests wait for states, they never assert durations of the machine they run on."""

import os
import time

# Sanitizers and a busy machine make everything slower, never wrong.
PATIENCE = 5.0 if os.environ.get("SLUICE_SANITIZER") else 2.0


def until(condition, what, seconds=5.0, pause=0.01):
    """The first true value of condition(); fails with `what` after `seconds` (stretched by PATIENCE)."""
    deadline = time.monotonic() + seconds * PATIENCE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds * PATIENCE:.0f} s in vain: {what() if callable(what) else what}")
        time.sleep(pause)


def now_us():
    """CLOCK_MONOTONIC in microseconds, the clock of the hammer's trace."""
    return time.monotonic_ns() // 1000
