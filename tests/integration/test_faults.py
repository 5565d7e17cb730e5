"""Faults around a session that stay with it: dead servers, full sockets, no descriptors, no ports."""
import contextlib
import os
import pathlib
import signal
import time

import pytest

from counters import counters
from deadline import SLOWNESS, wait_for
from free_ports import free_port, free_ports
from processes import stop_process
from programs import udp_load
from proxyd_process import Proxyd, configuration

ICMP, EXHAUSTED = "UDPP-651-N", "UDPS-321-W"


def two_servers(good, bad, listener, **rule):
    """Clients of 127.0.5.0/24 go to the bad server, all others to the good one."""
    config = configuration(listener, good)
    config["session-acl"].insert(0, {"name": "bad", "from": "127.0.5.0/24", "action": "accept", "plug-to": bad, **rule})
    return config


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_server_that_is_down_disturbs_nobody_else(proxyd, peer, udp_echo, address):
    """[K-48] [O-40] ICMP errors are counted; the session continues and works when the server is back."""
    echo, running, listener = udp_echo(), peer(), ("127.0.0.1", free_port())
    down = (address, free_port())
    text = f"[{address}]:{down[1]}" if ":" in address else f"{address}:{down[1]}"
    daemon = proxyd(two_servers(echo.text, text, listener))
    client = peer("127.0.5.1")
    for number in range(100):
        client.send(b"anybody?", listener)
        assert running.ask(b"%d" % number, listener) == b"%d" % number
    counts = counters(daemon)
    assert counts["icmp errors"] >= 50 and counts["open"] == 2
    assert 1 <= len(daemon.lines(ICMP)) <= 10, "logged in part"
    server = peer(*down)
    client.send(b"now?", listener)
    data, source = server.receive()
    server.send(b"yes", source)
    assert (data, client.receive()) == (b"now?", (b"yes", listener))
    daemon.stop()
    assert {r["DATAGRAMS-CIN"] for r in daemon.records(RULE="bad")} == {"101"}


def test_an_icmp_error_may_end_its_session(proxyd, peer, udp_echo):
    """[K-48] [K-51] on-icmp-error: close. The next datagram opens another one."""
    echo, running, listener = udp_echo(), peer(), ("127.0.0.1", free_port())
    daemon = proxyd(two_servers(echo.text, f"127.0.0.1:{free_port()}", listener, **{"on-icmp-error": "close"}))
    running.ask(b"x", listener)
    client = peer("127.0.5.1")
    for number in range(1, 4):
        client.send(b"anybody?", listener)
        record = daemon.wait_records(number, REASON="icmp-error")[-1]
        assert (record["RESULT"], record["RULE"]) == ("FAILED", "bad")
    running.ask(b"y", listener)
    assert counters(daemon)["open"] == 1


def test_a_client_that_has_gone_disturbs_nobody(proxyd, peer):
    """[O-40] The ICMP errors of a closed client's port do not reach other sessions."""
    server, listener = peer(), ("127.0.0.1", free_port())
    daemon = proxyd(configuration(listener, server.text))
    gone, here = peer(), peer()
    gone.send(b"x", listener)
    _, to_gone = server.receive()
    here.send(b"x", listener)
    _, to_here = server.receive()
    gone.close()
    for number in range(100):
        server.send(b"lost", to_gone)
        server.send(b"%d" % number, to_here)
        assert here.receive() == (b"%d" % number, listener)
    assert counters(daemon)["icmp errors"] == 0


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.fixture
def few_descriptors(tmp_path, started):
    """Starts a proxyd with a limit of open files."""
    def start(config, limit):
        instance = Proxyd(tmp_path, config)
        instance.command = ["prlimit", f"--nofile={limit}:{limit}", *instance.command]
        started.append(Closing(instance))
        return instance.start()
    return start


class Closing:
    """Stops it at the end of the test."""

    def __init__(self, instance):
        self.instance = instance

    def close(self):
        try:
            if self.instance.running:
                self.instance.stop()
        finally:
            self.instance.discard()


def test_sessions_beyond_the_descriptors_are_refused_and_the_others_go_on(few_descriptors, peer, udp_echo):
    """[L-26] [L-28] [O-21] The proxy says at the start that the limit is short; CPU stays low, and it recovers."""
    echo, listener, limit = udp_echo(), ("127.0.0.1", free_port()), 300
    daemon = few_descriptors(configuration(listener, echo.text, {"limits": {"idle": "2500ms"}}, udpserver={
        "max-sessions": 1000, "quarantine": "0s", "quarantine-answered": "0s"}), limit)
    assert daemon.wait_line("UDPS-121-W")
    clients = [peer() for _ in range(400)]
    for client in clients:
        client.send(b"hello", listener)
        time.sleep(0.0005)
    time.sleep(0.3)
    served = [client for client in clients if has_answer(client)]
    counts = counters(daemon)
    assert limit - 64 - 20 <= len(served) <= limit - 64
    assert counts["open"] == len(served)
    assert counts["refused by no-socket"] == len(clients) - len(served)
    assert 1 <= len(daemon.lines(EXHAUSTED)) <= 4
    assert max(daemon.descriptor_counts()) < limit - 30, "the reserve is there"
    before, begin = cpu_seconds(daemon.child()), time.monotonic()
    _, figures = udp_load("--to", f"{listener[0]}:{listener[1]}", "--clients", 100, "--count", 10, "--churn", "--rate",
                          2000, "--from", "127.68.0.0/24", "--max-loss", 100, "--linger", 0)
    assert figures["received"] == 0
    for _ in range(6):
        for client in served[:100]:
            assert client.ask(b"still", listener) == b"still"
        clients[-1].send(b"and me?", listener)
        time.sleep(0.1)
    assert cpu_seconds(daemon.child()) - before < 0.5 * (time.monotonic() - begin) + 0.1
    newcomer = peer()

    def is_served():
        newcomer.send(b"new", listener)
        time.sleep(0.05)
        return has_answer(newcomer)
    wait_for(is_served, 9, "recovery by itself, when sessions have ended")
    assert daemon.children()["REG"] and len(daemon.lines("UDPS-222-E")) == 0


def has_answer(client):
    client.socket.setblocking(False)
    try:
        client.socket.recv(100)
        return True
    except BlockingIOError:
        return False


def test_a_new_reg_starts_and_serves_without_descriptors_to_spare(few_descriptors, peer, udp_echo):
    """[L-28] The next REG adopts all sessions when every socket is in use."""
    echo, listener = udp_echo(), ("127.0.0.1", free_port())
    daemon = few_descriptors(configuration(listener, echo.text), 250)
    clients = [peer() for _ in range(200)]
    for client in clients:
        client.send(b"x", listener)
        time.sleep(0.0005)  # the first sockets do not suffice, and only a part of one source's clients may wait
    time.sleep(0.3)
    served = [client for client in clients if has_answer(client)]
    assert len(served) > 150
    daemon.replace_child("REG")
    for client in served:
        assert client.ask(b"y", listener) == b"y"
    assert counters(daemon)["open"] == len(served)


def test_source_ports_that_run_out_stop_that_rule_only(proxyd, peer, udp_echo):
    """[L-27] Five ports are five sessions; other rules are served without a pause, and a port that comes free is
    used again."""
    echo, listener, first = udp_echo(), ("127.0.0.1", free_port()), free_ports(5)
    config = two_servers(echo.text, echo.text, listener, **{"source-port": f"{first}-{first + 4}",
                                                            "limits": {"idle": "1500ms"}})
    config["udpserver"].update({"quarantine": "0s", "quarantine-answered": "0s"})
    daemon = proxyd(config)
    clients = [peer("127.0.5.1") for _ in range(5)]
    for client in clients:
        assert client.ask(b"x", listener) == b"x"
    late = peer("127.0.5.1")
    for _ in range(5):
        late.send(b"no port", listener)
        assert peer().ask(b"another rule", listener) == b"another rule"
    late.receive_nothing(0.05)
    assert daemon.lines(EXHAUSTED)
    assert counters(daemon)["refused by no-socket"] == 5
    for client in clients:
        assert client.ask(b"y", listener) == b"y"

    def is_served():
        late.send(b"again", listener)
        time.sleep(0.05)
        return has_answer(late)
    wait_for(is_served, 9, "a free port after a session has ended")


def test_a_source_port_that_another_program_holds_is_left_out(proxyd, peer, udp_echo):
    """[L-27] EADDRINUSE on one port is no reason to refuse while others are free."""
    echo, listener, first = udp_echo(), ("127.0.0.1", free_port()), free_ports(4)
    peer("127.0.0.1", first + 1)
    daemon = proxyd(configuration(listener, echo.text, {"source-port": f"{first}-{first + 3}"}))
    results = []
    for _ in range(3):
        results.append(peer().ask(b"x", listener))
    assert results == [b"x"] * 3
    assert counters(daemon)["open"] == 3


def test_more_than_the_sockets_take_is_dropped_and_memory_stays(proxyd, udp_echo, peer):
    """[O-39] A burst of large datagrams beyond all buffers: what comes is right, REG does not grow, and it serves on."""
    echo, listener = udp_echo(), ("127.0.0.1", free_port())
    daemon = proxyd(configuration(listener, echo.text, udpserver={"max-sessions": 100, "receive-buffer": "256KiB",
                                                                  "send-buffer": "64KiB"}))
    peer().ask(b"warm", listener)
    memory = resident(daemon.child())
    for _ in range(3):
        _, figures = udp_load("--to", f"{listener[0]}:{listener[1]}", "--clients", 20, "--count", 50, "--size", 60000,
                              "--rate", 100_000, "--max-loss", 100, "--linger", 200)
        assert figures["wrong"] == figures["corrupt"] == 0
    grown = resident(daemon.child()) - memory
    assert grown < 40 << 20, f"{grown >> 20} MiB more"  # its 64 buffers of 64 KiB
    assert peer().ask(b"after", listener) == b"after"
    assert len(daemon.lines("UDPP-650-W")) < 20, "errors of sending are logged in part"


@pytest.fixture
def stopped():
    """`with stopped(pid):` the process does not run; shorter than its heartbeat."""
    @contextlib.contextmanager
    def stop(pid):
        stop_process(pid)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)
    return stop


def test_what_a_server_sends_while_reg_is_busy_waits_and_the_rest_is_counted(proxyd, peer, stopped):
    """[O-39] Hundreds of datagrams wait at the session's socket; what the kernel drops beyond is not lost silently."""
    server, client, listener, sent = peer(), peer(), ("127.0.0.1", free_port()), 3000
    daemon = proxyd(configuration(listener, server.text, {"limits": {"idle": "500ms"}}))
    client.send(b"stream", listener)
    _, source = server.receive()
    with stopped(daemon.child()):
        for _ in range(sent):
            server.send(bytes(1200), source)
    record, = daemon.wait_records(REASON="idle")
    forwarded = int(record["DATAGRAMS-COUT"])
    assert 500 < forwarded < sent
    assert counters(daemon)["by the kernel"] == sent - forwarded
    assert sum(1 for _ in iter(lambda: has_answer(client), False)) == forwarded


def test_what_clients_send_while_reg_is_busy_waits_and_the_rest_is_counted(proxyd, peer, stopped):
    """[O-39]"""
    server, client, listener, sent = peer(), peer(), ("127.0.0.1", free_port()), 3000
    daemon = proxyd(configuration(listener, server.text, udpserver={"max-sessions": 10, "receive-buffer": "512KiB"}))
    client.send(b"first", listener)
    server.receive()
    with stopped(daemon.child()):
        for _ in range(sent):
            client.send(bytes(1200), listener)
    wait_for(lambda: has_answer(server), what="what has waited")
    client.send(b"last", listener)  # brings the kernel's count
    time.sleep(0.3)
    received = 1 + sum(1 for _ in iter(lambda: has_answer(server), False))
    assert 200 < received < sent
    assert counters(daemon)["by the kernel"] == sent + 1 - received


def resident(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_nothing_grows_with_sessions_and_refusals(proxyd, udp_echo, peer):
    """[O-21] [O-22] Descriptors and memory after 4,000 short sessions and 4,000 refusals are what they were."""
    echo, listener = udp_echo(), ("127.0.0.1", free_port())
    config = two_servers(echo.text, echo.text, listener)
    config["session-acl"][0] = {"name": "bad", "from": "127.0.5.0/24", "action": "deny"}
    config["session-acl"][1]["limits"] = {"client-datagrams": 1, "server-datagrams": 1}
    config["udpserver"]["quarantine-answered"] = "0s"
    daemon = proxyd(config)

    def rounds():
        for address, loss in (("127.0.6.0/24", 0), ("127.0.5.0/24", 100)):
            status, figures = udp_load("--to", f"{listener[0]}:{listener[1]}", "--clients", 100, "--count", 20, "--churn",
                                       "--rate", 4000, "--from", address, "--max-loss", loss, "--linger", 300)
            assert status == 0, figures
        return daemon.descriptor_counts(), resident(daemon.child())
    descriptors, memory = rounds()
    again, later = rounds()
    assert again == descriptors
    if SLOWNESS == 1:  # sanitizers keep what was freed
        assert later - memory < 4 << 20
    counts = counters(daemon)
    assert (counts["open"], counts["created"], counts["refused by acl"]) == (0, 4000, 4000)


def test_every_session_is_reported_once_when_the_proxy_ends_under_load(proxyd, udp_echo, background_load):
    """[O-38] [K-51] Sessions that end by a limit, by time and by the end of the proxy: one record each."""
    echo, listener = udp_echo("--delay", "0-20"), ("127.0.0.1", free_port())
    daemon = proxyd(configuration(listener, echo.text, {"limits": {"lifetime": "200ms", "server-datagrams": 3}},
                                  udpserver={"max-sessions": 2000, "quarantine": "100ms", "quarantine-answered": "0s"}))
    background_load("--to", f"{listener[0]}:{listener[1]}", "--clients", 300, "--rate", 3000, "--seconds", 20)
    daemon.wait_records(1000)
    daemon.stop()
    records = daemon.records(STATUS="ACCEPTED")
    sessions = [record["SESSION"] for record in records]
    assert len(set(sessions)) == len(sessions)
    reasons = {record["REASON"] for record in records}
    assert {"lifetime", "server-datagrams", "process-end"} <= reasons <= {
        "lifetime", "server-datagrams", "process-end", "unanswered"}
    assert 1 <= sum(record["REASON"] == "process-end" for record in records) <= 300
    assert all(record["RESULT"] == "ABORTED" for record in records if record["REASON"] == "process-end")
