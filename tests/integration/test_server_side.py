"""The server-side sockets under floods and shortage, and what they leave to others."""
import contextlib
import os
import signal
import socket
import time

import pytest

from control_socket import ask
from counters import counters
from deadline import wait_for
from free_ports import free_port, free_ports
from namespace import Namespace
from programs import udp_load
from proxyd_process import configuration

SHORTENED, EXHAUSTED, CEILING = "UDPS-322-W", "UDPS-321-W", "UDPS-323-K"
FIRST_PORT, LAST_PORT, RESERVED = 40000, 40999, (40100, 40499)


@pytest.fixture
def small_machine():
    """1,000 ephemeral ports, 400 of them reserved."""
    namespace = Namespace(f"net/ipv4/ip_local_port_range={FIRST_PORT} {LAST_PORT}",
                          f"net/ipv4/ip_local_reserved_ports={RESERVED[0]}-{RESERVED[1]}")
    with contextlib.closing(namespace):
        yield namespace


def ports_of(pid):
    """The UDP ports that are bound in the process's namespace."""
    with open(f"/proc/{pid}/net/udp") as table:
        return [int(line.split()[1].split(":")[1], 16) for line in table.readlines()[1:]]


def flood(listener, first, count):
    """First datagrams, each from an address of its own."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as _:
        for number in range(first, first + count):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.bind((f"127.200.{number // 250}.{number % 250 + 1}", 7))
                client.sendto(b"forged", listener)
            if number % 20 == 0:
                time.sleep(0.005)


def test_the_last_ports_are_left_to_others(small_machine, proxyd, peer):
    """[S-3] However many sessions strangers open; a new listener gets a reserved port."""
    with small_machine:
        server, listener = peer(), ("127.0.0.1", 5300)
        text = "127.0.0.1:%d" % server.address[1]
        config = configuration(listener, text, {"limits": {"unanswered": "60s"}}, udpserver={
            "max-sessions": 2000, "unanswered-share": "100%"})
        daemon = proxyd(config)
        flood(listener, 0, 700)
        wait_for(lambda: counters(daemon)["open"] >= 530, what="sessions on all ports")
        taken = [port for port in ports_of(daemon.pid) if FIRST_PORT <= port <= LAST_PORT and port != server.address[1]]
        assert not [port for port in taken if RESERVED[0] <= port <= RESERVED[1]]
        assert len(taken) <= 540
        with contextlib.ExitStack() as others:
            for _ in range(40):
                other = others.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                other.connect(("127.0.0.1", 53))  # as a resolver does
        assert daemon.lines(EXHAUSTED)


def test_new_clients_wait_while_the_parent_cannot_run(proxyd, udp_echo, background_load):
    """[S-2] The parent is stopped for 0.6 s while 2,000 new clients a second come: more than there are free sockets."""
    echo, listener = udp_echo(), ("127.0.0.1", free_port())
    daemon = proxyd(configuration(listener, echo.text, log={"to": "/dev/null"}, udpserver={"max-sessions": 20000}), ready=False)
    daemon.child()
    load = background_load("--to", f"{listener[0]}:{listener[1]}", "--from", "127.31.0.0/24", "--clients", 200, "--rate", 2000,
                           "--seconds", 2, "--max-loss", 100, "--churn")
    time.sleep(0.5)
    os.kill(daemon.pid, signal.SIGSTOP)
    time.sleep(0.6)
    os.kill(daemon.pid, signal.SIGCONT)
    _, figures = load.finish(60)
    print(f"\n{figures}", end="")
    assert figures["loss_percent"] < 1


def test_rules_that_share_a_small_range_of_ports_both_have_sockets(proxyd, peer):
    """[S-7] Rules of types normal and any-sock have sockets of their own, and neither takes all ports."""
    server, client, other, first, listener = peer(), peer(), peer(), free_ports(10), ("127.0.0.1", free_port())
    rule = {"source-port": f"{first}-{first + 9}"}
    config = configuration(listener, server.text, {**rule, "dscp": {"match": [8]}, "udp-session-type": "any-sock"})
    config["session-acl"] += configuration(listener, server.text, {**rule, "name": "others"})["session-acl"]
    daemon = proxyd(config)
    other.socket.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 8 << 2)
    for one in (client, other):
        one.send(b"question", listener)
        assert server.receive()[0] == b"question"
    assert counters(daemon)["open"] == 2


def test_the_start_and_the_status_say_how_many_new_sessions_are_possible(proxyd, peer, tmp_path):
    """[S-5] For each group; `doctor` shows what the status has."""
    first = free_ports(20)
    config = configuration(("127.0.0.1", free_port()), peer().text, {"source-port": f"{first}-{first + 19}"},
                           udpserver={"max-sessions": 1000, "quarantine": "10s"}, control={"socket": str(tmp_path / "sock")})
    daemon = proxyd(config)
    line = daemon.wait_line(CEILING).text
    assert line.startswith(f"server-side sockets of IPv4 ports {first}-{first + 19}: at most 20, so 2 new sessions per second")
    assert ask(tmp_path / "sock", "status")[0]["ceilings"] == [line]
