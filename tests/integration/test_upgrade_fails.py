"""An upgrade to a program that cannot take over: sessions, sockets and traffic stay, and the log has the reason."""
import os
import socket
import threading
import time

import pytest

from control_socket import ask
from deadline import SLOWNESS, wait_for
from free_ports import free_port
from processes import is_alive
from proxyctl_run import FAILED, ctl  # noqa: F401
from proxyd_process import configuration
from programs import program
from test_upgrade import FAILURE, UPGRADED, install, trip, upgradable  # noqa: F401

ONLY_IN_THE_TRIAL = '#!/bin/sh\n[ -n "$PROXYD_CANDIDATE" ] && {}\nexec {} "$@"\n'


def drain(peer):
    peer.socket.settimeout(0.1)
    try:
        while True:
            peer.socket.recv(65536)
    except socket.timeout:
        pass


class Traffic:
    """Clients that each have a session, and exchange datagrams all the time."""

    def __init__(self, peer, server, listener, count=20):
        self._server, self._listener = server, listener
        self._clients = [peer() for _ in range(count)]
        self._before = [trip(client, server, listener) for client in self._clients]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        while not self._over.is_set():
            for client in self._clients:
                client.send(b"tick", self._listener)
            time.sleep(0.01)

    def is_unharmed(self):
        """Whether each client still has its session, with the same port towards the server."""
        self._over.set()
        self._thread.join()
        drain(self._server)
        return [trip(client, self._server, self._listener) for client in self._clients] == self._before

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()


def fail_to_upgrade(proxy, why):
    """Upgrades; the answer and the log have the reason, and everything else is as it was."""
    pid = proxy.daemon.pid
    assert why in proxy("upgrade", status=FAILED).stderr
    assert why in proxy.daemon.wait_line(FAILURE).text
    wait_for(lambda: all(row["state"] == "up" for row in ask(proxy.socket, "ps")), 5, "all children")
    assert proxy.daemon.pid == pid and is_alive(pid)
    assert not proxy.daemon.lines(UPGRADED) and not proxy.daemon.records()


@pytest.mark.skipif(SLOWNESS > 1, reason="a sanitizer makes the folder again, for its own report")
def test_the_log_directory_is_missing(upgradable, peer):  # noqa: F811
    """[E-1] The new program could not open its log: found in its trial, while the old children serve."""
    listener, server = ("127.0.0.1", free_port()), peer()
    proxy = upgradable(configuration(listener, server.text))
    child, folder = proxy.daemon.child(), proxy.daemon.folder
    elsewhere = folder.with_name("elsewhere")
    with Traffic(peer, server, listener) as traffic:
        folder.rename(elsewhere)
        assert str(proxy.daemon.log_path) in proxy("upgrade", status=FAILED).stderr
        elsewhere.rename(folder)
        assert str(proxy.daemon.log_path) in proxy.daemon.wait_line(FAILURE).text
        assert proxy.daemon.child() == child and not proxy.daemon.records()
        assert traffic.is_unharmed()
    assert proxy.upgrade()["sessions"] == "kept"


@pytest.mark.parametrize("fault, why", [
    ("exec sleep 100", "did not start within 3s and was killed"),
    ("exit 7", "exit status 7"),
    ("kill -SEGV $$", "signal 11"),
])
def test_it_fails_at_its_start(upgradable, peer, fault, why):  # noqa: F811
    """[E-1] It was good when it was asked, and then hangs, exits or crashes. The children have not even noticed."""
    listener, server = ("127.0.0.1", free_port()), peer()
    proxy = upgradable(configuration(listener, server.text))
    child = proxy.daemon.child()
    with Traffic(peer, server, listener) as traffic:
        install(proxy.program, ONLY_IN_THE_TRIAL.format(fault, program("proxyd")))
        fail_to_upgrade(proxy, why)
        assert proxy.daemon.child() == child
        assert traffic.is_unharmed()
    install(proxy.program)
    assert proxy.upgrade()["sessions"] == "kept"


DIES_PREPARED = """#!/usr/bin/python3
import os, socket, sys
candidate = os.environ.get("PROXYD_CANDIDATE")
if candidate:
    socket.socket(fileno=int(candidate)).send(b"prepared")
    os._exit(7)
os.execv("{program}", sys.argv)
"""


def test_it_dies_while_our_children_leave(upgradable, peer):  # noqa: F811
    """[E-1] Our REG has been asked to leave, but not exited, when the trial is over: it is restarted."""
    listener, server = ("127.0.0.1", free_port()), peer()
    proxy = upgradable(configuration(listener, server.text))
    with Traffic(peer, server, listener) as traffic:
        install(proxy.program, DIES_PREPARED.format(program=program("proxyd")))
        fail_to_upgrade(proxy, "exit status 7")
        assert traffic.is_unharmed()
    install(proxy.program)
    assert proxy.upgrade()["sessions"] == "kept"


PRELOAD = """
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>
/* A child of the candidate asks for its parent-death signal (1) shortly before it works. */
int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d) {
    int result = syscall(SYS_prctl, option, a, b, c, d);
    if (option == 1) { FAULT; }
    return result;
}
"""


@pytest.mark.skipif(SLOWNESS > 1, reason="a sanitizer does not start behind a preloaded library")
@pytest.mark.parametrize("fault, why", [("_exit(9)", "REG: exit status 9"), ("for (;;) poll(0, 0, -1)", "did not become ready within 10s")])
def test_its_children_fail(upgradable, peer, tmp_path, fault, why):  # noqa: F811
    """[E-1] Its REG exits or hangs at its start, when ours has already left: ours adopts the sessions again."""
    library, listener, server = tmp_path / "fault.so", ("127.0.0.1", free_port()), peer()
    library.with_suffix(".c").write_text(PRELOAD.replace("FAULT", fault))
    assert os.system(f"cc -shared -fPIC -o {library} {library.with_suffix('.c')}") == 0
    proxy = upgradable(configuration(listener, server.text))
    with Traffic(peer, server, listener) as traffic:
        install(proxy.program, ONLY_IN_THE_TRIAL.format(f"export LD_PRELOAD={library}", program("proxyd")))
        fail_to_upgrade(proxy, why)
        assert traffic.is_unharmed()
    assert len(ask(proxy.socket, "ps")) == len(proxy.daemon.children()) + 2


def test_sessions_of_another_format_end_only_if_it_can_start(upgradable, peer):  # noqa: F811
    """[E-1] Sessions that the new program cannot keep are closed after it has started on trial, not before."""
    listener, server = ("127.0.0.1", free_port()), peer()
    proxy = upgradable(configuration(listener, server.text))
    with Traffic(peer, server, listener) as traffic:
        install(proxy.program, '#!/bin/sh\n[ "$1" = --handover ] && exec echo handover 5 arena 1 version 9.9.9\n'
                f'[ -n "$PROXYD_CANDIDATE" ] && exit 7\nexec {program("proxyd")} "$@"\n')
        fail_to_upgrade(proxy, "exit status 7")
        assert traffic.is_unharmed()
