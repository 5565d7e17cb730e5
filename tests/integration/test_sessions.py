"""Which datagram belongs to which session, and which may open one."""
import pytest

from counters import counters
from deadline import wait_for
from free_ports import free_port, free_ports
from proxyd_process import configuration


def question_and_source(server, data, client, listener):
    """The client sends; returns the proxy's address as the server sees it."""
    client.send(data, listener)
    received, source = server.receive()
    assert received == data
    return source


def test_two_ports_of_a_client_are_two_sessions(proxyd, peer):
    """[K-31]"""
    server, listener = peer(), ("127.0.0.1", free_port())
    daemon = proxyd(configuration(listener, server.text))
    clients = [peer(), peer()]
    sources = [question_and_source(server, b"%d" % i, client, listener) for i, client in enumerate(clients)]
    assert sources[0] != sources[1]
    for i in (1, 0):
        server.send(b"answer %d" % i, sources[i])
    for i, client in enumerate(clients):
        assert client.receive() == (b"answer %d" % i, listener)
        client.receive_nothing(0.05)
    assert question_and_source(server, b"again", clients[0], listener) == sources[0], "the session continues"
    assert counters(daemon)["open"] == 2
    daemon.stop()
    assert {(r["CLIENT-IP"], int(r["CLIENT-PORT"])) for r in daemon.records()} == {c.address for c in clients}


def test_the_same_client_at_two_listeners_has_two_sessions(proxyd, peer):
    """[K-31] Also on two ports of one range."""
    server, client, first = peer(), peer(), free_ports(2)
    config = configuration(("127.0.0.1", f"{first}-{first + 1}"), server.text)
    daemon = proxyd(config)
    sources = [question_and_source(server, b"x", client, ("127.0.0.1", port)) for port in (first, first + 1)]
    assert sources[0] != sources[1]
    for source, port in zip(sources, (first, first + 1)):
        server.send(b"answer", source)
        assert client.receive() == (b"answer", ("127.0.0.1", port)), "it leaves from where it was asked [K-44]"
    assert counters(daemon)["open"] == 2


def test_the_datagram_that_opens_a_session_is_forwarded_with_all_that_follow(proxyd, peer):
    """[K-32] Nothing is lost or overtaken while the session is made."""
    server, client, listener = peer(), peer(), ("127.0.0.1", free_port())
    proxyd(configuration(listener, server.text))
    for number in range(30):
        client.send(b"%d" % number, listener)
    received = [server.receive() for _ in range(30)]
    assert [data for data, _ in received] == [b"%d" % number for number in range(30)]
    assert len({source for _, source in received}) == 1


@pytest.mark.parametrize("rules", [
    [{"name": "no", "action": "deny"}],
    [{"name": "others", "from": ["192.0.2.0/24"], "action": "accept", "plug-to": "127.0.0.1:9"}],
], ids=["deny", "default-deny"])
def test_a_denied_client_makes_no_state(proxyd, peer, rules):
    """[K-33] [O-22] No session, no descriptor, one record for all of its datagrams of a second, and no answer."""
    client, listener = peer(), ("127.0.0.1", free_port())
    config = configuration(listener, "127.0.0.1:9")
    config["session-acl"] = rules
    daemon = proxyd(config)
    before = daemon.descriptor_counts()
    for _ in range(20):
        client.send(b"let me in", listener)
    record = daemon.wait_records(STATUS="REJECTED", seconds=4)[0]
    assert record["REASON"] == "acl" and record["CLIENT-IP"] == "127.0.0.1"
    assert record["RULE"] == ("no" if rules[0]["action"] == "deny" else "")
    client.receive_nothing(0.05)
    counts = counters(daemon)
    assert (counts["open"], counts["created"], counts["refused by acl"]) == (0, 0, 20)
    assert daemon.descriptor_counts() == before
    assert sum(int(r["DATAGRAMS-CIN"]) for r in daemon.records()) == 20


@pytest.mark.parametrize("record,sessions,refusals", [
    ("always", 20, True), ("refused", 0, True), ("never", 0, False), ("1/5", 4, True), ("1/7", 3, True)])
def test_a_rule_says_which_records_are_written(proxyd, peer, udp_echo, record, sessions, refusals):
    """[F-2] Sessions that were served, or that no server answered, and refused datagrams; the counters have all."""
    first = free_port()
    config = configuration(("127.0.0.1", first), udp_echo().text)
    config["session-acl"] = [
        {"name": "served", "from": "127.0.5.1", "action": "accept", "plug-to": udp_echo().text, "record": record,
         "limits": {"server-datagrams": 1}},
        {"name": "denied", "from": "127.0.5.2", "action": "deny", "record": record},
        {"name": "last", "action": "accept", "plug-to": udp_echo().text, "limits": {"server-datagrams": 1}}]
    daemon = proxyd(config)
    for _ in range(20):
        assert peer("127.0.5.1").ask(b"x", ("127.0.0.1", first)) == b"x"
    peer("127.0.5.2").send(b"x", ("127.0.0.1", first))
    assert peer("127.0.5.3").ask(b"x", ("127.0.0.1", first)) == b"x"
    daemon.wait_records(RULE="last")
    counts = counters(daemon)
    assert (counts["created"], counts["refused by acl"]) == (21, 1)
    daemon.stop()
    assert len(daemon.records(RULE="served")) == sessions
    assert len(daemon.records(RULE="denied")) == (1 if refusals else 0)


def test_an_unanswered_session_was_not_refused(proxyd, peer):
    """[F-2] record: refused writes no record of a session that was accepted, whatever became of it."""
    listener = ("127.0.0.1", free_port())
    daemon = proxyd(configuration(listener, peer().text, {"record": "refused", "limits": {"unanswered": "100ms"}}))
    peer().send(b"x", listener)
    wait_for(lambda: counters(daemon)["open"] == 0, what=daemon.tail)
    daemon.stop()
    assert not daemon.records()


def test_the_first_rule_whose_conditions_all_match_decides(proxyd, peer):
    """[K-33] Order counts, and so does every condition: from, to."""
    servers, first = [peer() for _ in range(3)], free_ports(2)
    config = configuration(("127.0.0.1", f"{first}-{first + 1}"), servers[0].text)
    config["session-acl"] = [
        {"name": "bad", "from": "127.0.5.66", "action": "deny"},
        {"name": "lan-a", "from": "127.0.5.0/24", "to": f"127.0.0.1:{first}", "action": "accept",
         "plug-to": servers[0].text},
        {"name": "lan-b", "from": "127.0.5.0/24", "action": "accept", "plug-to": servers[1].text},
        {"name": "rest", "action": "accept", "plug-to": servers[2].text}]
    proxyd(config)
    cases = [("127.0.5.1", first, 0), ("127.0.5.1", first + 1, 1), ("127.0.6.1", first, 2), ("127.0.5.66", first, None)]
    for address, port, wanted in cases:
        client = peer(address)
        text = f"{address} {port}".encode()
        client.send(text, ("127.0.0.1", port))
        if wanted is not None:
            assert servers[wanted].receive()[0] == text
    for server in servers:
        server.receive_nothing(0.1)


def test_host_lists(proxyd, peer):
    """[K-34] Networks, ranges, masks with gaps, negation, and lists in lists; a negative list excludes without
    including its own exclusions."""
    server, listener = peer(), ("127.0.0.1", free_port())
    config = configuration(listener, server.text, {"from": ["@inside", "!@banned", "127.9.0.5-127.9.0.7",
                                                            "127.7.0.1/255.255.0.255"]},
                           lists={"inside": ["127.1.0.0/16", "@more", "!127.1.9.0/24"], "more": ["127.2.0.1"],
                                  "banned": ["127.1.5.0/24", "!127.1.5.5"]})
    proxyd(config)
    allowed = ["127.1.0.1", "127.2.0.1", "127.9.0.5", "127.9.0.7", "127.7.200.1", "127.1.5.5"]
    denied = ["127.1.9.1", "127.2.0.2", "127.9.0.4", "127.9.0.8", "127.7.200.2", "127.1.5.4", "127.3.0.1"]
    for address in denied + allowed:
        peer(address).send(address.encode(), listener)
    assert sorted(server.receive()[0].decode() for _ in allowed) == sorted(allowed)
    server.receive_nothing(0.1)


def test_a_rule_without_a_target_is_refused_when_it_is_read(proxyd):
    """[K-35] A session of a non-transparent listener would have nowhere to go."""
    config = configuration(("127.0.0.1", free_port()), "127.0.0.1:9")
    del config["session-acl"][0]["plug-to"]
    daemon = proxyd(config, ready=False)
    assert daemon.wait() != 0
    assert "plug-to" in daemon.error_text() and "missing" in daemon.error_text()


def test_the_policy_is_asked_once_a_session(proxyd, peer):
    """[K-33] A datagram of a running session is not judged again, even if it would be refused now."""
    server, client, listener = peer(), peer(), ("127.0.0.1", free_port())
    config = configuration(listener, server.text, {"dscp": {"match": [10]}})
    daemon = proxyd(config)
    stranger = peer()
    stranger.send(b"wrong mark", listener)
    client.socket.setsockopt(0, 1, 10 << 2)  # IP_TOS
    source = question_and_source(server, b"marked", client, listener)
    client.socket.setsockopt(0, 1, 0)
    assert question_and_source(server, b"not marked", client, listener) == source
    server.receive_nothing(0.05)
    assert counters(daemon)["refused by acl"] == 1
