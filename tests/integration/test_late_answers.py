"""An answer never reaches another client than the one it belongs to, however late it is and however often the
sockets are used again."""
import threading
import time

import pytest

from counters import counters
from deadline import SLOWNESS
from free_ports import free_port, free_ports
from proxyd_process import configuration

# Answers take up to 200 ms, sessions wait for 60 ms of them, and a socket then rests for a second.
DELAY, UNANSWERED, QUARANTINE = "0-200", "60ms", "1s"


class Churn:
    """Clients that each ask once, from a new port each time, in three kinds of sessions that share the sockets: `once`
    (one question, one answer: its sockets are free at once when the answer came), `open` (they rest each time) and
    `anybody` (any-sock, which takes any sender's first answer)."""

    def __init__(self, proxyd, udp_echo, background_load, datagrams, rate):
        self.echo, listener = udp_echo("--delay", DELAY), ("127.0.0.1", free_port())
        limits = {"unanswered": UNANSWERED, "idle": UNANSWERED}
        kinds = {"once": {"limits": {**limits, "client-datagrams": 1, "server-datagrams": 1}},
                 "open": {"limits": {**limits}}, "anybody": {"limits": {**limits}, "udp-session-type": "any-sock"}}
        config = configuration(listener, self.echo.text, log={"to": "/dev/null"},  # a million records
                               udpserver={"max-sessions": 8000, "quarantine": QUARANTINE, "quarantine-answered": "0s",
                                          "max-restarts": {"count": 1000, "within": "60s"}})
        config["session-acl"] = [
            {"name": name, "from": f"127.9{i}.0.0/24", "action": "accept", "plug-to": self.echo.text, **rule}
            for i, (name, rule) in enumerate(kinds.items())]
        self.daemon = proxyd(config, ready=False)
        self.daemon.child()
        self.loads = {name: background_load(
            "--to", f"{listener[0]}:{listener[1]}", "--clients", 200, "--count", datagrams // 200, "--rate",
            int(rate / SLOWNESS), "--churn", "--from", f"127.9{i}.0.0/24", "--max-loss", 100)
            for i, name in enumerate(kinds)}

    @property
    def running(self):
        return any(load.running for load in self.loads.values())

    def check(self):
        """Waits for the end; nothing went astray, although many answers were late and sockets were used again."""
        results = {name: load.finish(380)[1] for name, load in self.loads.items()}
        counts = self.echo.counts()
        for name, figures in results.items():
            print(f"\n{name}: {figures['sent']} sent, {figures['received']} answered in time, {figures['wrong']} wrong, "
                  f"{figures['corrupt']} corrupt, {figures['duplicates']} duplicates", end="")
        sent = sum(figures["sent"] for figures in results.values())
        in_time = sum(figures["received"] for figures in results.values())
        print(f"\n{sent} in all, {counts['answers']} answers of the server, {counts['answers'] - in_time} of them too "
              f"late; {counts['ports']} source ports, each used {sent / counts['ports']:.0f} times")
        for figures in results.values():
            assert figures["wrong"] == figures["corrupt"] == figures["duplicates"] == 0
            assert figures["received"] > figures["sent"] * 0.1, "the proxy serves"
        assert counts["datagrams"] > sent * 0.5, "the others found no socket that has rested"
        assert counts["answers"] - in_time > sent * 0.2, "many answers are late"
        assert sent / counts["ports"] > 3, "sockets are used again and again"


@pytest.mark.load
@pytest.mark.seconds(400)
def test_late_answers_never_reach_another_session(proxyd, udp_echo, background_load, long_run):
    """1,000,000 datagrams in the long form, 100,000 in the short one."""
    Churn(proxyd, udp_echo, background_load, *((333_400, 2_700) if long_run else (33_400, 2_000))).check()


@pytest.mark.load
@pytest.mark.seconds(200)
def test_late_answers_never_reach_another_session_when_reg_dies(proxyd, udp_echo, background_load, long_run):
    """[K-4] The next REG knows which sockets rest, and lets those rest of which it is not sure."""
    churn = Churn(proxyd, udp_echo, background_load, *((66_600, 1_500) if long_run else (10_000, 1_500)))
    deaths = 0
    while churn.running:
        churn.daemon.kill_child("REG")
        deaths += 1
        time.sleep(0.7)
    print(f"\n{deaths} deaths", end="")
    assert deaths >= 5
    churn.check()


class Streamer:
    """A server that answers each question once, but keeps sending to clients that say "stream"."""

    def __init__(self, socket):
        self.socket, self.targets, self.stopped = socket, {}, False
        self.sent = 0
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        self.socket.settimeout(0.002)
        while not self.stopped:
            try:
                data, source = self.socket.recvfrom(2048)
                if data.startswith(b"stream"):
                    self.targets[source] = data
                else:
                    self.socket.sendto(data, source)
            except (TimeoutError, ConnectionError):
                pass
            for target, data in self.targets.items():
                self.socket.sendto(data, target)
                self.sent += 1

    def close(self):
        self.stopped = True
        self.thread.join()


@pytest.mark.parametrize("kind", ["normal", "any-port", "any-sock"])
def test_a_socket_that_is_spoken_to_while_it_rests_goes_on_resting(proxyd, peer, started, kind):
    """The server streams to the ports of sessions that have ended; new clients get other ports, and nothing of it."""
    server, listener = peer(), ("127.0.0.1", free_port())
    first = free_ports(12)
    rule = {"udp-session-type": kind, "source-port": f"{first}-{first + 11}",
            "limits": {"lifetime": "150ms", "unanswered": "100ms", "server-datagrams": 4}}
    daemon = proxyd(configuration(listener, server.text, rule, udpserver={
        "max-sessions": 100, "quarantine": "150ms", "quarantine-answered": "50ms"}))
    streamer = Streamer(server.socket)
    started.append(streamer)
    for number in range(3):
        viewer = peer()
        viewer.send(b"stream %d" % number, listener)
        assert viewer.receive()[0] == b"stream %d" % number
    daemon.wait_records(3)
    served, end = 0, time.monotonic() + 3
    while time.monotonic() < end:
        client = peer()  # remains open: each client has a port of its own, and so a session
        question = b"question %d" % served
        client.send(question, listener)
        client.socket.settimeout(0.4)
        try:
            assert client.socket.recv(2048) == question
            served += 1
            client.receive_nothing(0.005)
        except TimeoutError:
            pass  # every port rests just now
    streaming = {source[1] for source in streamer.targets}
    assert len(streaming) == 3 and streamer.sent > 300
    assert served > 40, f"only {served} served; {counters(daemon)}"
    assert counters(daemon)["created"] >= served + 3
