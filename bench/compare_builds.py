#!/usr/bin/python3
"""Compares what two builds of proxyd cost, in one run.

    bench/compare_builds.py BIN_BEFORE BIN_AFTER [--turns N] [--seconds S]
    bench/compare_builds.py BIN BIN --before-with "sandbox: off"    # one build, two configurations

Both proxies run all the time, in front of the same echo server, and take turns; which comes first alternates. Prints the median
processor time of all their processes for each round trip, the latencies, and the median of the ratios of each pair of turns.
Workloads: known sessions at 10,000 and at 30,000 round trips/s, and 1,000 new sessions/s (one datagram each way).
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests" / "support"))
from free_ports import free_port  # noqa: E402

CONFIG = """
name: {name}
nodaemon: true
{more}
control: {{socket: none}}
log: {{to: {folder}/{name}.log}}
udpserver: {{max-sessions: 20000}}
listen-on: [{{address: 127.0.0.1, port: {known}}}, {{address: 127.0.0.1, port: {new}}}]
session-acl:
  - {{name: new, to: "127.0.0.1:{new}", action: accept, plug-to: "127.0.0.1:{server}",
     limits: {{client-datagrams: 1, server-datagrams: 1}}}}
  - {{name: known, from: "*", action: accept, plug-to: "127.0.0.1:{server}"}}
"""
WORKLOADS = {
    "known, 10,000/s": ("known", ["--clients", "100", "--rate", "10000"]),
    "known, 30,000/s": ("known", ["--clients", "1000", "--rate", "30000"]),
    "new, 1,000/s": ("new", ["--clients", "100", "--rate", "1000", "--churn"]),
}


class Proxy:
    """A proxyd of one build, and its processor time."""

    def __init__(self, bin_folder, name, server, folder, more):
        self.ports = {"known": free_port(), "new": free_port()}
        config = pathlib.Path(folder, f"{name}.yaml")
        config.write_text(CONFIG.format(name=name, folder=folder, server=server, more=more, **self.ports))
        self._process = subprocess.Popen([f"{bin_folder}/proxyd", "-d", "-f", config])
        log, deadline = pathlib.Path(folder, f"{name}.log"), time.monotonic() + 20
        while not (log.exists() and "UDPS-210-K" in log.read_text()):
            if time.monotonic() > deadline or self._process.poll() is not None:
                sys.exit(f"{bin_folder}/proxyd did not start: {log.read_text() if log.exists() else ''}")
            time.sleep(0.1)
        self._pids = [self._process.pid] + self._children()

    def _children(self):
        text = pathlib.Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text()
        return [int(pid) for pid in text.split()]

    def cpu_ns(self):
        stats = [path.read_text() for pid in self._pids for path in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat")]
        return sum(int(stat.split()[0]) for stat in stats)

    def stop(self):
        self._process.terminate()
        self._process.wait(20)


def turn(proxy, load_program, workload, seconds):
    """{figure: value} of one turn."""
    port, options = WORKLOADS[workload]
    before = proxy.cpu_ns()
    load = subprocess.run([load_program, "--to", f"127.0.0.1:{proxy.ports[port]}", *options, "--seconds", str(seconds),
                           "--max-loss", "5", "--json"], capture_output=True, text=True, timeout=seconds + 60, check=False)
    if not load.stdout:
        sys.exit(f"udp-load failed: {load.stderr}")
    figures = json.loads(load.stdout)
    answered = figures["sent"] - figures["lost"]
    return {"cpu_us": (proxy.cpu_ns() - before) / 1000 / max(answered, 1), "p50_us": figures["p50_us"],
            "p99_us": figures["p99_us"], "lost": figures["lost"], "wrong": figures["wrong"]}


def report(workload, turns):
    """Prints the medians of each figure and of the ratios of the pairs."""
    for key in ("cpu_us", "p50_us", "p99_us"):
        before, after = ([figures[side][key] for figures in turns] for side in (0, 1))
        ratio = statistics.median(b / a for a, b in zip(before, after))
        print(f"{workload:18} {key:7} before {statistics.median(before):9.2f}  after {statistics.median(after):9.2f}"
              f"  ratio {ratio:.3f}")
    lost = [sum(figures[side]["lost"] for figures in turns) for side in (0, 1)]
    wrong = [sum(figures[side]["wrong"] for figures in turns) for side in (0, 1)]
    print(f"{workload:18} lost {lost[0]} / {lost[1]}, wrong {wrong[0]} / {wrong[1]}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before")
    parser.add_argument("after")
    parser.add_argument("--before-with", default="", metavar="LINE", help="a line for the configuration of the first")
    parser.add_argument("--after-with", default="", metavar="LINE", help="a line for that of the second")
    parser.add_argument("--turns", type=int, default=10)
    parser.add_argument("--seconds", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = free_port()
        echo = subprocess.Popen([f"{arguments.after}/udp-echo", f"127.0.0.1:{server}"], stdout=subprocess.DEVNULL)
        proxies = []
        try:
            for name, bin_folder, more in (("before", arguments.before, arguments.before_with),
                                           ("after", arguments.after, arguments.after_with)):
                proxies.append(Proxy(bin_folder, name, server, folder, more))
            for workload in WORKLOADS:
                turns = []
                for number in range(arguments.turns):
                    order = (0, 1) if number % 2 == 0 else (1, 0)
                    figures = {side: turn(proxies[side], f"{arguments.after}/udp-load", workload, arguments.seconds)
                               for side in order}
                    turns.append(figures)
                report(workload, turns)
        finally:
            for proxy in proxies:
                proxy.stop()
            echo.terminate()
            echo.wait(10)


main()
