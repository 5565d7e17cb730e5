"""Everything that happens in the life of a proxy, again and again, in the full sandbox, under load."""
import contextlib
import itertools
import os
import random
import signal
import time

import pytest

from control_socket import Refused, ask
from deadline import SLOWNESS, wait_for
from evil_dns import addresses
from free_ports import free_port
from proxyctl_run import ctl  # noqa: F401
from proxyd_process import configuration, resolver
from test_sandbox import FORBIDDEN, REACHED, nobodys_folder, pytestmark as needs_sandbox  # noqa: F401
from test_upgrade import Upgradable

pytestmark = [*needs_sandbox, pytest.mark.load]
NAME, CLIENTS, RATE = "a.example", 100, 1000


class Life:
    """A proxy with all roles, and what happens to it."""

    def __init__(self, proxyd, run, folder, server, dns, status):
        self.folder, self.server, self.dns, self.status = folder, server, dns, status
        self.listener, self.numbers, self.workers, self.text = ("127.0.0.1", free_port()), itertools.count(1), 1, ""
        self.move_name()
        self.proxy = Upgradable(proxyd, run, folder, self.config())
        self.daemon, self.socket = self.proxy.daemon, self.proxy.socket

    def config(self):
        limits = {"max-sessions": 1000, "workers": self.workers, "max-restarts": {"count": 1000, "within": "60s"}}
        return configuration(self.listener, self.server, {"from": [NAME, "~^b[.]example$", "*"]}, sandbox="required",
                             user="nobody", resolver=resolver(self.dns), udpserver=limits,
                             **{"status-file": {"path": str(self.status), "every": "1s"}})

    def happenings(self):
        return [self.move_name, self.refresh, self.reload, self.rotate, self.look, self.dump, self.upgrade, self.kill_log,
                *(lambda role=role: self.kill(role) for role in ("REG", "ACR", "APR"))]

    def move_name(self):
        """The answers are valid for a second, so ACR asks all the time."""
        self.dns.set(NAME, "A", addresses(f"127.0.0.{next(self.numbers) % 200 + 1}", ttl=1))

    def refresh(self):
        ask(self.socket, "refresh")

    def reload(self):
        self.workers = 3 - self.workers
        self.daemon.write_configuration({**self.config(), "name": "gw", "control": {"socket": str(self.socket)}})
        assert ask(self.socket, "reload")

    def rotate(self):
        log, old = self.daemon.log_path, self.folder / f"old-{next(self.numbers)}"
        log.rename(old)
        self.proxy("log", "reopen")
        self.text += old.read_text()
        old.unlink()

    def look(self):
        """A process that is being replaced need not answer."""
        for command in ("sessions", "rules", "stats", "names", "log-tail"):
            with contextlib.suppress(Refused):
                ask(self.socket, command)

    def dump(self):
        self.daemon.send_signal(signal.SIGPWR)

    def upgrade(self):
        assert self.proxy.upgrade()["sessions"] == "kept"

    def kill(self, role):
        """Not by the lines of the log, some of which go with a rotation."""
        old = self.daemon.kill_child(role)
        wait_for(lambda: any((row["role"], row["state"]) == (role, "up") and row["pid"] != old for row in ask(self.socket, "ps")),
                 15, lambda: f"the next {role}\n{self.daemon.tail()}")

    def kill_log(self):
        old = self.daemon.log_process()
        os.kill(old, signal.SIGKILL)
        self.daemon.log_process(other_than=old)

    def sessions(self):
        with contextlib.suppress(Refused):
            return len(ask(self.socket, "sessions"))

    def is_up(self):
        return all(row["state"] == "up" for row in ask(self.socket, "ps"))


@pytest.mark.seconds(1000)
def test_a_life_in_the_sandbox(proxyd, ctl, udp_echo, background_load, evil_dns, tmp_path, nobodys_folder, long_run):  # noqa: F811
    """[Z-4] With `sandbox: required`: changes of names, reloads, workers, log rotations, upgrades, commands, and deaths of
    each child. No process makes a call that the table does not have, the sessions live, and no reply is wrong. The long
    form lasts 10 minutes."""
    status = nobodys_folder / "status"
    life = Life(proxyd, ctl, tmp_path, udp_echo().text, evil_dns, status)
    life.daemon.wait_line(REACHED, "seccomp, Landlock")
    seconds, dice, done = (600 if long_run else 15) * SLOWNESS, random.Random(7), 0
    load = background_load("--to", "%s:%d" % life.listener, "--clients", CLIENTS, "--rate", int(RATE / SLOWNESS),
                           "--seconds", int(seconds + 120), "--from", "127.88.0.0/20")
    wait_for(lambda: life.sessions() == CLIENTS, 10, "all sessions")
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        todo = life.happenings()
        dice.shuffle(todo)
        for happening in todo:
            happening()
            wait_for(life.is_up, 15, lambda: f"all children\n{life.daemon.tail()}")
        done += 1
    wait_for(lambda: life.sessions() == CLIENTS, 10, "all sessions")
    _, figures = load.stop()
    life.rotate()
    print(f"\n{done} turns of {len(todo)} happenings; {figures['sent']} sent, {figures['lost']} lost")
    assert done >= 2 and FORBIDDEN not in life.text
    assert figures["wrong"] == figures["corrupt"] == 0
    assert time.time() - status.stat().st_mtime < 10
