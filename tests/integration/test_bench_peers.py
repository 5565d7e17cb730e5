"""./dev bench: its figures fit together, and nothing of it is left however it ends."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import xml.etree.ElementTree

import pytest

from deadline import wait_for

TOP = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("PROXYD_BIN", TOP / "build" / "bin"))
PEERS = ("direct", "relay", "proxyd")

sys.path.append(str(TOP / "bench" / "peers"))
import chart  # noqa: E402
import process_tree  # noqa: E402
import report  # noqa: E402
import statistic  # noqa: E402
from workloads import WORKLOADS  # noqa: E402


def why_not():
    """Why network namespaces cannot be made here; empty if they can."""
    if os.geteuid() != 0:
        return "needs root"
    if len(os.sched_getaffinity(0)) < 2:
        return "needs two CPUs"
    command = ["unshare", "--net", "--pid", "--mount", "--fork", "mount", "-t", "tmpfs", "tmpfs", "/run"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr.strip()


needs_namespaces = pytest.mark.skipif(bool(why_not()), reason=why_not())


class Run:
    """A run of the benchmark."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen([sys.executable, "-B", TOP / "bench" / "peers", "--bin", BIN, *arguments],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def networks(self):
        """The network namespaces of its processes, without that of the tests."""
        return {network_of(pid) for pid in process_tree.tree(self.process.pid)} - {network_of("self"), None}

    def close(self):
        self.process.kill()
        self.process.communicate()


def network_of(pid):
    try:
        return os.readlink(f"/proc/{pid}/ns/net")
    except OSError:
        return None


def all_networks():
    """All network namespaces that a process is in."""
    return {network_of(folder.name) for folder in pathlib.Path("/proc").glob("[0-9]*")}


def outside():
    """What the run must not change."""
    return os.listdir("/run"), subprocess.run(["ip", "netns", "list"], capture_output=True, check=True).stdout


def check_figures(figures):
    assert figures["sent"] == 5000
    assert figures["delivered"] + figures["lost"] == figures["sent"]
    assert figures["delivered"] > 0
    assert figures["misdelivered"] == 0
    assert 0 < figures["p50_us"] <= figures["p99_us"] <= figures["p999_us"] <= figures["max_us"]
    assert figures["system_us"] > figures["cpu_us"]


@needs_namespaces
@pytest.mark.seconds(120)
def test_the_figures_of_a_run_fit_together(tmp_path, started):
    before = outside()
    run = Run("trips-10k", "--peers", ",".join(PEERS), "--rounds", "1", "--seconds", "0.5", "--json", tmp_path / "out.json",
              "--svg", tmp_path / "out.svg")
    started.append(run)
    output, errors = run.process.communicate()
    assert run.process.returncode == 0, errors
    rounds = json.loads((tmp_path / "out.json").read_text())["workloads"]["trips-10k"]["rounds"]
    assert set(rounds) == set(PEERS)
    for name, (figures,) in rounds.items():
        check_figures(figures)
        assert name in output
    (direct,), (relay,), (proxyd,) = (rounds[name] for name in PEERS)
    assert (direct["cpu_us"], direct["sockets"], direct["processes"]) == (0, 0, 0)
    assert relay["cpu_us"] > 0 and proxyd["cpu_us"] > 0
    assert relay["sockets"] == 100  # one for each client
    assert relay["processes"] == 1 and proxyd["processes"] > 1
    assert xml.etree.ElementTree.parse(tmp_path / "out.svg").getroot().tag.endswith("svg")
    assert outside() == before


@needs_namespaces
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_of_an_interrupted_run(number, started):
    run = Run("trips-10k", "--peers", "proxyd", "--rounds", "100")
    started.append(run)
    made = set()

    def is_measuring():
        made.update(run.networks())
        return len(made) >= 4  # of the run itself, client, proxy and server
    wait_for(is_measuring, 30, "the run does not start")
    run.process.send_signal(number)
    run.process.wait(20)
    assert run.process.returncode == (-number if number == signal.SIGKILL else 128 + signal.SIGTERM)
    wait_for(lambda: not made & all_networks(), 10, "processes of the run are left")


@needs_namespaces
def test_a_flood_counts_what_arrives_at_the_server(tmp_path, started):
    run = Run("flood-100", "--peers", "relay", "--rounds", "1", "--seconds", "0.3", "--json", tmp_path / "out.json")
    started.append(run)
    _, errors = run.process.communicate()
    assert run.process.returncode == 0, errors
    (figures,) = json.loads((tmp_path / "out.json").read_text())["workloads"]["flood-100"]["rounds"]["relay"]
    assert 0 < figures["delivered"] <= figures["sent"]
    assert figures["received"] == 0
    assert figures["sockets"] == 100


def test_unknown_words_are_refused():
    command = [sys.executable, "-B", TOP / "bench" / "peers"]
    for arguments in (["no-such"], ["--peers", "no-such"], ["--rounds", "0"], ["--seconds", "0"]):
        assert subprocess.run([*command, *arguments], capture_output=True, check=False).returncode == 2


def figures_of(cpu, **more):
    return {"sent": 100, "delivered": 99, "lost": 1, "misdelivered": 0, "overrun": 0, "rate": 99.0, "cpu_us": cpu,
            "system_us": cpu + 5, "p50_us": 10.0, "p99_us": 20.0, "p999_us": 30.0, "processes": 1, **more}


def test_rounds_are_summed_up_or_given_as_quartiles():
    summary = statistic.summary([figures_of(cpu) for cpu in (9, 1, 3, 5, 7)])
    assert summary["cpu_us"] == [3, 5, 7]
    assert (summary["sent"], summary["lost"]) == (500, 5)
    assert statistic.summary([figures_of(4)])["cpu_us"] == [4, 4, 4]


def test_the_kernel_costs_what_a_flood_costs_more_than_without_a_proxy():
    peers = {"direct": statistic.summary([figures_of(0, processes=0)]),
             "dnat": statistic.summary([figures_of(0, processes=0, system_us=6.5)])}
    assert statistic.kernel_cost(peers, is_flood=True) == {"dnat": 1.5}
    assert statistic.kernel_cost(peers, is_flood=False) == {}
    text = report.text(WORKLOADS["flood-100"], peers, {"socat": "not today"})
    assert "~1.50" in text and "not measured: not today" in text


def test_the_chart_has_a_bar_for_each_peer_with_processes():
    peers = {"direct": statistic.summary([figures_of(0, processes=0)]), "proxyd": statistic.summary([figures_of(3)])}
    workload = {"title": "a < b", "unit": "datagram", "is_flood": False, "peers": peers}
    picture = chart.svg({"rounds": 1, "machine": "m", "date": "d", "workloads": {"one": workload}})
    root = xml.etree.ElementTree.fromstring(picture)
    bars = [rect for rect in root.iter("{http://www.w3.org/2000/svg}rect") if rect.get("width") != "100%"]
    assert len(bars) == 1
