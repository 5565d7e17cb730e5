"""Compares proxyd with other UDP proxies. See bench/README.md."""
import argparse
import datetime
import json
import os
import pathlib
import platform
import resource
import sys

import chart
import report
import statistic
from isolation import run_isolated
from measurement import Measurement
from network import Network
from peers import PEERS
from workloads import WORKLOADS

DEFAULT_ROUNDS, DEFAULT_SECONDS = 8, 1.0
WANTED_DESCRIPTORS = 300_000


def known(table, what):
    def check(name):
        if name not in table:
            raise argparse.ArgumentTypeError(f"unknown {what} '{name}' (expected {', '.join(table)})")
        return name
    return check


def parse_arguments():
    parser = argparse.ArgumentParser(prog="./dev bench", description=__doc__)
    parser.add_argument("workloads", nargs="*", type=known(WORKLOADS, "workload"), metavar="WORKLOAD",
                        help=f"default: all; {', '.join(WORKLOADS)}")
    parser.add_argument("--peers", type=lambda text: [known(PEERS, "peer")(name) for name in text.split(",")],
                        default=list(PEERS), metavar="NAME,...", help=f"default: all; {', '.join(PEERS)}")
    parser.add_argument("--rounds", type=int, default=DEFAULT_ROUNDS, help="measurements of each peer (%(default)s)")
    parser.add_argument("--seconds", type=float, default=DEFAULT_SECONDS, help="of one measurement (%(default)s)")
    parser.add_argument("--json", metavar="FILE", help="writes all figures")
    parser.add_argument("--svg", metavar="FILE", help="draws the processor times")
    parser.add_argument("--bin", type=pathlib.Path, default=pathlib.Path("build/bin"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.rounds < 1 or not 0.1 <= arguments.seconds <= 600:
        parser.error("--rounds must be at least 1, --seconds from 0.1 to 600")
    arguments.workloads = arguments.workloads or list(WORKLOADS)
    return arguments


class Bench:
    """The network, the programs and the CPUs of a run."""

    def __init__(self, bin_folder):
        cpus = sorted(os.sched_getaffinity(0))
        if len(cpus) < 2:
            sys.exit("two CPUs are needed: one for the peer, one for generator and server")
        self.load_cpu, self.peer_cpu = cpus[0], cpus[1]
        self.bin_folder = bin_folder.resolve()
        self.network = Network()

    def measure(self, name, workload, seconds):
        with Measurement(self, PEERS[name](self.network, self.bin_folder), workload, seconds) as measurement:
            return measurement.run()

    def compare(self, workload, arguments):
        """({peer: summary}, {peer: all rounds}, {peer: why it was not measured}). In each round another peer is first."""
        reasons = {name: PEERS[name](self.network, self.bin_folder).reason_against(workload, arguments.seconds)
                   for name in arguments.peers}
        able = [name for name, reason in reasons.items() if not reason]
        rounds = {name: [] for name in able}
        for number in range(arguments.rounds):
            for place in range(len(able)):
                name = able[(place + number) % len(able)]
                if not reasons[name]:
                    self._round(name, workload, arguments.seconds, rounds, reasons)
        for name, figures in rounds.items():
            if not reasons[name] and not any(figure["delivered"] for figure in figures):
                reasons[name] = f"none of {sum(figure['sent'] for figure in figures):,} datagrams came through"
        measured = {name: figures for name, figures in rounds.items() if not reasons[name]}
        return ({name: statistic.summary(figures) for name, figures in measured.items()}, measured,
                {name: reason for name, reason in reasons.items() if reason})

    def _round(self, name, workload, seconds, rounds, reasons):
        try:
            rounds[name].append(self.measure(name, workload, seconds))
        except RuntimeError as error:
            reasons[name] = str(error)


def machine():
    return f"{os.cpu_count()} CPUs, Linux {platform.release()}"


def run(arguments):
    # As far as the machine allows; peers that need more say so.
    for most in (WANTED_DESCRIPTORS, resource.getrlimit(resource.RLIMIT_NOFILE)[1]):
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
            break
        except (OSError, ValueError):
            pass
    bench = Bench(arguments.bin)
    result = {"date": datetime.date.today().isoformat(), "machine": machine(), "load": os.getloadavg()[0],
              "rounds": arguments.rounds, "seconds": arguments.seconds, "workloads": {}}
    print(f"{result['machine']}, load {result['load']:.1f}; {arguments.rounds} rounds of {arguments.seconds:g} s", flush=True)
    for name in arguments.workloads:
        workload = WORKLOADS[name]
        summaries, rounds, reasons = bench.compare(workload, arguments)
        result["workloads"][name] = {"title": workload.title, "unit": workload.unit, "is_flood": workload.is_flood,
                                     "peers": summaries, "rounds": rounds, "not_measured": reasons}
        print("\n" + report.text(workload, summaries, reasons), flush=True)
        write(arguments, result)
    return 0


def write(arguments, result):
    """After each workload, so that an interrupted run leaves what it has."""
    if arguments.json:
        pathlib.Path(arguments.json).write_text(json.dumps(result, indent=1) + "\n")
    if arguments.svg:
        pathlib.Path(arguments.svg).write_text(chart.svg(result))


def main():
    arguments = parse_arguments()
    if os.geteuid() != 0:
        sys.exit("bench: network namespaces need root")
    return run_isolated(lambda: run(arguments))


sys.exit(main())
