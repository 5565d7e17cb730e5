"""What ends a session, exactly when, and what that says in its record."""
import time

import pytest

from counters import counters
from free_ports import free_port
from proxyd_process import configuration

LATE = 0.8  # seconds that a loaded machine may add to a time limit; too early is never right


def start(proxyd, peer, limits, address="127.0.0.1", **rule):
    """(daemon, server, client, listener) with these limits."""
    server, client, listener = peer(address), peer(address), (address, free_port())
    return proxyd(configuration(listener, server.text, {"limits": limits, **rule})), server, client, listener


def exchange(server, client, listener, data=b"x"):
    """One round trip; returns the source that the server saw."""
    client.send(data, listener)
    received, source = server.receive()
    server.send(received, source)
    assert client.receive() == (received, listener)
    return source


def ended(daemon, reason, count=1, seconds=4):
    """The records of sessions that ended for that reason, and nothing else has ended."""
    records = daemon.wait_records(count, seconds, REASON=reason)
    assert len(records) == count == len(daemon.records()), daemon.records()
    return records


def duration(record):
    return float(record["DURATION"])


def test_an_idle_session_ends(proxyd, peer):
    """[K-36] [K-51]"""
    daemon, server, client, listener = start(proxyd, peer, {"idle": "400ms"})
    exchange(server, client, listener)
    record = ended(daemon, "idle")[0]
    assert 0.4 <= duration(record) <= 0.4 + LATE
    assert (record["STATUS"], record["RESULT"]) == ("ACCEPTED", "OK")
    assert counters(daemon)["open"] == 0


def test_every_datagram_of_either_side_restarts_the_idle_timer(proxyd, peer):
    """[K-38]"""
    daemon, server, client, listener = start(proxyd, peer, {"idle": "500ms", "unanswered": "0s"})
    source = exchange(server, client, listener)
    for number in range(8):
        time.sleep(0.15)
        if number % 2:
            client.send(b"c", listener)
            server.receive()
        elif number < 6:
            server.send(b"s", source)
            client.receive()
    record = ended(daemon, "idle")[0]
    assert 8 * 0.15 + 0.5 <= duration(record) + 0.01 <= 8 * 0.15 + 0.5 + 2 * LATE


@pytest.mark.parametrize("speaker", ["client", "server"])
def test_one_side_alone_keeps_a_session(proxyd, peer, speaker):
    """[K-38]"""
    daemon, server, client, listener = start(proxyd, peer, {"idle": "400ms"})
    source = exchange(server, client, listener)
    for _ in range(8):
        time.sleep(0.1)
        client.send(b"c", listener) if speaker == "client" else server.send(b"s", source)
    assert duration(ended(daemon, "idle")[0]) >= 1.2 - 0.01


def test_an_unanswered_session_ends_sooner_and_has_failed(proxyd, peer):
    """[K-36] `unanswered` counts from the client's last datagram, and only until the first answer."""
    daemon, server, client, listener = start(proxyd, peer, {"unanswered": "1s", "idle": "10s"})
    client.send(b"anybody?", listener)
    time.sleep(0.2)
    client.send(b"anybody?", listener)
    record = ended(daemon, "unanswered")[0]
    assert 1.19 <= duration(record) <= 1.2 + LATE
    assert record["RESULT"] == "FAILED"
    answered = peer()
    source = exchange(server_after(server, 2), answered, listener)
    time.sleep(1.3)
    server.send(b"much later", source)
    assert answered.receive() == (b"much later", listener)


def server_after(server, count):
    """The server, with that many datagrams taken off."""
    for _ in range(count):
        server.receive()
    return server


def test_the_lifetime_is_not_extended_by_traffic(proxyd, peer):
    """[K-38] [O-32] The client's next datagram opens another session."""
    daemon, server, client, listener = start(proxyd, peer, {"lifetime": "600ms"})
    sources = []
    end = time.monotonic() + 0.95
    while time.monotonic() < end:
        sources.append(exchange(server, client, listener))
        time.sleep(0.02)
    record = ended(daemon, "lifetime")[0]
    assert 0.6 <= duration(record) <= 0.6 + LATE
    assert len(set(sources)) == 2 and sources == sorted(sources, key=sources.index)
    assert record["RESULT"] == "OK"


def test_a_time_limit_holds_to_the_millisecond_for_the_next_datagram(proxyd, peer):
    """[K-36] A datagram that comes after the idle time opens a new session; one well before it does not."""
    daemon, server, client, listener = start(proxyd, peer, {"idle": "300ms"})
    first = exchange(server, client, listener)
    time.sleep(0.15)
    assert exchange(server, client, listener) == first
    time.sleep(0.31)
    assert exchange(server, client, listener) != first
    assert daemon.wait_records(REASON="idle")


def test_datagrams_of_the_client_are_limited_exactly(proxyd, peer):
    """[K-36] The one after the last goes into a new session; the old one still gets its answers."""
    daemon, server, client, listener = start(proxyd, peer, {"client-datagrams": 3})
    for number in range(4):
        client.send(b"%d" % number, listener)
    got = [server.receive() for _ in range(4)]
    assert len({source for _, source in got[:3]}) == 1 and got[3][1] != got[0][1]
    server.send(b"late", got[0][1])
    assert client.receive() == (b"late", listener)
    daemon.stop()
    assert sorted(r["DATAGRAMS-CIN"] for r in daemon.records()) == ["1", "3"]


def test_datagrams_of_the_server_are_limited_exactly(proxyd, peer):
    """[K-36] The last one is forwarded and closes the session; the next one reaches no client."""
    daemon, server, client, listener = start(proxyd, peer, {"server-datagrams": 3})
    client.send(b"go", listener)
    _, source = server.receive()
    for number in range(5):
        server.send(b"%d" % number, source)
    assert [client.receive()[0] for _ in range(3)] == [b"0", b"1", b"2"]
    client.receive_nothing(0.1)
    record = ended(daemon, "server-datagrams")[0]
    assert (record["DATAGRAMS-SIN"], record["DATAGRAMS-COUT"], record["RESULT"]) == ("3", "3", "OK")


@pytest.mark.parametrize("sizes, passed", [([40, 60, 1], 2), ([100, 1], 1), ([99, 2, 1], 1), ([101], 0)])
def test_bytes_of_the_server_are_limited_exactly(proxyd, peer, sizes, passed):
    """[K-36] The limit is never passed: a datagram that does not fit ends the session and is not forwarded."""
    daemon, server, client, listener = start(proxyd, peer, {"server-bytes": 100})
    client.send(b"go", listener)
    _, source = server.receive()
    for size in sizes:
        server.send(bytes(size), source)
    assert [len(client.receive()[0]) for _ in range(passed)] == sizes[:passed]
    client.receive_nothing(0.1)
    record = ended(daemon, "server-bytes")[0]
    assert int(record["BYTES-COUT"]) == sum(sizes[:passed])


@pytest.mark.parametrize("sizes, sessions", [([40, 60, 1], [2, 1]), ([100, 100], [1, 1]), ([99, 2, 98], [1, 2])])
def test_bytes_of_the_client_are_limited_exactly(proxyd, peer, sizes, sessions):
    """[K-36] What does not fit into the session goes into the next."""
    daemon, server, client, listener = start(proxyd, peer, {"client-bytes": 100})
    for size in sizes:
        client.send(bytes(size), listener)
    got = [server.receive() for _ in sizes]
    assert [len(data) for data, _ in got] == sizes
    sources = [source for _, source in got]
    assert [sources.count(source) for source in dict.fromkeys(sources)] == sessions
    daemon.stop()
    assert all(int(r["BYTES-SOUT"]) <= 100 for r in daemon.records())


def test_a_datagram_larger_than_the_limit_opens_nothing(proxyd, peer):
    """[K-36] [O-22]"""
    daemon, server, client, listener = start(proxyd, peer, {"client-bytes": 100})
    client.send(bytes(101), listener)
    server.receive_nothing(0.2)
    assert counters(daemon)["refused by client-bytes"] == 1
    assert counters(daemon)["created"] == 0


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_one_question_and_one_answer_end_a_session_at_once(proxyd, peer, address):
    """[K-37] A second question from the same port opens a new session."""
    daemon, server, client, listener = start(proxyd, peer, {"client-datagrams": 1, "server-datagrams": 1}, address)
    first = exchange(server, client, listener)
    record = ended(daemon, "server-datagrams")[0]
    assert duration(record) < LATE
    assert (record["DATAGRAMS-SOUT"], record["DATAGRAMS-COUT"], record["RESULT"]) == ("1", "1", "OK")
    assert exchange(server, client, listener) != first
    server.send(b"again", first)
    client.receive_nothing(0.1)
    assert len(daemon.wait_records(2, REASON="server-datagrams")) == 2


def test_questions_that_overlap_get_each_their_answer(proxyd, peer):
    """[K-37] The second question does not wait for the first one's answer, and both come back."""
    daemon, server, client, listener = start(proxyd, peer, {"client-datagrams": 1, "server-datagrams": 1})
    client.send(b"one", listener)
    client.send(b"two", listener)
    got = dict(server.receive() for _ in range(2))
    assert len(set(got.values())) == 2
    for question in (b"two", b"one"):
        server.send(b"answer " + question, got[question])
        assert client.receive() == (b"answer " + question, listener)
    assert len(ended(daemon, "server-datagrams", 2)) == 2


def test_few_bytes_in_the_idle_time_count_as_idle(proxyd, peer):
    """[K-36] [O-31] Keep-alives of one byte do not keep a session."""
    daemon, server, client, listener = start(proxyd, peer, {"idle": "500ms", "idle-bytes": 100})
    exchange(server, client, listener)
    for _ in range(9):
        client.send(b"k", listener)
        time.sleep(0.1)
        if daemon.records():
            break
    assert daemon.wait_records(REASON="idle")


def test_a_limit_ends_its_own_session_only(proxyd, peer):
    """[O-34]"""
    server, listener = peer(), ("127.0.0.1", free_port())
    config = configuration(listener, server.text)
    config["session-acl"].insert(0, {"name": "short", "from": "127.0.5.0/24", "action": "accept",
                                     "plug-to": server.text, "limits": {"lifetime": "1s"}})
    daemon = proxyd(config)
    short, lasting = [peer(f"127.0.5.{i}") for i in range(1, 6)], [peer() for _ in range(5)]
    sources = [exchange(server, client, listener) for client in lasting]
    for client in short:
        exchange(server, client, listener)
    daemon.wait_records(5, REASON="lifetime", RULE="short")
    assert [exchange(server, client, listener) for client in lasting] == sources
    assert counters(daemon)["open"] == 5


def test_an_expired_session_makes_room_at_once(proxyd, peer):
    """[K-36] [K-46] The timer is a tick late; the only place is free for the next session all the same."""
    server, client, listener = peer(), peer(), ("127.0.0.1", free_port())
    daemon = proxyd(configuration(listener, server.text, {"limits": {"idle": "310ms"}}, udpserver={"max-sessions": 1}))
    sources = []
    for _ in range(8):
        sources.append(exchange(server, client, listener))
        time.sleep(0.315)
    assert len(set(sources)) == len(sources)
    assert counters(daemon)["refused"] == 0


def test_a_new_client_gets_the_place_of_an_expired_session(proxyd, peer):
    """[K-36] [K-46]"""
    server, listener = peer(), ("127.0.0.1", free_port())
    daemon = proxyd(configuration(listener, server.text, {"limits": {"idle": "310ms"}}, udpserver={"max-sessions": 1}))
    for number in range(8):
        exchange(server, peer(), listener)
        daemon.wait_records(number + 1)
    assert counters(daemon)["refused"] == 0
