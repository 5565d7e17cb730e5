"""Several workers on the same listeners: each client has one, all get clients, and none loses one."""
import signal
import socket

import pytest

from counters import counters
from deadline import SLOWNESS, wait_for
from free_ports import free_port
from processes import descriptors_of
from programs import udp_load
from proxyd_process import configuration


def start(proxyd, server, workers, **udpserver):
    listener = ("127.0.0.1", free_port())
    return proxyd(configuration(listener, server, udpserver={"max-sessions": 1000, "workers": workers,
                                                             **udpserver})), listener


def sources_of(server, clients, listener):
    """The proxy's source port of each client, as the server sees it; the server answers."""
    found = []
    for number, client in enumerate(clients):
        client.send(b"%d" % number, listener)
        data, source = server.receive()
        assert data == b"%d" % number
        server.send(b"answer to " + data, source)
        assert client.receive() == (b"answer to " + data, listener)
        found.append(source)
    return found


def workers_of(daemon, workers):
    """Which worker each session had, by the slot of its record: each worker has a slice of the arena, which has some more
    places than max-sessions."""
    places = 1000 + 1000 // 8 + 64 * workers
    return [int(record["SESSION"].split(".")[0]) * workers // places for record in daemon.records()]


@pytest.mark.parametrize("workers", [2, 4])
def test_every_client_stays_with_its_worker(proxyd, peer, workers):
    """[L-8] Through a new REG as well: the same source port at the server, the session continues. All workers get
    some of the clients."""
    server, clients = peer(), [peer(f"127.0.{i}.1") for i in range(1, 41)]
    daemon, listener = start(proxyd, server.text, workers)
    before = sources_of(server, clients, listener)
    assert len(set(before)) == len(clients)
    assert sources_of(server, clients, listener) == before
    for _ in range(3):
        daemon.replace_child("REG")
        assert sources_of(server, clients, listener) == before
    assert counters(daemon)["open"] == len(clients)
    daemon.stop()
    assert len(daemon.records()) == len(clients)
    shares = [0] * workers
    for worker in workers_of(daemon, workers):
        shares[worker] += 1
    assert all(share > 0 for share in shares), shares


@pytest.mark.parametrize("workers", [2, 4])
def test_all_workers_forward_under_load(proxyd, udp_echo, workers):
    """[L-8] No datagram is lost or goes astray between the workers."""
    echo = udp_echo()
    daemon, listener = start(proxyd, echo.text, workers)
    status, figures = udp_load("--to", f"{listener[0]}:{listener[1]}", "--clients", 200, "--rate", 8000, "--seconds", 2,
                               "--from", "127.70.0.0/24")
    assert status == 0, figures
    assert echo.counts()["ports"] == 200
    daemon.stop()
    assert set(workers_of(daemon, workers)) == set(range(workers))


def test_limits_of_all_workers_together(proxyd, peer):
    """[K-46] max-sessions is divided among the workers: never more than that in all."""
    server = peer()
    daemon, listener = start(proxyd, server.text, 4, **{"max-sessions": 40, "unanswered-share": "100%",
                                                        "unconfirmed-share": "100%"})
    clients = [peer() for _ in range(120)]
    for client in clients:
        client.send(b"x", listener)
        try:
            server.socket.settimeout(0.03 * SLOWNESS)
            data, source = server.socket.recvfrom(10)
            server.send(data, source)
            client.receive(0.3)
            client.send(b"confirmed", listener)
            server.socket.recvfrom(10)
        except (TimeoutError, AssertionError):
            pass
    counts = counters(daemon)
    assert counts["open"] == 40
    # On a busy machine an answer comes too late for some, and they give way to others.
    assert counts["created"] + counts["refused by sessions-full"] == 120
    assert counts["created"] - counts["closed"] == 40


def test_listening_sockets_are_one_for_each_worker(proxyd, peer):
    """[L-8] The parent has them all, so that a new REG finds each worker's own."""
    server = peer()
    daemon, _ = start(proxyd, server.text, 1)
    single = len(descriptors_of(daemon.pid))
    four, _ = start(proxyd, server.text, 4)
    # Three more listeners; of the 3,024 sockets that there may be half are there, but no more than 1024 for a worker.
    assert len(descriptors_of(four.pid)) == single + 3 + 4 * (3024 // 8) - 1024


def test_one_worker_that_is_busy_leaves_the_others_their_time(proxyd, peer, udp_echo):
    """[J-22] Sessions of all workers are served while one client floods."""
    echo, running = udp_echo(), [peer(f"127.0.{i}.1") for i in range(1, 21)]
    daemon, listener = start(proxyd, echo.text, 2)
    for client in running:
        assert client.ask(b"x", listener) == b"x"
    udp_load("--to", f"{listener[0]}:{listener[1]}", "--clients", 1, "--rate", 30_000, "--seconds", 1, "--max-loss", 100)
    for client in running:
        assert client.ask(b"y", listener) == b"y"
    wait_for(lambda: counters(daemon)["open"] == 21, what="all sessions are there")


def test_what_the_kernel_cannot_steer_is_handed_over(proxyd, peer):
    """IPv6 datagrams with extension headers: the same session, whichever worker they come to."""
    server, listener = peer("::1"), ("::1", free_port())
    daemon = proxyd(configuration(listener, server.text, udpserver={"max-sessions": 1000, "workers": 3}))
    for number in range(30):
        client = peer("::1")
        client.send(b"plain", listener)
        _, source = server.receive()
        options = bytes([0, 0, 1, 4, 0, 0, 0, 0])  # one header of destination options, which says nothing
        client.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_DSTOPTS, options)
        client.send(b"with options", listener)
        assert server.receive() == (b"with options", source), number
    assert counters(daemon)["open"] == 30
    daemon.send_signal(signal.SIGPWR)
    line = daemon.wait_line("UDPS-240-I", text="between workers")
    assert int(line.raw.split("between workers: ")[1].split()[0]) > 0 and ", 0 dropped" in line.raw


def test_every_session_is_reported_when_the_proxy_ends_among_new_ones(proxyd, udp_echo, background_load):
    """[K-67] One record for each source port that the server saw: no session opens in a worker that has closed."""
    echo = udp_echo()
    daemon, listener = start(proxyd, echo.text, 2, **{"max-sessions": 6000, "unanswered-share": "100%"})
    load = background_load("--to", f"{listener[0]}:{listener[1]}", "--clients", 3000, "--rate", int(6000 / SLOWNESS),
                           "--seconds", 4, "--max-loss", 100, "--from", "127.88.0.0/20")
    wait_for(lambda: echo.counts()["ports"] > 100, 10, "sessions")
    daemon.stop()
    load.finish()
    assert len(daemon.records(REASON="process-end")) == echo.counts()["ports"] < 3000
