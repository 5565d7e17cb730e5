"""Reloads, other numbers of workers and upgrades, one after the other, while 1,000 clients talk through the proxy."""
import random
import time

import pytest

from control_socket import ask
from deadline import SLOWNESS, wait_for
from free_ports import free_port
from proxyctl_run import ctl  # noqa: F401
from proxyd_process import configuration

READY, DIED, UPGRADED, RELOADED = "UDPS-221-K", "UDPS-222-E", "UDPS-217-K", "UDPS-214-K"
CLIENTS = 1000


class Changes:
    """A proxy whose configuration and program change. Each change is waited for."""

    def __init__(self, proxyd, run, listener, server):
        self.run, self.listener, self.server = run, listener, server
        self.socket, self.workers, self.other = run.run_dir / "gw.sock", 1, False
        self.daemon = proxyd(self.config())

    def config(self):
        rules = [{"name": "nobody", "from": ["198.51.100.0/24"], "action": "deny"}] if self.other else []
        config = configuration(self.listener, self.server, {"limits": {"idle": "99s" if self.other else "88s"}},
                               name="gw", control={"socket": str(self.socket)},
                               udpserver={"max-sessions": 1500 if self.other else 2000, "workers": self.workers})
        config["session-acl"] = rules + config["session-acl"]
        return config

    def _reload(self):
        ready = len(self.daemon.lines(READY, text="REG"))
        self.daemon.write_configuration(self.config())
        assert ask(self.socket, "reload")
        self.daemon.wait_line(READY, text="REG", count=ready + 1)

    def reload(self):
        self.other = not self.other
        self._reload()

    def change_workers(self):
        self.workers = self.workers % 4 + 1
        self._reload()

    def upgrade(self):
        answer, = self.run.rows("gw", "upgrade")
        assert answer["sessions"] == "kept"

    def memory(self):
        """Bytes of the parent, which stays through all of it."""
        return ask(self.socket, "ps")[0]["memory_bytes"]


@pytest.mark.load
@pytest.mark.seconds(300)
def test_every_session_lives(proxyd, ctl, udp_echo, background_load, long_run):  # noqa: F811
    """[K-6][O-8] The long form: 100 reloads, 10 changes of the workers, 10 upgrades, 10,000 round trips/s. Every session
    lives, the server sees no new source port, at least 99.99 % come back, none reaches a wrong client, memory and
    descriptors end where they began."""
    counts, rate = ((100, 10, 10), 10_000) if long_run else ((8, 3, 2), 2_000)
    echo = udp_echo()
    proxy = Changes(proxyd, ctl, ("127.0.0.1", free_port()), echo.text)
    todo = [proxy.reload] * counts[0] + [proxy.change_workers] * counts[1] + [proxy.upgrade] * counts[2]
    random.Random(7).shuffle(todo)
    for change in (proxy.reload, proxy.change_workers, proxy.upgrade):
        change()  # what is taken once is taken now
    before, memory = proxy.daemon.descriptor_counts(), proxy.memory()
    load = background_load("--to", "%s:%d" % proxy.listener, "--clients", CLIENTS, "--rate", int(rate / SLOWNESS),
                           "--seconds", 200, "--max-loss", 0.01,
                           "--from", "127.88.0.0/20")
    wait_for(lambda: len(ask(proxy.socket, "sessions")) == CLIENTS, 10, "all sessions")
    longest = 0
    for change in todo:
        begin = time.monotonic()
        change()
        longest = max(longest, time.monotonic() - begin)
        if long_run:
            time.sleep(0.3)
    sessions = ask(proxy.socket, "sessions")
    dropped = drops(proxy)
    status, figures = load.stop()
    seen = echo.counts()
    print(f"\n{counts[0]} reloads, {counts[1]} changes of the workers, {counts[2]} upgrades, the longest {longest:.2f} s; "
          f"{figures['sent']} sent, {figures['lost']} lost, {figures['wrong']} wrong, {seen['ports']} source ports; "
          f"p50 {figures['p50_us']} us, p99 {figures['p99_us']} us, longest {figures['max_us'] / 1000:.0f} ms; "
          f"parent {memory} bytes before, {proxy.memory()} after; counted as dropped: {dropped or 'nothing'}")
    assert figures["wrong"] == figures["corrupt"] == figures["duplicates"] == 0
    assert len(sessions) == seen["ports"] == seen["sources"] == CLIENTS
    assert status == 0, figures
    assert not proxy.daemon.lines(DIED) and not proxy.daemon.records()
    assert len(proxy.daemon.lines(UPGRADED)) == counts[2] + 1
    assert len(proxy.daemon.lines(RELOADED)) == counts[0] + counts[1] + 2
    check_descriptors(proxy, before)
    proxy.upgrade()  # as before the first look: an allocator keeps its peaks until then
    # With a sanitizer what was freed is kept for a while.
    assert SLOWNESS > 1 or proxy.memory() < memory * 1.1 + (1 << 20)
    proxy.daemon.stop()
    assert len(proxy.daemon.records(REASON="process-end")) == CLIENTS


def drops(proxy):
    stats, = ask(proxy.socket, "stats")
    return {name: stats[name] for name in ("refused", "stray", "buffer_full", "send_errors", "icmp_errors", "truncated",
                                           "hold_dropped", "hand_over_dropped", "dropped_by_kernel") if stats[name]}


def check_descriptors(proxy, before):
    """The pool may have grown, for both processes alike; workers and listeners have their own."""
    while (proxy.workers, proxy.other) != (2, True):
        proxy.change_workers() if proxy.workers != 2 else proxy.reload()

    def same_growth():
        after = proxy.daemon.descriptor_counts()
        return after[0] - before[0] == after[1] - before[1]
    wait_for(same_growth, 5, lambda: f"descriptors: {before} before, {proxy.daemon.descriptor_counts()} after")
