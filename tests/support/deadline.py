"""Waiting that always ends."""
import os
import time

# How much slower than a release build the programs are; ./dev sets it for builds with sanitizers.
SLOWNESS = float(os.environ.get("PROXYD_TEST_SLOWNESS", "1"))


def wait_for(condition, seconds=5.0, what="the condition", interval=0.005):
    """Calls condition() until it gives something true, and returns that. AssertionError after `seconds`, which are
    stretched for slow builds. `what` may be a function that gives details at the time of failure."""
    end = time.monotonic() + seconds * SLOWNESS
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds * SLOWNESS:g} s: {what() if callable(what) else what}")
        time.sleep(interval)
