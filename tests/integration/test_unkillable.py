"""Processes that SIGKILL does not remove, because the kernel does not let them exit: nothing waits for them."""
import os
import pathlib
import signal
import threading
import time

import pytest

from control_gateway import ctl, gw  # noqa: F401
from control_socket import ask
from deadline import SLOWNESS, wait_for
from free_ports import free_port
from processes import children_of, descriptors_of, is_alive, title_of
from programs import program
from proxyctl_run import FAILED
from proxyd_process import configuration
from test_upgrade import FAILURE, install, trip, upgradable  # noqa: F401
from test_upgrade_fails import ONLY_IN_THE_TRIAL, Traffic
from unkillable import Unkillable

UNREAPED, KILLED = "UDPS-233-E", "UDPS-226-W"
# Faster than the default where the time does not matter; the other steps are a second each.
LIMITS = {"max-sessions": 1000, "heartbeat": "2s", "stop-timeout": "500ms", "max-queue-age": "1m"}


@pytest.fixture
def serve(gw, peer):  # noqa: F811
    """`serve(**sections)`: (proxy, server, clients, where the server saw each of them come from)."""
    def start(count=5, **sections):
        server = peer()
        one = gw(server.text, **{"udpserver": LIMITS, **sections})
        clients = [peer() for _ in range(count)]
        return one, server, clients, [trip(client, server, one.listener) for client in clients]
    return start


def is_gone(pid):
    return not pathlib.Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize("end", ["killed", "replaced"])
def test_the_next_reg_does_not_wait(serve, end):
    """[E-6] It starts three seconds after the heartbeat is lost, two after a reload, adopts the sessions and serves. Each
    datagram passes once: the old one, which still has all sockets, sends nothing, also not when the kernel lets it go."""
    one, server, clients, sources = serve()
    old = one.daemon.child()
    with Unkillable(old) as held:
        begin = time.monotonic()
        if end == "killed":
            os.kill(old, signal.SIGKILL)
        else:
            config = configuration(one.listener, server.text, {"limits": {"idle": "1h"}}, name="gw", udpserver=LIMITS,
                                   control={"socket": str(one.ctl.run_dir / "gw.sock")})
            one.daemon.write_configuration(config)
            assert one("reload", status=0)
        wait_for(held.is_dying, what="the end of the old REG")
        sockets = descriptors_of(old)
        for number, client in enumerate(clients):
            client.send(b"waits %d" % number, one.listener)
        new = one.daemon.child(other_than=old, seconds=10) if end == "replaced" else next_reg(one.daemon, old)
        got = sorted(server.receive(10) for _ in clients)
        assert time.monotonic() - begin < 8 * SLOWNESS
        assert got == [(b"waits %d" % number, source) for number, source in enumerate(sources)]
        assert [trip(client, server, one.listener) for client in clients] == sources
        assert is_alive(old) and descriptors_of(old) == sockets and len(sockets) > len(clients)
        assert old in children_of(one.daemon.pid) and one.daemon.lines(UNREAPED, text=str(old))
    wait_for(lambda: is_gone(old), what="the old REG to be reaped")
    assert [trip(client, server, one.listener) for client in clients] == sources
    for peer in [server, *clients]:
        peer.receive_nothing(0.05)
    assert one.daemon.child() == new
    stats = one.row("stats")
    assert (stats["open"], stats["created"], stats["client_datagrams"]) == (len(clients), len(clients), 4 * len(clients))
    one.daemon.stop()
    assert len(one.daemon.records(REASON="process-end")) == len(one.daemon.records()) == len(clients)


def next_reg(daemon, old):
    """The old one has no title any more, but is a child."""
    def found():
        pids = [pid for pid in daemon.children().get("REG", []) if pid != old]
        return pids and pids[0]
    return wait_for(found, 10, lambda: f"the next REG\n{daemon.tail()}")


@pytest.mark.parametrize("end", ["killed", "stopped"])
def test_a_shutdown_does_not_wait(serve, end):
    """[E-6] [E-11] All sessions are recorded once, by REG or by the last process; a start could then use the port if
    the kernel let it."""
    one, _, clients, _ = serve()
    old = one.daemon.child()
    with Unkillable(old) as held:
        if end == "killed":
            os.kill(old, signal.SIGKILL)
            wait_for(held.is_dying)
        one.daemon.send_signal(signal.SIGTERM)
        assert one.daemon.process.wait(6 * SLOWNESS) == 0
        assert held.is_dying() and is_alive(old)
    one.daemon.wait()
    assert len(one.daemon.records()) == len({record["SESSION"] for record in one.daemon.records()}) == len(clients)
    assert len(one.daemon.lines(UNREAPED)) == 1


def test_a_new_program_that_hangs_does_not_block_the_parent(upgradable, peer):  # noqa: F811
    """[E-6] [E-1] The upgrade fails, the parent answers, and the sessions go on; what hangs is reaped when it exits."""
    listener, server = ("127.0.0.1", free_port()), peer()
    proxy = upgradable(configuration(listener, server.text))
    answers = []
    with Traffic(peer, server, listener) as traffic:
        install(proxy.program, ONLY_IN_THE_TRIAL.format("exec sleep 1000", program("proxyd")))
        asking = threading.Thread(target=lambda: answers.append(proxy("upgrade", status=FAILED).stderr))
        asking.start()
        tried, = wait_for(lambda: [pid for pid in children_of(proxy.daemon.pid) if title_of(pid) == "sleep 1000"])
        with Unkillable(tried) as held:
            wait_for(held.is_dying, 10, "the end of the trial")
            begin = time.monotonic()
            assert all(row["state"] == "up" for row in ask(proxy.socket, "ps"))
            assert time.monotonic() - begin < 1 * SLOWNESS
            asking.join(10)
            assert "did not start within 3s and was killed" in answers[0] and proxy.daemon.lines(FAILURE)
            assert is_alive(tried) and traffic.is_unharmed()
        wait_for(lambda: is_gone(tried), what="the new program to be reaped")
    install(proxy.program)
    assert proxy.upgrade()["sessions"] == "kept"
