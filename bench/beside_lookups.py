#!/usr/bin/python3
"""What look-ups on line cost the sessions that need none.

    PROXYD_BIN=build/bin bench/beside_lookups.py [--turns N] [--seconds S] [--most RATIO]

100 clients make 5,000 round trips a second through proxyd, in turns with nothing else and with 1,000 further clients
whose names it has to ask for, at a name server that never answers. Prints the percentiles of both and their ratio.
The exit status is 0 when no round trip was lost, all names were asked for, the clients without a name refused, and
the ratio of the 99th percentiles is not above RATIO.

Other programs on this machine take CPU time from the measurement, so the name server is a socket that is
emptied twice a second, and the further clients are a second udp-load.
"""
import argparse
import pathlib
import re
import signal
import socket
import statistics
import sys
import tempfile
import time

top = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(top / "tests" / "support"))
from deadline import SLOWNESS, wait_for  # noqa: E402
from dns_packet import read_question  # noqa: E402
from free_ports import free_port  # noqa: E402
from programs import UdpEcho, UdpLoad  # noqa: E402
from proxyd_process import Proxyd, configuration, resolver  # noqa: E402

RATE, CLIENTS, NAMES = int(5_000 / SLOWNESS), 100, 1_000
TIMEOUT = 5  # of a look-up, seconds


class SilentDns:
    """A name server that takes questions and answers none."""

    def __init__(self):
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.setblocking(False)
        self._questions = []
        self.text = "127.0.0.1:%d" % self._socket.getsockname()[1]

    def take(self):
        """Empties the socket: the questions wait for `names`. Returns how many those are."""
        while True:
            try:
                self._questions.append(self._socket.recv(512))
            except BlockingIOError:
                return len(self._questions)

    def names(self):
        """The different reverse names it was asked for since the last call."""
        self.take()
        keys = {read_question(question).key for question in self._questions}
        self._questions.clear()
        return {name for name, kind in keys if kind == "PTR"}

    def close(self):
        self._socket.close()


class Bench:
    """The proxy before an echo server, and its name server. Ends what it started with `with`."""

    def __init__(self, folder, seconds):
        self._seconds, self._started = seconds, []
        self._dns = self._keep(SilentDns())
        echo = self._keep(UdpEcho("127.0.0.1", free_port(), folder))
        port = free_port()
        self._listener = f"127.0.0.1:{port}"
        config = configuration(("127.0.0.1", port), echo.text, {"from": ["127.88.0.0/16", r"~.*\.example\.test"]},
                               resolver=resolver(self._dns, timeout=f"{TIMEOUT}s"), udpserver={"max-sessions": 10_000})
        config["resolver"]["hold"] = {"sessions": 5_000}
        self._proxy = Proxyd(folder, config).start()
        self._proxy.wait_line("UDPS-221-K", text="APR")

    def _keep(self, thing):
        self._started.append(thing)
        return thing

    def __enter__(self):
        return self

    def __exit__(self, failure, *_):
        try:
            if not failure:
                self._proxy.stop()
        finally:
            self._proxy.discard()
            for thing in reversed(self._started):
                thing.close()

    def turn(self, asking, number):
        """The figures of one turn's round trips; with `asking`, 1,000 new clients send, too."""
        self._rest()
        refused = self._refused()
        if asking:
            self._load(f"127.7.{4 * number}.0/22", NAMES, NAMES / (0.9 * self._seconds), "--count", 1, "--max-loss", 100)
            wait_for(self._dns.take, what="the first question")  # a thousand sockets are open now
        load = self._load("127.88.0.0/24", CLIENTS, RATE, "--seconds", self._seconds, "--max-loss", 0.01)
        while load.running:
            time.sleep(0.5)
            self._dns.take()
        status, figures = load.finish()
        assert status == 0 and figures["lost"] == 0, f"round trips were lost: {figures}\n{self._proxy.tail()}"
        if asking:
            wait_for(lambda: self._refused() == refused + NAMES, 2 * TIMEOUT, self._proxy.tail, 0.5)
            names = self._dns.names()
            assert len(names) == NAMES, f"{len(names)} names were asked for, not {NAMES}\n{self._proxy.tail()}"
        return figures

    def _load(self, source, clients, rate, *more):
        return self._keep(UdpLoad("--to", self._listener, "--from", source, "--clients", clients, "--rate", int(rate),
                                  *more))

    def _refused(self):
        """How many clients were refused so far: a record may stand for many."""
        return sum(int(record["COUNT"]) for record in self._proxy.records(STATUS="REJECTED"))

    def _rest(self):
        """Waits until no look-up of an earlier turn is under way."""
        wait_for(lambda: self._pending() == 0, 3 * TIMEOUT, self._proxy.tail, 0.5)

    def _pending(self):
        before = len(self._proxy.lines("UDPS-240-I", text="look-ups pending"))
        self._proxy.kill_child("APR", signal.SIGPWR)
        line = wait_for(lambda: self._proxy.lines("UDPS-240-I", text="look-ups pending")[before:], 5, self._proxy.tail)
        return int(re.search(r"pending (\d+)", line[0].raw)[1])


def measure(turns, seconds):
    """{whether names were asked for: [figures of each turn]}; the first of each turn alternates."""
    figures = {False: [], True: []}
    with tempfile.TemporaryDirectory() as folder, Bench(folder, seconds) as bench:
        for number in range(turns):
            for asking in (False, True) if number % 2 == 0 else (True, False):
                figures[asking].append(bench.turn(asking, number))
    return figures


def compare(figures, key):
    """Prints the medians of a figure; returns their ratio."""
    without, beside = (statistics.median(figure[key] for figure in figures[asking]) for asking in (False, True))
    print(f"{key[:-3]}: {without:.0f} without look-ups, {beside:.0f} beside {NAMES} without an answer: "
          f"ratio {beside / without:.2f}")
    return beside / without


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=20, choices=range(1, 61), metavar="N",
                        help="how often each is measured: 1 to 60 times (20)")
    parser.add_argument("--seconds", type=int, default=5, help="how long each time (5)")
    parser.add_argument("--most", type=float, default=float("inf"), help="the highest ratio that is good")
    arguments = parser.parse_args()
    figures = measure(arguments.turns, arguments.seconds)
    print(f"{RATE} round trips/s, {arguments.turns} x {arguments.seconds} s each, medians in microseconds:")
    ratios = {key: compare(figures, key) for key in ("p50_us", "p90_us", "p99_us", "p999_us")}
    sys.exit(f"the ratio of p99 is above {arguments.most}" if ratios["p99_us"] > arguments.most else 0)


if __name__ == "__main__":
    main()
