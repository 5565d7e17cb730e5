"""What look-ups cost the sessions that need none: a name server that never answers, and 1,000 names asked for."""
import re
import signal
import statistics
import time

import pytest

from deadline import SLOWNESS, wait_for
from evil_dns import silence
from free_ports import free_port
from proxyd_process import configuration, resolver
from udp_peer import UdpPeer

RATE, CLIENTS, NAMES = 5_000, 100, 1_000
MOST = 1.2  # times the latency without look-ups


@pytest.fixture
def serve(proxyd, evil_dns, udp_echo):
    """A proxy that asks for the name of whoever comes from 127.7.0.0/16: (daemon, listener)."""
    evil_dns.default = silence()
    listener = ("127.0.0.1", free_port())
    config = configuration(listener, udp_echo().text, {"from": ["127.88.0.0/16", r"~.*\.example\.test"]},
                           resolver=resolver(evil_dns, timeout="5s"), udpserver={"max-sessions": 10_000})
    config["resolver"]["hold"] = {"sessions": 5_000}
    daemon = proxyd(config)
    daemon.wait_line("UDPS-221-K", text="APR")
    return daemon, listener


@pytest.mark.load
@pytest.mark.seconds(400)
def test_a_name_server_that_never_answers(serve, evil_dns, background_load, long_run):
    """[K-57] The 99th percentile of other sessions' round trips, with and without, in turns. Only the long form judges."""
    daemon, listener = serve
    seconds, turns = (5, 10) if long_run else (2, 1)
    figures = {"without": [], "with": []}
    for turn in range(turns):
        wait_for(lambda: pending(daemon) == 0, 15, daemon.tail, 0.5)
        for what in ("without", "with"):
            load = background_load("--to", f"{listener[0]}:{listener[1]}", "--clients", CLIENTS,
                                   "--rate", int(RATE / SLOWNESS), "--seconds", seconds, "--from", "127.88.0.0/24",
                                   "--max-loss", 0.01)
            if what == "with":
                ask_for_names(listener, turn, seconds)
            status, result = load.finish()
            assert status == 0 and result["lost"] == 0, result
            figures[what].append(result)
        wait_for(lambda: len({query.key for query in evil_dns.queries(None, "PTR")}) >= NAMES * (turn + 1), 15,
                 lambda: f"{NAMES} questions\n{daemon.tail()}")
        assert daemon.wait_records(1, seconds=15, REASON="resolve-failure")
    p99 = {what: statistics.median(result["p99_us"] for result in results) for what, results in figures.items()}
    p50 = {what: statistics.median(result["p50_us"] for result in results) for what, results in figures.items()}
    ratio = p99["with"] / p99["without"]
    print(f"\n{RATE} round trips/s, {turns} x {seconds} s each: p50 {p50['without']:.0f} us without look-ups, "
          f"{p50['with']:.0f} us with; p99 {p99['without']:.0f} us without, {p99['with']:.0f} us with: ratio {ratio:.2f}")
    assert not long_run or ratio <= MOST


def pending(daemon):
    """Look-ups that APR has under way."""
    before = len(daemon.lines("UDPS-240-I", text="look-ups pending"))
    daemon.kill_child("APR", signal.SIGPWR)
    line = wait_for(lambda: daemon.lines("UDPS-240-I", text="look-ups pending")[before:], 5, daemon.tail)[0]
    return int(re.search(r"pending (\d+)", line.raw)[1])


def ask_for_names(listener, turn, seconds):
    """One first datagram from each of 1,000 addresses that nobody has heard of before, evenly all through the load: in
    bursts, what this program and the name server do themselves would take the processors away from those that measure."""
    begin = time.monotonic()
    for number in range(NAMES):
        with UdpPeer(f"127.7.{10 * turn + number // 200}.{number % 200 + 1}") as client:
            client.send(b"x", listener)
        time.sleep(max(0, begin + 0.9 * seconds * (number + 1) / NAMES - time.monotonic()))
