"""One measurement: one workload through one peer."""
import json
import subprocess
import time

import process_tree
from network import MAC, PORT, SERVER
from workloads import OPEN_RATE

MEASURED, IDLE, NEWCOMERS = "10.1.0.0/16", "10.2.0.0/16", "10.3.0.0/16"  # networks of the generators' clients
ADDRESSES = 250
SETTLE_SECONDS = 0.05


class Generator:
    """A packet-load in the client's namespace, which waits for go() after its warm-up."""

    def __init__(self, bench, peer, network, *options):
        self._process = bench.network.spawn(
            "client", bench.load_cpu, bench.bin_folder / "packet-load", "--interface", "c0", "--gateway", MAC["p0"],
            "--from", network, "--addresses", ADDRESSES, "--to", peer.target, "--wait", *options,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        line = self._process.stdout.readline()
        if line != "ready\n":
            raise RuntimeError(f"packet-load did not start (status {self._process.wait()}): {line}")
        self.pid = self._process.pid

    def go(self):
        self._process.stdin.write("\n")
        self._process.stdin.flush()

    def result(self):
        """Waits for the end of the measured phase. The process is not waited for: its processor time can still be read."""
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"packet-load failed: status {self._process.wait()}")
        return json.loads(line)

    def discard(self):
        self._process.kill()
        self._process.wait()


class Usage:
    """Processor time until now, of the peer's processes and of all together, in nanoseconds."""

    def __init__(self, peer, others):
        pids = peer.pids()
        self.cpu = process_tree.cpu_ns(pids)
        self.system = self.cpu + process_tree.cpu_ns(others)


class Memory:
    def __init__(self, peer):
        self.pss, self.slab = process_tree.pss_kib(peer.pids()), process_tree.slab_kib()
        self.sockets = peer.network.udp_sockets()


class Measurement:
    """Starts server, peer and generators, measures, and stops them. A context manager."""

    def __init__(self, bench, peer, workload, seconds):
        self._bench, self._peer, self._workload, self._seconds = bench, peer, workload, seconds
        self._server = None
        self._generators = []

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _start(self):
        if self._workload.one_way:
            self._bench.network.start_sink()
        else:
            self._server = self._bench.network.spawn("server", self._bench.load_cpu, self._bench.bin_folder / "udp-echo",
                                                     f"{SERVER}:{PORT}", stdout=subprocess.DEVNULL)
        self._peer.start(self._workload, self._bench.peer_cpu)

    def __exit__(self, *_):
        for generator in self._generators:
            generator.discard()
        self._peer.stop()
        if self._server:
            process_tree.stop(self._server)
        else:
            self._bench.network.stop_sink()

    def _generator(self, network, *options):
        self._generators.append(Generator(self._bench, self._peer, network, *options))
        return self._generators[-1]

    def _open_idle(self):
        """Opens the idle sessions; returns how many were answered, and the memory they took."""
        before = Memory(self._peer)
        count = self._workload.idle
        opener = self._generator(IDLE, "--flows", count, "--count", count, "--rate", OPEN_RATE * (1 + count // 50_000),
                                 "--linger", 2000)
        opener.go()
        opened = opener.result()["received"]
        after = Memory(self._peer)
        per_session = {"pss_kib_session": (after.pss - before.pss) / max(opened, 1),
                       "slab_kib_session": (after.slab - before.slab) / max(opened, 1)}
        return {"idle": opened, "idle_lost": count - opened, **per_session}

    def _options(self):
        workload = self._workload
        options = ["--flows", workload.flows, "--rate", workload.rate, "--train", workload.train, "--size", workload.size,
                   "--ms", int(self._seconds * 1000)]
        if workload.flows:
            options += ["--warm-up", OPEN_RATE]
        if workload.count(self._seconds):
            options += ["--count", workload.count(self._seconds)]
        if workload.one_way:
            options += ["--one-way"]
        return options

    def run(self):
        """The figures, by name."""
        start = Memory(self._peer)
        idle = self._open_idle() if self._workload.idle else {}
        generators = [self._generator(MEASURED, *self._options())]
        if self._workload.newcomers:
            generators.append(self._generator(NEWCOMERS, "--flows", 0, "--rate", self._workload.newcomers, "--ms",
                                              int(self._seconds * 1000)))
        return {**self._measured(generators), **idle, **self._memory(start)}

    def _memory(self, start):
        now = Memory(self._peer)
        return {"pss_kib": now.pss, "pss_growth_kib": now.pss - start.pss, "slab_growth_kib": now.slab - start.slab,
                "sockets": now.sockets - start.sockets, "processes": len(self._peer.pids())}

    def _measured(self, generators):
        others = [generator.pid for generator in generators] + ([self._server.pid] if self._server else [])
        counted = self._sink_settled()
        before = Usage(self._peer, others)
        for generator in generators:
            generator.go()
        results = [generator.result() for generator in generators]
        settled = self._sink_settled()
        after = Usage(self._peer, others)
        delivered = settled - counted if self._workload.one_way else results[0]["received"]
        units = delivered + sum(result["received"] for result in results[1:])
        return {**results[0], **self._figures(results, delivered, not self._workload.rate),
                "cpu_us": (after.cpu - before.cpu) / 1000 / max(units, 1),
                "system_us": (after.system - before.system) / 1000 / max(units, 1)}

    @staticmethod
    def _figures(results, delivered, is_burst):
        first = results[0]
        # A burst is sent at once, and lasts until its last reply.
        seconds = max(first["seconds"], first["max_us"] / 1e6 if is_burst else 0)
        figures = {"delivered": delivered, "rate": delivered / seconds, "lost": first["sent"] - delivered,
                   "lost_percent": 100 * (first["sent"] - delivered) / max(first["sent"], 1),
                   "misdelivered": sum(result["misdelivered"] + result["corrupt"] for result in results)}
        if len(results) > 1:
            figures["newcomers_sent"] = results[1]["sent"]
            figures["newcomers_lost"] = results[1]["sent"] - results[1]["received"]
        return figures

    def _sink_settled(self):
        """What the sink has counted when nothing more arrives; 0 without a sink."""
        if not self._workload.one_way:
            return 0
        last, count = -1, self._bench.network.sink_count()
        while last != count:
            time.sleep(SETTLE_SECONDS)
            last, count = count, self._bench.network.sink_count()
        return count
