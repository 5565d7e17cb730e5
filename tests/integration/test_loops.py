"""Datagrams that would come back to the proxy without end: each is refused where it enters."""
import socket
import subprocess
import time

import pytest

from counters import counters
from deadline import wait_for
from forged import forged
from free_ports import free_port
from namespace import Namespace
from programs import program
from proxyd_process import configuration

PORT = 4009


def send_forged(source, destination, payload=b"loop"):
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        raw.sendto(forged(source, destination, payload), (destination[0], 0))


@pytest.fixture
def host(started):
    """A host with the address 10.1.0.1/24 on an interface where nobody else is."""
    namespace = Namespace("net/ipv4/conf/all/rp_filter=0", "net/ipv4/conf/default/rp_filter=0")
    started.append(namespace)
    namespace.ip("link", "add", "lan", "type", "bridge")
    namespace.address("lan", "10.1.0.1/24")
    return namespace


def test_the_server_is_no_client(host, proxyd, udp_echo):
    """[A-1] A datagram whose source is the server's address and port loops between proxy and server without end."""
    with host:
        server = udp_echo()
        listener = ("127.0.0.1", PORT)
        daemon = proxyd(configuration(listener, server.text))
        send_forged(server.address, listener)
        wait_for(lambda: counters(daemon).get("refused by bad-source") == 1, what="the refusal")
    time.sleep(0.3)
    counts = counters(daemon)
    assert (counts["created"], counts["refused"]) == (0, 1)


def test_a_broadcast_does_not_come_back_as_a_client(host, proxyd, peer):
    """[A-2] A wildcard listener on the port of the broadcast receives what the proxy itself sends there."""
    rule = {"udp-session-type": "broadcast", "broadcast-prefix": 24}
    with host:
        client = peer("10.1.0.1")
        daemon = proxyd(configuration(("0.0.0.0", PORT), f"10.1.0.255:{PORT}", rule))
        client.send(b"who is there?", ("10.1.0.1", PORT))
        wait_for(lambda: counters(daemon).get("refused by bad-source") == 1, what="the broadcast's return")
    time.sleep(0.3)
    counts = counters(daemon)
    assert (counts["created"], counts["refused by bad-source"]) == (1, 1)


def check(daemon):
    """proxyd -n with the same file: (exit status, what it says)."""
    done = subprocess.run([program("proxyd"), "-n", "-f", daemon.file], capture_output=True, text=True, timeout=10)
    return done.returncode, done.stderr + done.stdout


def test_a_server_on_the_machine_s_own_address_is_an_error_or_refused(host, proxyd, peer):
    """[A-3] Known at the start: an error, with -n too. Known later: new sessions are refused, and the log says why."""
    config = configuration(("0.0.0.0", PORT), f"10.1.0.2:{PORT}")
    with host:
        daemon = proxyd(config)
        assert check(daemon)[0] == 0
    host.address("lan", "10.1.0.2/24")
    with host:
        status, said = check(daemon)
        assert status == 1 and "its datagrams would loop" in said, said
        peer("10.1.0.1").send(b"loop", ("10.1.0.1", PORT))
        wait_for(lambda: counters(daemon).get("refused by loop") == 1, what="the refusal")
        assert any("the server is this proxy's own listener" in line.text for line in daemon.lines("UDPP-620-N"))
        assert counters(daemon)["created"] == 0


def test_two_proxies_that_serve_each_other_stop(proxyd, peer):
    """[A-4] One datagram opens a share of the unanswered sessions of each, then nothing goes round any more."""
    first, second = (("127.0.0.1", free_port()) for _ in range(2))
    size = {"max-sessions": 1000}
    daemons = [proxyd(configuration(first, f"127.0.0.1:{second[1]}", udpserver=size)),
               proxyd(configuration(second, f"127.0.0.1:{first[1]}", udpserver=size))]
    peer().send(b"round", first)

    def created():
        return [counters(daemon)["created"] for daemon in daemons]

    def has_stopped():
        before = created()
        time.sleep(0.3)
        return before if created() == before else None
    assert max(wait_for(has_stopped, 20, what="the end of the loop")) <= 126, "a quarter of the half, and the client"
    assert sum(counters(daemon).get("refused by source-limited", 0) for daemon in daemons) == 1
