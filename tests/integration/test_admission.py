"""Who gets a session when there are too many: the limit of sessions, rates, shares of a source."""
import signal
import socket
import time

import pytest

from counters import counters
from deadline import SLOWNESS, wait_for
from forged import forged
from free_ports import free_port, free_ports
from programs import udp_load
from proxyd_process import configuration


def start(proxyd, server, rule=None, **udpserver):
    listener = ("127.0.0.1", free_port())
    return proxyd(configuration(listener, server.text, rule, udpserver={"max-sessions": 1000, **udpserver})), listener


def open_session(server, client, listener, answered=True):
    """True when the client has a session (an answered one) afterwards."""
    data = b"%s %d" % (client.address[0].encode(), client.address[1])
    client.send(data, listener)
    server.socket.settimeout(0.2)
    try:
        received, source = server.socket.recvfrom(100)
    except TimeoutError:
        return False
    assert received == data, f"{received!r} from {source}"
    if answered:
        server.send(received, source)
        assert client.receive() == (data, listener)
    return True


def test_when_max_sessions_is_reached_the_running_ones_go_on(proxyd, peer):
    """[K-46] [O-21] New clients are dropped, counted, and logged once a second at most; nothing is allocated."""
    server, clients = peer(), [peer() for _ in range(10)]
    daemon, listener = start(proxyd, server, **{"max-sessions": 10})
    assert all(open_session(server, client, listener) for client in clients for _ in range(2)), "confirmed"
    before = daemon.descriptor_counts()
    late = [peer() for _ in range(30)]
    for client in late:
        client.send(b"me too", listener)
    server.receive_nothing(0.2)
    counts = counters(daemon)
    assert (counts["open"], counts["refused by sessions-full"]) == (10, 30)
    assert 1 <= len(daemon.lines("UDPP-640-W")) <= 2
    assert daemon.descriptor_counts() == before
    for client in clients:
        assert open_session(server, client, listener)
    assert counters(daemon)["created"] == 10
    refusals = daemon.wait_records(STATUS="REJECTED", REASON="sessions-full")
    assert sum(int(record["DATAGRAMS-CIN"]) for record in refusals) == 30


def test_a_place_that_comes_free_is_taken_at_once(proxyd, peer):
    """[K-46] Also within one turn of the worker: the one place changes hands a hundred times."""
    server = peer()
    daemon, listener = start(proxyd, server, {"limits": {"client-datagrams": 1, "server-datagrams": 1}},
                             **{"max-sessions": 1, "quarantine-answered": "0s"})
    for _ in range(100):
        assert open_session(server, peer(), listener)
    assert counters(daemon)["created"] == 100


def test_unanswered_sessions_give_way_first_and_answered_ones_never(proxyd, peer):
    """[K-46] Spoofed sources fill their share only; the oldest of them goes for each that comes."""
    server, users = peer(), [peer() for _ in range(6)]
    daemon, listener = start(proxyd, server, **{"max-sessions": 10, "unanswered-share": "40%"})
    assert all(open_session(server, client, listener) for client in users for _ in range(2)), "confirmed"
    spoofed = [peer() for _ in range(20)]
    for client in spoofed:
        assert open_session(server, client, listener, answered=False)
    counts = counters(daemon)
    assert (counts["open"], counts["unanswered"]) == (10, 4)
    assert counts["closed by evicted"] == 16
    assert all(open_session(server, client, listener) for client in users), "no answered session is closed"
    evicted = daemon.wait_records(16, REASON="evicted")
    assert [int(r["CLIENT-PORT"]) for r in evicted] == [c.address[1] for c in spoofed[:16]], "the oldest first"
    assert all(record["RESULT"] == "ABORTED" for record in evicted)
    assert open_session(server, peer(), listener), "a new client is served"
    assert counters(daemon)["created"] == 27


@pytest.mark.parametrize("limit, sources, opened", [
    ("per-address", ["127.0.5.1"] * 5 + ["127.0.5.2"] * 5, 6), ("per-network", ["127.0.5.1", "127.0.5.2"] * 3, 3),
    ("per-network", ["127.0.5.1", "127.0.6.1"] * 4, 6)], ids=["address", "network", "networks"])
def test_a_source_has_a_number_of_open_sessions(proxyd, peer, limit, sources, opened):
    """[K-77] The port is no part of it; when a session ends its place is free again."""
    server = peer()
    daemon, listener = start(proxyd, server, {"limits": {"idle": "3s"}}, **{limit: {"open": 3}})
    clients = [peer(address) for address in sources]
    results = [open_session(server, client, listener) for client in clients]
    assert results.count(True) == opened
    counts = counters(daemon)
    assert counts.get("refused by source-limited", 0) == len(sources) - opened
    assert daemon.lines("UDPP-641-N")
    daemon.wait_records(opened, 8, REASON="idle")
    assert open_session(server, clients[-1], listener)


def test_a_source_opens_so_many_sessions_a_second(proxyd, peer):
    """[K-77] The others are not touched; after a second it may again."""
    server = peer()
    daemon, listener = start(proxyd, server, **{"per-address": {"new-per-second": 5}})
    begin = time.monotonic()
    greedy = [open_session(server, peer("127.0.5.1"), listener) for _ in range(20)]
    took = time.monotonic() - begin
    assert 5 <= greedy.count(True) <= 5 + took * 5 + 1
    assert greedy[:5] == [True] * 5
    assert open_session(server, peer("127.0.5.2"), listener)
    wait_for(lambda: open_session(server, peer("127.0.5.1"), listener), 2, "the next second")
    assert counters(daemon)["refused by source-limited"] >= greedy.count(False)


def test_new_sessions_of_all_sources_have_a_rate(proxyd, udp_echo, peer):
    """[O-25] [O-24] Datagrams of running sessions are not limited by it."""
    echo, running = udp_echo(), peer()
    daemon, listener = start(proxyd, echo, **{"new-sessions-per-second": 50})
    assert running.ask(b"x", listener) == b"x"
    _, figures = udp_load("--to", f"{listener[0]}:{listener[1]}", "--clients", 200, "--rate", 400, "--seconds", 2,
                          "--churn", "--from", "127.66.0.0/30", "--linger", 200)
    for number in range(200):
        assert running.ask(b"%d" % number, listener) == b"%d" % number
    assert 50 + 2 * 50 - 25 <= figures["received"] <= 50 + figures["seconds"] * 50 + 10
    counts = counters(daemon)
    assert counts["refused by rate-limited"] == figures["lost"]
    assert counts["created"] == figures["received"] + 1
    rejected = [r for r in daemon.records(STATUS="REJECTED") if r["REASON"] == "rate-limited"]
    assert len(rejected) <= 2 * 5, "the refusals of a source are summed up for a second"
    assert sum(int(record["COUNT"]) for record in rejected) <= counts["refused by rate-limited"]


@pytest.mark.load
def test_a_flood_at_one_listener_does_not_starve_another(proxyd, udp_echo, peer, background_load):
    """[L-22] [J-22]"""
    echo, first, quiet = udp_echo(), free_ports(2), peer()
    daemon = proxyd(configuration(("127.0.0.1", f"{first}-{first + 1}"), echo.text))
    load = background_load("--to", f"127.0.0.1:{first}", "--clients", 20, "--rate", 60_000, "--seconds", 3)
    times = []
    while load.running:
        begin = time.monotonic()
        assert quiet.ask(b"x", ("127.0.0.1", first + 1), seconds=3) == b"x"
        times.append(time.monotonic() - begin)
        time.sleep(0.01)
    status, figures = load.finish()
    assert len(times) > 20 and figures["wrong"] == 0
    assert sorted(times)[len(times) // 2] < 0.1, f"half of the answers take longer: {sorted(times)[-5:]}"
    assert counters(daemon)["open"] == 21


@pytest.mark.load
def test_a_flood_does_not_keep_reg_from_answering_its_administrator(proxyd, udp_echo, background_load):
    """[O-1] Signals, heartbeat and timers come to their turn while a listener is flooded."""
    echo, listener = udp_echo(), free_port()
    daemon = proxyd(configuration(("127.0.0.1", listener), echo.text,
                                  udpserver={"max-sessions": 1000, "heartbeat": "1s"}))
    load = background_load("--to", f"127.0.0.1:{listener}", "--clients", 20, "--rate", 80_000, "--seconds", 3)
    for number in range(1, 6):
        daemon.send_signal(signal.SIGPWR)
        daemon.wait_line("UDPS-240-I", "sessions:", count=number, seconds=2)
    load.finish()
    assert not daemon.lines("UDPS-225-E"), "no heartbeat was missed"


@pytest.mark.load
def test_many_sessions_that_expire_together_hold_nobody_up(proxyd, udp_echo, peer):
    """[O-36] [O-37] 8,000 sessions end in slices within about a second; a running client hardly notices."""
    echo, running, listener = udp_echo("--silent"), peer(), ("127.0.0.1", free_port())
    second, other = udp_echo(), ("127.0.0.2", free_port())
    config = configuration(listener, echo.text, {"to": f"127.0.0.1:{listener[1]}", "limits": {"unanswered": "3s"}},
                           udpserver={"max-sessions": 18000, "unanswered-share": "90%"})
    config["listen-on"].append({"address": other[0], "port": other[1]})
    config["session-acl"].append({"name": "other", "action": "accept", "plug-to": second.text})
    daemon = proxyd(config)
    _, figures = udp_load("--to", f"{listener[0]}:{listener[1]}", "--clients", 8000, "--count", 1, "--rate", 6000,
                          "--max-loss", 100, "--linger", 100, "--from", "127.67.0.0/24")
    assert figures["sent"] == 8000
    times = []
    end = time.monotonic() + 12
    while len(daemon.records(REASON="unanswered")) < 7000 and time.monotonic() < end:
        begin = time.monotonic()
        assert running.ask(b"x", other, seconds=3) == b"x"
        times.append(time.monotonic() - begin)
    assert sorted(times)[len(times) * 9 // 10] < 0.05 * SLOWNESS and max(times) < 1.5 * SLOWNESS
    wait_for(lambda: counters(daemon)["open"] == 1, 5, "all others have ended")
    assert len(daemon.wait_records(8000, REASON="unanswered")) == 8000, "each once [O-38]"


def test_answered_sessions_of_forged_sources_give_way(proxyd, peer, udp_echo):
    """[B-1] 1,500 requests that the server answers and nobody continues keep no client out, and no client loses."""
    server, users = udp_echo(), [peer() for _ in range(20)]
    daemon, listener = start(proxyd, server, **{"max-sessions": 1000, "source-share": "100%"})
    for user in users:
        for _ in range(2):
            assert user.ask(b"mine", listener) == b"mine"
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        for number in range(1500):
            source = (f"127.1.{number // 250}.{number % 250 + 1}", 4000)
            raw.sendto(forged(source, listener, b"forged"), (listener[0], 0))
            if number % 50 == 0:
                time.sleep(0.01)
    wait_for(lambda: counters(daemon)["created"] >= 1500, what="the forged sessions")
    counts = counters(daemon)
    assert counts["unconfirmed"] <= 1000 - len(users) and "refused by sessions-full" not in counts
    assert all(peer().ask(b"new", listener) == b"new" for _ in range(20)), "new clients are served"
    assert all(user.ask(b"mine", listener) == b"mine" for user in users)
    evicted = daemon.wait_records(REASON="evicted")
    ports = {str(user.address[1]) for user in users}
    assert not [record for record in evicted if record["CLIENT-PORT"] in ports and record["CLIENT-IP"] == "127.0.0.1"]
