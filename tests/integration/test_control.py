"""proxyctl before a running proxyd: what it shows is what is, and what it changes is changed."""
import json
import os
import re
import signal
import time

import pytest

from control_gateway import ctl, echo, gw  # noqa: F401
from deadline import SLOWNESS, wait_for
from dns_packet import reverse_name
from evil_dns import addresses, pointers, servfail, silence
from proxyctl_run import FAILED, GOOD, MISUSED, NO_RIGHT, NOT_RUNNING, TIMED_OUT
from proxyd_process import resolver
from udp_peer import UdpPeer

NAME = "srv.example.test"


def is_served(listener, address, data=b"x"):
    """Whether a new client from this address gets an answer."""
    with UdpPeer(address) as client:
        client.send(data, listener)
        try:
            client.receive(0.3)
        except AssertionError:
            return False
        return True


# --- what is

def test_status_ps_and_version(gw, echo):
    """[K-72] The processes that proxyctl shows are those of the machine."""
    one = gw(echo)
    status = one.row("status")
    assert (status["state"], status["listeners"]) == ("serving", ["127.0.0.1:%d" % one.listener[1]])
    rows = {row["role"]: row for row in one.rows("ps")}
    assert {role: row["pid"] for role, row in rows.items()} == \
        {"parent": one.daemon.pid, "REG": one.daemon.child(), "LOG": one.daemon.log_process()}
    assert all(row["state"] == "up" and row["restarts"] == 0 and row["memory_bytes"] > 0 for row in rows.values())
    version = one.row("version")
    assert version["pid"] == one.daemon.pid and version["config"] == str(one.daemon.file)
    assert version["protocol"] == 1 and version["version"].startswith("proxyd ")
    text = "\n".join(row["text"] for row in one.rows("config", "--effective"))
    assert "max-sessions: 1000" in text and "quarantine: 30s" in text


def test_two_instances(gw, echo, peer):
    """[K-72] Each by its name; without one the command says which there are; --all asks both."""
    first, second = gw(echo, name="gw"), gw(echo, name="dmz")
    peer().ask(b"x", second.listener)
    assert [row["name"] for row in first.ctl.rows("status")] == ["dmz", "gw"]
    assert "dmz, gw" in first.ctl("ps", status=MISUSED).stderr
    assert len(first.rows("sessions")) == 0 and len(second.rows("sessions")) == 1
    assert [row["pid"] for row in first.ctl.rows("--all", "ps") if row["role"] == "parent"] == \
        [second.daemon.pid, first.daemon.pid]
    assert first.ctl("--all", "stop", status=GOOD).stdout == "dmz:\ndmz: stopped\ngw:\ngw: stopped\n"
    assert first.daemon.wait() == second.daemon.wait() == 0


@pytest.mark.seconds(120)
@pytest.mark.parametrize("workers", [1, 3])
def test_all_of_many_sessions_are_listed(gw, echo, workers):
    """[K-70] Each one once, in bounded time, while they stay open."""
    count, step = 2000, 100
    one = gw(echo, udpserver={"max-sessions": 3 * count, "workers": workers})
    clients = set()
    for batch, begun in enumerate(range(0, count, step)):
        peers = [UdpPeer(f"127.1.{batch}.1") for _ in range(step)]

        def all_begun():
            for peer in peers:
                peer.send(b"x", one.listener)
            return one.row("stats")["created"] == begun + step
        wait_for(all_begun, 10, lambda: f"{begun + step} sessions\n{one.daemon.tail()}", 0.2)
        clients |= {peer.text for peer in peers}
        for peer in peers:
            peer.close()
    before = time.monotonic()
    rows = one.rows("sessions")
    assert time.monotonic() - before < 3 * SLOWNESS
    assert len(rows) == len({row["id"] for row in rows}) == len(clients) == count
    assert {row["client"] for row in rows} == clients
    assert len(one("sessions", status=GOOD).stdout.splitlines()) == count + 1
    assert len(one.rows("sessions", "--top", "7")) == 7


def test_filters_choose_sessions(gw, echo, peer):
    """[K-70] All that are given must hold; what is none is refused with what there is."""
    silent = peer()
    rules = [{"name": "echo", "from": ["127.1.0.0/16"], "action": "accept", "plug-to": [echo]},
             {"name": "log", "from": ["127.2.0.0/16"], "action": "accept", "plug-to": [silent.text],
              "udp-session-type": "one-way"},
             {"name": "hole", "from": ["*"], "action": "accept", "plug-to": [silent.text]}]
    one = gw(echo, rules)
    a, b, c = peer("127.1.0.1"), peer("127.2.0.1"), peer("127.3.0.1")
    a.ask(b"x", one.listener)
    b.send(b"x", one.listener)
    c.send(b"x", one.listener)
    one.wait_sessions(3)

    def chosen(*filters):
        return sorted(row["client"] for row in one.rows("sessions", *filters))
    assert chosen("--from", "127.1.0.0/16") == chosen("--server", echo) == chosen("--rule", "echo") == [a.text]
    assert chosen("--from", b.text) == chosen("--type", "one-way") == [b.text]
    assert chosen("--state", "answered") == [a.text]
    assert chosen("--state", "unanswered", "--type", "normal") == [c.text]
    assert chosen("--to", "127.0.0.1") == chosen("--listener", "127.0.0.1:%d" % one.listener[1]) == chosen()
    assert chosen("--older", "1h") == chosen("--idle", "1h") == chosen("--from", "::1") == []
    for words, told in (("--rule ech", "'echo'"), ("--state open", "answered or unanswered"), ("--type x", "one-way"),
                        ("--from 10.0.0.0/40", "expected an address"), ("--from x", "expected an address")):
        assert told in one("sessions", *words.split()).stderr


def test_one_session(gw, echo, peer):
    """[K-70] Its numbers, and what is left of its limits."""
    one = gw(echo, rule={"limits": {"client-datagrams": 10, "client-bytes": 1000, "idle": "1m"}})
    client = peer()
    for _ in range(3):
        client.ask(b"12345", one.listener)
    row = one.row("sessions")
    session = one.row("session", row["id"])
    assert session["client"] == client.text and session["server"] == echo and session["answered"]
    assert (session["client_datagrams"], session["client_bytes"], session["to_client_bytes"]) == (3, 15, 15)
    left = session["limits_left"]
    assert (left["client_datagrams"], left["client_bytes"]) == (7, 985) and 0 < left["time_ms"] <= 60_000
    assert "no such session" in one("session", "999999.1", status=FAILED).stderr
    assert "no such session" in one("session", row["id"] + "1", status=FAILED).stderr
    one("session", "x", status=MISUSED)


def test_rules_and_stats_count(gw, echo, peer):
    one = gw(echo, [{"name": "good", "from": ["127.0.0.1"], "action": "accept", "plug-to": [echo]},
                    {"name": "bad", "from": ["*"], "action": "deny"}])
    for _ in range(3):
        peer().ask(b"abc", one.listener)
    peer("127.0.0.9").send(b"x", one.listener)
    wait_for(lambda: one.row("stats")["refused"] == 1, what="the refusal")
    rules = {row["rule"]: (row["action"], row["begun"], row["refused"]) for row in one.rows("rules")}
    assert rules == {"good": ("accept", 3, 0), "bad": ("deny", 0, 1)}
    stats = one.row("stats")
    assert (stats["open"], stats["created"], stats["client_bytes"], stats["to_client_bytes"]) == (3, 3, 9, 9)


# --- why

def test_explain_says_what_then_happens(gw, echo, peer):
    """[K-30] For every client: the decision, its rule, and why the last one was refused."""
    rules = [{"name": "not-these", "from": ["127.1.0.0/24"], "action": "deny"},
             {"name": "some", "from": ["127.1.0.0/16", "!127.1.9.0/24"], "action": "accept", "plug-to": [echo]},
             {"name": "few", "from": ["127.2.0.1-127.2.0.3"], "action": "accept", "plug-to": [echo]}]
    one = gw(echo, rules)
    to = "127.0.0.1:%d" % one.listener[1]
    wanted = {"127.1.0.5": "not-these", "127.1.9.1": None, "127.1.2.3": "some", "127.2.0.3": "few", "127.2.0.4": None}
    for address, rule in wanted.items():
        *steps, decision = one.rows("explain", "from", address, "to", to)
        assert is_served(one.listener, address) == (decision["decision"] == "accept"), (address, decision)
        assert decision.get("rule") == rule and [step["rule"] for step in steps] == \
            [each["name"] for each in rules[:len(steps)]]
        assert steps[-1]["matched"] == (rule is not None) and all(step["why"] for step in steps)
        last = one.rows("explain", "--last", address)
        assert [(row["reason"], row.get("rule")) for row in last] == \
            ([] if decision["decision"] == "accept" else [("acl", rule)])
    assert "is not an address" in one("explain", "from", "x", "to", to, status=MISUSED).stderr
    for words, told in ((("at", "25:00"), "'25:00' is not a time"), (("at", "Mon"), "'Mon' is not a time"),
                        (("dscp", "64"), "dscp"), (("dscp", "x"), "dscp"), (("via", "x"), "is not an address")):
        assert told in one("explain", "from", "127.1.2.3", "to", to, *words, status=MISUSED).stderr
    # [G-12]
    host, port = one.listener
    assert one.rows("explain", "from", "127.1.2.3", "to", host)[-1]["listener"] == f"{host}:{port}"
    named = f"explained for {host}:{port} (listener {host}:{port})"
    assert named in one("explain", "from", "127.1.2.3", "to", host, status=GOOD).stdout
    assert named not in one("explain", "from", "127.1.2.3", "to", f"{host}:{port}", status=GOOD).stdout
    assert "does not listen at 127.0.0.2;" in one("explain", "from", "127.1.2.3", "to", "127.0.0.2", status=FAILED).stderr
    one.ctl("-s", "/nowhere", "explain", "from", "x", "to", to, status=MISUSED)
    assert "does not listen at 127.0.0.1:1;" in one("explain", "from", "127.1.2.3", "to", "127.0.0.1:1",
                                                    status=FAILED).stderr
    assert "no recent refusal of 127.8.8.8" in one("explain", "--last", "127.8.8.8", status=GOOD).stdout


@pytest.mark.parametrize("workers", [1, 3])
def test_explain_knows_sessions_places_and_limits(gw, echo, peer, workers):
    """[K-30] The answer names an existing session, a full table and a reached per-address limit."""
    one = gw(echo, udpserver={"max-sessions": 3, "workers": workers, "per-address": {"open": 1}})
    to, client, other = "127.0.0.1:%d" % one.listener[1], peer("127.1.0.1"), peer("127.1.0.2")

    def decision(who):
        return one.rows("explain", "from", who, "to", to)[-1]
    assert decision(client.text)["decision"] == "accept"
    client.ask(b"x", one.listener)
    client.ask(b"confirmed", one.listener)
    told, session = decision(client.text), one.row("sessions")
    assert (told["decision"], told["session"], told["server"]) == ("forward", session["id"], echo)
    limited = decision("127.1.0.1")
    assert limited["decision"] == "deny" and limited["why"].startswith("source-limited:") and "rule" not in limited
    assert limited.get("workers") == (None if workers == 1 else f"1 of {workers}")
    assert not is_served(one.listener, "127.1.0.1") or workers > 1
    if workers > 1:
        return
    for late in (other, peer("127.1.0.3")):
        for data in (b"x", b"confirmed"):
            late.ask(data, one.listener)
    full = decision("127.1.0.4")
    assert full["decision"] == "deny" and full["why"].startswith("sessions-full:")
    assert not is_served(one.listener, "127.1.0.4")


def test_names_and_resolve(gw, echo, evil_dns):
    """[K-52] What ACR knows; a look-up through the proxy's own resolver, of a name and of an address."""
    evil_dns.host(NAME, "127.0.0.1", ttl=60)
    evil_dns.set("bad.example.test", "A", servfail())
    evil_dns.set("bad.example.test", "AAAA", servfail())
    evil_dns.every("slow.example.test", silence())
    evil_dns.client("127.7.0.1", "host.example.test")
    one = gw(f"{NAME}:{echo.split(':')[1]}",
             rule={"from": ["*", "bad.example.test", "slow.example.test", "none.example.test"]},
             resolver=resolver(evil_dns, conf_timeout="1m", server_timeout="1m"))
    rows = wait_for(lambda: {row["name"]: row for row in one.rows("names")
                             if row["known"] or row["name"].startswith("slow")} if
                    sum(row["known"] for row in one.rows("names")) == 3 else None, what="three known names")
    assert rows[NAME]["addresses"] == ["127.0.0.1"] and 0 < rows[NAME]["expires_ms"] <= 60_000
    assert "server failure" in rows["bad.example.test"]["last_error"]
    assert not rows["slow.example.test"]["known"] and rows["slow.example.test"]["addresses"] == []
    assert {name: row["state"] for name, row in rows.items()} == {
        NAME: "resolved", "bad.example.test": "failed", "slow.example.test": "asked", "none.example.test": "denied"}
    table = one("names").stdout
    assert re.search(r"^slow.example.test +asked +- +- +-$", table, re.M)
    assert re.search(r"^bad.example.test +failed +- +- +\S+ ago: server failure", table, re.M)
    assert re.search(r"^none.example.test +denied +- +- +\S+ ago: no such name", table, re.M)
    evil_dns.set("new.example.test", "A", addresses("127.0.0.5", ttl=7))
    assert one.row("resolve", "new.example.test")["addresses"] == ["127.0.0.5"]
    assert one.row("resolve", "nobody.example.test")["status"] == "no such name"
    assert one.row("resolve", "127.7.0.1")["names"] == ["host.example.test"]
    evil_dns.host(NAME, "127.0.0.1", "127.0.0.9", ttl=60)
    assert one.row("refresh", NAME.upper() + ".") == {"asked": 1}
    wait_for(lambda: {row["name"]: row for row in one.rows("names")}[NAME]["addresses"] == ["127.0.0.1", "127.0.0.9"],
             what="the new address, long before the TTL is over")
    assert one.row("refresh") == {"asked": 4}
    assert "no rule uses the name 'other.test'" in one("refresh", "other.test", status=FAILED).stderr
    evil_dns.set(reverse_name("127.7.0.2"), "PTR", pointers("host.example.test"))
    before = time.monotonic()
    assert one.row("resolve", "slow.example.test")["status"] == "timed out"
    assert time.monotonic() - before < 3 * SLOWNESS


def test_doctor_looks_at_names_and_their_servers(gw, echo, evil_dns):
    """What ACR knows of the names, and the way it asks for them."""
    evil_dns.host(NAME, "127.0.0.1", ttl=1)
    for kind in ("A", "AAAA"):
        evil_dns.set("bad.example.test", kind, servfail())
    one = gw(f"{NAME}:{echo.split(':')[1]}", rule={"from": ["*", "bad.example.test", "none.example.test"]},
             resolver=resolver(evil_dns, conf_transport="tcp"))

    def findings():
        return {row["what"]: row["finding"]
                for row in map(json.loads, one("--json", "doctor").stdout.splitlines())}

    def found(finding, begin):
        return any(what.startswith(begin) and told == finding for what, told in findings().items())
    wait_for(lambda: found("bad", "name bad.example.test has no address: its look-ups fail; "), what="the failed name")
    wait_for(lambda: found("warn", "name none.example.test does not exist"), what="the denied name")
    wait_for(lambda: found("ok", "1 of 3 names are resolved"), what="the good name")
    assert findings()["1 of 1 name servers answer over TCP"] == "ok"
    for kind in ("A", "AAAA"):
        evil_dns.set(NAME, kind, servfail())
    wait_for(lambda: found("warn", f"name {NAME} uses expired addresses, for "), what="the stale name")


def test_names_where_there_are_none(gw, echo):
    """[K-71] No error of a process that is not meant to be there."""
    one = gw(echo)
    assert one("names", status=GOOD).stdout == "none\n" and one.rows("names") == []
    assert "the configuration has no names" in one("refresh", status=NO_RIGHT).stderr
    assert "the configuration has none" in one("resolve", "x.test", status=NO_RIGHT).stderr


def test_a_dead_acr_is_no_riddle(gw, echo, evil_dns):
    """[K-71] Who is not there is named; its successor knows the names again."""
    evil_dns.host(NAME, "127.0.0.1", ttl=60)
    one = gw(f"{NAME}:{echo.split(':')[1]}", resolver=resolver(evil_dns))
    old = one.daemon.child("ACR")
    assert one.row("kill", "acr") == {"role": "ACR", "pid": old}
    answer = one("names")
    assert answer.returncode in (GOOD, TIMED_OUT) and (answer.returncode == GOOD or "ACR" in answer.stderr)
    one.daemon.child("ACR", other_than=old)
    wait_for(lambda: one("names").returncode == GOOD and one.row("names")["addresses"] == ["127.0.0.1"], 10, "the names")
    assert {row["role"]: row["restarts"] for row in one.rows("ps")}["ACR"] == 1


# --- changes

@pytest.mark.parametrize("workers", [1, 4])
def test_kill_sessions(gw, echo, peer, workers):
    """[O-48] By id, by filter, all; no other session is closed."""
    one = gw(echo, udpserver={"max-sessions": 1000, "workers": workers})
    clients = [peer(f"127.{n}.0.1") for n in (1, 2, 2, 3, 3, 3)]
    for client in clients:
        client.ask(b"x", one.listener)
    rows = one.wait_sessions(6)
    first = next(row["id"] for row in rows if row["client"] == clients[0].text)
    assert one.row("kill", first) == {"killed": 1}
    assert "no such session" in one("kill", first, status=FAILED).stderr
    assert one.row("kill", "--from", "127.2.0.0/16") == {"killed": 2}
    assert one.row("kill", "--from", "127.2.0.0/16") == {"killed": 0}
    assert sorted(row["client"] for row in one.rows("sessions")) == sorted(client.text for client in clients[3:])
    assert "expected a role" in one("kill", status=MISUSED).stderr
    assert one.row("kill", "--every") == {"killed": 3} and one.rows("sessions") == []
    assert len(one.daemon.wait_records(6, REASON="admin")) == 6
    clients[0].ask(b"again", one.listener)


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("by", ["id", "filter"])
def test_kill_and_refuse(gw, echo, peer, workers, by):
    """[O-48] Whichever worker its next datagram comes to."""
    one = gw(echo, udpserver={"max-sessions": 1000, "workers": workers})
    client = peer("127.5.0.1")
    client.ask(b"x", one.listener)
    what = [one.row("sessions")["id"]] if by == "id" else ["--from", "127.5.0.0/16"]
    assert one.row("kill", *what, "--refuse", "1m") == {"killed": 1, "clients_refused": 1}
    peers = [client, *(peer("127.5.0.1") for _ in range(20))]
    for each in peers:
        each.send(b"x", one.listener)
    assert is_served(one.listener, "127.5.0.2")
    assert one.wait_sessions(1)[0]["client"].startswith("127.5.0.2:")
    decision = one.rows("explain", "from", "127.5.0.1", "to", "127.0.0.1:%d" % one.listener[1])[-1]
    assert decision["decision"] == "deny" and "admin" in decision["why"] and "rule" not in decision
    assert {row["reason"] for row in one.rows("explain", "--last", "127.5.0.1")} == {"admin"}


@pytest.mark.parametrize("workers", [1, 4])
@pytest.mark.parametrize("how", ["kill", "reload"])
def test_a_refusal_outlives_reg(gw, echo, peer, workers, how):
    """[O-48] Also that of a client without a session, and into an arena of another size."""
    one = gw(echo, udpserver={"max-sessions": 1000, "workers": workers})
    assert one.row("kill", "--from", "127.5.0.1", "--refuse", "1m") == {"killed": 0, "clients_refused": 1}
    note = one.row("kill", "--from", "127.6.0.0/16", "--refuse", "1m")
    assert note["clients_refused"] == 0 and "name a single one with 'from'" in note["note"]
    if how == "kill":
        one.daemon.replace_child()
    else:
        one.daemon.write_configuration({**one.config, "udpserver": {"max-sessions": 500, "workers": 5 - workers}})
        one("reload", status=GOOD)
    assert is_served(one.listener, "127.6.0.1")
    for _ in range(20):
        peer("127.5.0.1").send(b"x", one.listener)
    assert {row["reason"] for row in one.rows("explain", "--last", "127.5.0.1")} == {"admin"}
    assert {row["client"].split(":")[0] for row in one.rows("sessions")} == {"127.6.0.1"}


def test_a_refusal_ends(gw, echo, peer):
    """[O-48] After its time, and not before."""
    one = gw(echo, udpserver={"max-sessions": 1000, "workers": 2})
    peer("127.5.0.1").ask(b"x", one.listener)
    begun = time.monotonic()
    one("kill", "--from", "127.5.0.1", "--refuse", "1s", status=GOOD)
    wait_for(lambda: is_served(one.listener, "127.5.0.1"), 5, "the end of the refusal", 0.1)
    assert time.monotonic() - begun >= 1


def test_kill_reg_and_nobody_notices(gw, echo, peer):
    """[K-72][O-8] REG is replaced; the same session continues."""
    one = gw(echo)
    client = peer()
    client.ask(b"1", one.listener)
    before, old = one.row("sessions"), one.daemon.child()
    assert one.row("kill", "reg") == {"role": "REG", "pid": old}
    one.daemon.child(other_than=old)
    assert client.ask(b"2", one.listener) == b"2"
    after = wait_for(lambda: one("sessions").returncode == GOOD and one.row("sessions"), what="the next REG")
    assert (after["id"], after["server"], after["client_datagrams"]) == (before["id"], before["server"], 2)
    reg = next(row for row in one.rows("ps") if row["role"] == "REG")
    assert reg["restarts"] == 1 and "9" in reg["last_exit"]


def test_log_levels_and_reopening(gw, echo):
    """[O-47] The levels are those of the processes; a renamed log gets a successor."""
    one = gw(echo)

    def levels(*words):
        return {row["role"]: row["log_level"] for row in one.rows("log", "level", *words)}
    assert levels() == {"parent": 6, "REG": 6}
    assert levels("up") == {"parent": 7, "REG": 7}
    assert levels("REG", "full") == {"REG": 9} and levels() == {"parent": 7, "REG": 9}
    one.daemon.wait_line("LOGS-210-K", text="9")
    assert levels("normal") == {"parent": 6, "REG": 6}
    assert levels("REG", "down") == {"REG": 5} and levels("REG") == {"REG": 5}
    assert "unknown level" in one("log", "level", "loud", status=MISUSED).stderr
    assert "unknown role" in one("signal", "INFO", "reg2", status=MISUSED).stderr
    one.daemon.log_path.rename(one.daemon.log_path.with_suffix(".1"))
    assert one.row("log", "reopen") == {"reopened": True}
    wait_for(one.daemon.log_path.exists, what="the new log")


def test_info_and_signals(gw, echo):
    """[K-20][K-74] The lines of SIGPWR come to the asker and not into the log; signals mean what they always mean, for
    the parent, one child or all, and the log has who sent which to whom."""
    one = gw(echo)
    lines = one.rows("info")
    assert {row["role"] for row in lines} == {"parent", "REG"}
    assert any("sessions: 0 open" in row["line"] for row in lines if row["role"] == "REG")
    assert {row["role"] for row in one.rows("info", "REG")} == {"REG"}
    assert not one.daemon.lines("UDPS-240-I")
    assert one.row("signal", "SIGPWR") == {"role": "parent", "pid": one.daemon.pid, "signal": "INFO"}
    one.daemon.wait_line("UDPS-240-I", text="sessions: 0 open")
    assert one.row("signal", "usr1", "reg")["pid"] == one.daemon.child()
    wait_for(lambda: {row["role"]: row["log_level"] for row in one.rows("log", "level")} == {"parent": 6, "REG": 7},
             what="REG's log level")
    assert {row["role"]: row["pid"] for row in one.rows("signal", "USR1", "all")} == {"REG": one.daemon.child()}
    wait_for(lambda: {row["role"]: row["log_level"] for row in one.rows("log", "level")} == {"parent": 6, "REG": 8},
             what="REG's log level")
    for who in ('"signal":"INFO"', '"role":"REG","signal":"USR1"', '"role":"all","signal":"USR1"'):
        assert one.daemon.lines("CTRL-210-N", text=who), who
    one("signal", "TERM", status=GOOD)
    assert one.daemon.wait() == 0
    one("ps", status=NOT_RUNNING)


def test_watch_shows_what_happens(gw, echo, peer):
    """[K-70] Beginnings, ends and refusals, as they happen; also after REG was replaced."""
    one = gw(echo, [{"name": "good", "from": ["127.0.0.1", "127.0.0.2"], "action": "accept", "plug-to": [echo]}])
    everybody = one.ctl.start(one.name, "watch")
    second = one.ctl.start(one.name, "watch", "--from", "127.0.0.2")
    time.sleep(0.5 * SLOWNESS)  # from now on they watch
    client, other, stranger = peer(), peer("127.0.0.2"), peer("127.0.0.3")
    client.ask(b"x", one.listener)
    assert " begin id=0." in (line := everybody.stdout.readline()) and f"client={client.text}" in line, line
    stranger.send(b"x", one.listener)
    assert " refused client=" in (line := everybody.stdout.readline()) and "reason=acl" in line, line
    one("kill", "--every", status=GOOD)
    assert " end id=0." in (line := everybody.stdout.readline()) and "reason=admin" in line, line
    one.daemon.replace_child()
    time.sleep(0.5 * SLOWNESS)
    other.ask(b"x", one.listener)
    assert f"client={other.text}" in everybody.stdout.readline()
    assert f"client={other.text}" in second.stdout.readline(), "its only line"


# --- faults

def test_a_reg_that_stands_still(gw, echo, peer):
    """[K-71][O-51] Who asks for its sessions is told within bounded time; other questions and other clients are served
    meanwhile, and when it goes on everything is as before."""
    one = gw(echo, udpserver={"max-sessions": 1000, "heartbeat": "1m"})
    peer().ask(b"x", one.listener)
    pid = one.daemon.child()
    os.kill(pid, signal.SIGSTOP)
    try:
        asking = [one.ctl.start(one.name, command) for command in ("sessions", "rules", "stats")]
        for _ in range(5):
            before = time.monotonic()
            assert {row["role"] for row in one.rows("ps")} == {"parent", "REG", "LOG"}
            one("status", status=GOOD)
            assert time.monotonic() - before < 1 * SLOWNESS
        before = time.monotonic()
        for process in asking:
            output, errors = process.communicate(timeout=10 * SLOWNESS)
            assert (process.returncode, output) == (TIMED_OUT, "") and "REG did not answer within" in errors
        assert time.monotonic() - before < 4 * SLOWNESS
    finally:
        os.kill(pid, signal.SIGCONT)
    assert len(wait_for(lambda: one("sessions").returncode == GOOD and one.rows("sessions"), 5, "REG")) == 1
    assert one.daemon.child() == pid


def test_doctor_finds_the_configuration_of_a_socket(gw, echo):
    """Without a file in the folder of configurations, the running proxy says which one it has."""
    one = gw(echo)
    answer = one("--json", "doctor")
    findings = [json.loads(line) for line in answer.stdout.splitlines()]
    whats = [row["what"] for row in findings]
    assert any(what.startswith("receive-buffer") for what in whats), answer
    if os.geteuid() == 0:
        assert any("set `user`" in row["remedy"] for row in findings)
    assert not any("bug of proxyd" in row["remedy"] for row in findings)
    assert all((row["finding"] == "ok") == (row["remedy"] == "") for row in findings), findings
    assert not any("name" in what for what in whats), "it needs none"
    assert answer.returncode == max({"ok": 0, "warn": 1, "bad": 2}[row["finding"]] for row in findings)
