"""Bad clients of a real control socket, and a REG that stands still in the middle of an answer: who forwards does not
notice, others are served, memory stays where it was."""
import grp
import json
import os
import pathlib
import pwd
import signal
import socket
import statistics
import subprocess
import tempfile
import time

import pytest

import control_attacker
from control_gateway import ctl, echo, gw  # noqa: F401
from deadline import SLOWNESS, wait_for
from processes import descriptors_of
from proxyctl_run import GOOD

SESSIONS, RATE, CLIENTS = 3_000, 5_000, 100
MOST = 1.5                  # times the latency without attack, in the long form
MOST_MEMORY = 16 * 2 ** 20  # bytes that a process may grow by: 16 clients with full buffers, and some


def begin_sessions(one, background_load, count):
    load = background_load("--to", "%s:%d" % one.listener, "--clients", count, "--count", 1,
                           "--rate", int(4_000 / SLOWNESS))
    status, result = load.finish()
    assert status == 0 and result["lost"] == 0, result


# --- the grammar

class Raw:
    """A connection without proxyctl."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10 * SLOWNESS)
        self.socket.connect(str(path))
        self.lines = self.socket.makefile("rb")

    def send(self, data):
        self.socket.sendall(data)

    def read(self):
        return json.loads(self.lines.readline())

    def answer(self):
        """Rows, and the last line."""
        rows = []
        while True:
            line = self.read()
            if "end" in line or "error" in line:
                return rows, line
            rows.append(line)

    def close(self):
        self.socket.close()


@pytest.fixture
def raw(started):
    def connect(one):
        started.append(Raw(one.ctl.run_dir / f"{one.name}.sock"))
        return started[-1]
    return connect


def test_the_grammar_of_answers(gw, echo, peer, raw):
    """[O-46] In our form: one object a line. Success is rows and an end line, an error is one line with text and code
    that ends the answer and not the connection, and answers never mix."""
    one = gw(echo)
    peer().ask(b"x", one.listener)
    client = raw(one)
    client.send(b'{"command": "sessions"}\n{"command": "frob"}\n{"command": "version"}\n')
    rows, end = client.answer()
    assert len(rows) == 1 and end == {"end": True}
    rows, end = client.answer()
    assert rows == [] and set(end) == {"error", "code"} and end["code"] == "unknown" and "'frob'" in end["error"]
    rows, end = client.answer()
    assert rows[0]["pid"] == one.daemon.pid and end == {"end": True}
    for request, code in ((b'{"command": "session", "args": {"id": "1"}}', "usage"),
                          (b'{"command": "session", "args": {"id": "9.9"}}', "unknown"),
                          (b'{"command": "ps", "args": {"frob": 1}}', "usage"),
                          (b'{"command": "sessions", "args": {"older_ms": 9223372036854775807}}', "usage"),
                          (b'{"command": "sessions", "args": {"older_ms": -1}}', "usage"),
                          (b'{"command": "log-tail", "args": {"lines": 99999999999999999999}}', "usage"),
                          (b'{"command": "log-level", "args": {"steps": 9223372036854775807}}', "usage")):
        client.send(request + b"\n")
        rows, end = client.answer()
        assert rows == [] and end.get("code") == code, (request, rows, end)
    # Lines of a tail are rows of an answer that has not ended.
    client.send(b'{"command": "log-tail", "args": {"lines": 0, "follow": true}}\n')
    one("log", "level", "debug", status=GOOD)
    assert any("LOGS-210-K" in client.read()["line"] for _ in range(5))


@pytest.mark.parametrize("data, told", [(b"\xff\x00garbage\n", "not JSON"), (b"{}\n", "no 'command'"),
                                        (b'{"command": "version"', None), (b"x" * 100_000, "at most"), (b"[" * 5000 + b"\n", "not JSON")])
def test_what_is_no_request(gw, echo, raw, data, told):
    """[O-45][O-51] It is told plainly, and others never see it."""
    one = gw(echo)
    client = raw(one)
    try:
        client.send(data)
    except (BrokenPipeError, ConnectionResetError):
        pass  # it has heard enough
    if told:
        assert told in client.read()["error"]
    one("ps", status=GOOD)
    assert one.daemon.running and not one.daemon.lines("CTRL-310-E")


# --- a REG that stands still

@pytest.mark.load
@pytest.mark.seconds(120)
def test_reg_stands_still_in_the_middle_of_an_answer(gw, echo, raw, background_load):
    """[O-51][K-71] Who reads the list is told in bounded time that it is not whole; the parent serves the others;
    REG keeps forwarding, and no datagram is lost."""
    one = gw(echo, udpserver={"max-sessions": 2 * SESSIONS, "heartbeat": "1m", "max-queue-age": "1m"})
    begin_sessions(one, background_load, SESSIONS)
    load = background_load("--to", "%s:%d" % one.listener, "--clients", CLIENTS, "--rate", int(500 / SLOWNESS),
                           "--seconds", int(6 * SLOWNESS))
    slow = raw(one)
    slow.send(b'{"command": "sessions"}\n')
    assert "id" in slow.read()
    pid = one.daemon.child()
    os.kill(pid, signal.SIGSTOP)
    try:
        begin = time.monotonic()
        rows, end = slow.answer()
        waited = time.monotonic() - begin
        assert end.get("code") == "gone" and "REG did not answer within" in end["error"] and len(rows) < SESSIONS
        assert waited < 4 * SLOWNESS
        for words in (["ps"], ["status"], ["log", "tail"], ["config", "--effective"], ["version"]):
            one(*words, status=GOOD)
        slow.send(b'{"command": "version"}\n')
        assert slow.answer()[1] == {"end": True}
    finally:
        os.kill(pid, signal.SIGCONT)
    status, result = load.finish()
    print(f"\nREG stood still for {waited:.1f} s and more: {result['sent']} sent, {result['lost']} lost, "
          f"longest {result['max_us'] / 1e6:.1f} s")
    assert status == 0 and result["lost"] == 0 and result["wrong"] == 0, result
    assert one.daemon.child() == pid and len(one.rows("sessions")) >= SESSIONS


# --- everybody at once

class Attack:
    """control_attacker.py as the user nobody, who is a member of control.group."""

    def __init__(self, path, seconds, group):
        code = pathlib.Path(control_attacker.__file__).read_text()
        self.process = subprocess.Popen(["/usr/bin/python3", "-c", code, str(path), str(seconds)], user="nobody",
                                        group=pwd.getpwnam("nobody").pw_gid, extra_groups=[group],
                                        stdout=subprocess.PIPE, text=True, cwd="/")

    def finish(self):
        output, _ = self.process.communicate(timeout=60 * SLOWNESS)
        assert self.process.returncode == 0
        return int(output)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()


def memory_of(pid):
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.load
@pytest.mark.seconds(300)
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become other users")
def test_every_bad_client_at_once(ctl, gw, echo, background_load, started, long_run):  # noqa: F811
    """[O-45][O-51][K-70] 1,000 connections at a time that send garbage, half and huge lines, never read or go at once:
    root is served meanwhile, and round trips take what they take without. Only the long form judges times."""
    group = grp.getgrnam("games")
    folder = pathlib.Path(tempfile.mkdtemp(prefix="proxyctl-test-"))
    folder.chmod(0o755)
    path = folder / "gw.sock"
    try:
        one = gw(echo, control={"socket": str(path), "group": group.gr_name},
                 udpserver={"max-sessions": 2 * SESSIONS})
        begin_sessions(one, background_load, SESSIONS)
        pids = (one.daemon.pid, one.daemon.child())
        before = [memory_of(pid) for pid in pids], [len(descriptors_of(pid)) for pid in pids]
        seconds, turns = (10, 5) if long_run else (2, 1)
        figures, took, made = {"without": [], "under": []}, [], 0
        for _ in range(turns):
            for what in ("without", "under"):
                if what == "under":
                    started.append(Attack(path, seconds, group.gr_gid))
                load = background_load("--to", "%s:%d" % one.listener, "--clients", CLIENTS,
                                       "--rate", int(RATE / SLOWNESS), "--seconds", seconds)
                while load.running and what == "under":
                    begin = time.monotonic()
                    ctl("-s", path, "ps", status=GOOD)
                    assert len(ctl("-s", path, "sessions", "--top", "5", status=GOOD).stdout.splitlines()) == 6
                    took.append(time.monotonic() - begin)
                    time.sleep(0.2)
                status, result = load.finish()
                assert status == 0 and result["lost"] == 0 and result["wrong"] == 0, result
                figures[what].append(result)
                if what == "under":
                    made += started[-2].finish()
        grown = [memory_of(pid) - bytes_before for pid, bytes_before in zip(pids, before[0])]
        p99 = {what: statistics.median(result["p99_us"] for result in results) for what, results in figures.items()}
        ratio = p99["under"] / p99["without"]
        print(f"\n{made} bad connections; {RATE} round trips/s: p99 {p99['without']:.0f} us without, "
              f"{p99['under']:.0f} us under attack: ratio {ratio:.2f}; root's two commands took "
              f"{max(took):.2f} s at most; parent grew by {grown[0] // 1024} KiB, REG by {grown[1] // 1024} KiB")
        assert made > 1000 and max(took) < 3 * SLOWNESS
        assert SLOWNESS > 1 or max(grown) < MOST_MEMORY
        assert pids == (one.daemon.pid, one.daemon.child()) and not one.daemon.lines("CTRL-310-E")
        # Sockets for new sessions are open in both; a connection that was not closed would be in the parent alone.
        def more():
            return [len(descriptors_of(pid)) - count for pid, count in zip(pids, before[1])]
        wait_for(lambda: len(set(more())) == 1, 15, lambda: f"descriptors: {more()} more than before")
        assert not long_run or ratio <= MOST
    finally:
        for entry in folder.iterdir():
            entry.unlink()
        folder.rmdir()
