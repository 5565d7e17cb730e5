"""One client that sends more than it may: what is dropped, what is counted, and that the others notice nothing."""
import contextlib
import os
import signal
import socket
import time

import pytest

from control_gateway import ctl, gw  # noqa: F401
from deadline import SLOWNESS, wait_for
from processes import stop_process
from tagged_server import TaggedServer


@pytest.fixture
def server():
    with TaggedServer("A", "127.0.0.21", 0) as one:
        yield one


def handled(one):
    """Datagrams of clients that REG has decided about."""
    stats = one.row("stats")
    return stats["client_datagrams"] + stats["over_rate"] + stats["refused"]


def flood(client, listener, datagrams, ports=1):
    """Sends them from one address, without a pause."""
    sockets = [client.socket]
    for _ in range(ports - 1):
        more = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        more.bind((client.address[0], 0))
        sockets.append(more)
    for number in range(datagrams):
        sockets[number % ports].sendto(b"flood", listener)
    for more in sockets[1:]:
        more.close()


def test_a_session_has_a_rate(gw, server, peer):
    """[B-4] The burst is forwarded, the rest is dropped and counted in stats, rules, session and record; others are not touched."""
    rule = {"name": "all", "action": "accept", "plug-to": [server.text], "limits": {"rate": "1/s", "burst": 20}}
    one = gw(server.text, [rule])
    heavy, light = peer(), peer()
    flood(heavy, one.listener, 1000)
    wait_for(lambda: handled(one) == 1000, what="the flood")
    for number in range(5):
        assert light.ask(b"%d" % number, one.listener) == b"A %d" % number
    stats, rows = one.row("stats"), {row["client"]: row for row in one.rows("sessions")}
    dropped = stats["over_rate"]
    assert 970 <= dropped <= 980 and stats["client_datagrams"] == 1005 - dropped
    assert rows[heavy.text]["over_rate"] == dropped and "over_rate" not in rows[light.text]
    assert one.row("rules")["over_rate"] == dropped
    assert 1 <= len(one.daemon.lines("UDPP-642-N")) <= 5
    one.daemon.stop()
    records = {record["CLIENT"]: record for record in one.daemon.records()}
    assert int(records[heavy.text]["DATAGRAMS-OVER-RATE"]) == dropped
    assert int(records[heavy.text]["DATAGRAMS-CIN"]) == 1000 - dropped
    assert records[light.text]["DATAGRAMS-OVER-RATE"] == "0"


def test_an_address_has_a_rate_over_all_its_sessions(gw, server, peer):
    """[B-4] Also of open sessions; explain says why, a record per second says how many."""
    one = gw(server.text, udpserver={"max-sessions": 1000, "per-address": {"rate": "1/s", "burst": 20}})
    heavy, light = peer("127.0.5.1"), peer("127.0.5.2")
    flood(heavy, one.listener, 1000, ports=5)
    wait_for(lambda: handled(one) == 1000, what="the flood")
    *_, decision = one.rows("explain", "from", "127.0.5.1", "to", "127.0.0.1:%d" % one.listener[1])
    assert decision["decision"] == "deny" and decision["why"].startswith("source-rate")
    for number in range(5):
        assert light.ask(b"%d" % number, one.listener) == b"A %d" % number
    stats = one.row("stats")
    assert 970 <= stats["refused_source_rate"] == stats["refused"] <= 980 and stats["created"] == 6
    assert one.daemon.lines("UDPP-642-N")
    one.daemon.stop()
    refused = [record for record in one.daemon.records() if record["REASON"] == "source-rate"]
    assert {record["CLIENT-IP"] for record in refused} == {"127.0.5.1"}
    assert sum(int(record["COUNT"]) for record in refused) == stats["refused_source_rate"]


@pytest.mark.parametrize("next_reg", [False, True], ids=["same", "next"])
def test_what_waited_too_long_is_dropped(gw, server, peer, next_reg):
    """[B-4] By a REG that was stopped, and by the next one; what came last is forwarded, and the session goes on."""
    limit = 1000 * SLOWNESS  # a slow REG needs time to start and read what came last
    one = gw(server.text, udpserver={"max-sessions": 1000, "max-queue-age": f"{limit:.0f}ms", "heartbeat": "1m"})
    client = peer()
    assert client.ask(b"before", one.listener) == b"A before"
    pid = one.daemon.child()
    stop_process(pid)
    try:
        for _ in range(64):  # two reads
            client.send(b"old", one.listener)
        time.sleep(1.2 * limit / 1000)  # they grow old
        client.send(b"new", one.listener)
        if next_reg:
            os.kill(pid, signal.SIGKILL)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    assert client.receive(5)[0] == b"A new", one.row("stats")
    assert client.ask(b"after", one.listener) == b"A after"
    assert server.data == [b"before", b"new", b"after"] and len(server.sources) == 1
    stats = one.row("stats")
    assert (stats["refused_queue_age"], stats["refused"], stats["created"]) == (64, 64, 1)
    assert one.daemon.lines("UDPP-644-W")
    one.daemon.stop()
    assert sum(int(r["COUNT"]) for r in one.daemon.records() if r["REASON"] == "queue-age") == 64


def test_what_waited_for_a_short_time_is_forwarded(gw, server, peer):
    """[B-4] The default is a second: what comes while REG is replaced is served. (A slow REG needs more to start.)"""
    slow = {"max-queue-age": f"{1000 * SLOWNESS:.0f}ms"} if SLOWNESS > 1 else {}
    one = gw(server.text, udpserver={"max-sessions": 1000, **slow})
    client = peer()
    assert client.ask(b"before", one.listener) == b"A before"
    pid = one.daemon.child()
    stop_process(pid)
    for _ in range(64):
        client.send(b"x", one.listener)
    os.kill(pid, signal.SIGKILL)
    for _ in range(64):
        assert client.receive(5)[0] == b"A x"
    assert "refused_queue_age" not in one.row("stats")
