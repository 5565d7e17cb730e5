"""Every command of OpenVPN's management interface has a counterpart; and a log that is shown and followed."""
import json
import re
import subprocess
import time

import pytest

from control_gateway import ctl, echo, gw  # noqa: F401
from deadline import SLOWNESS, wait_for
from proxyctl_run import FAILED, GOOD, MISUSED

# Its command: ours, and what must be in the answer.
COUNTERPARTS = {
    "help": ("help", r"(?m)^  sessions +List sessions"),
    "version": ("version", r"proxyctl \d.*[\s\S]*proxyd \d"),
    "pid": ("version", r"(?m)^pid +{pid}$"),
    "status": ("sessions", r"{client} +{server} +everybody"),
    "load-stats": ("stats", r"(?m)^open +1\n[\s\S]*^client_bytes +5\n[\s\S]*^to_client_bytes +5$"),
    "state history": ("ps", r"REG +up +\d+ +\S+ +1 .*signal 9"),
    "log history": ("log tail -n 100", r"UDPS-222-E"),
    "bytecount": ("sessions --columns id,client_bytes,server_bytes", r"(?m)^\d+\.\d+ +5 +5$"),
    "verb": ("log level 7", r"(?m)^parent +7\nREG +7$"),
    "signal": ("signal USR2", r"parent +{pid} +USR2"),
    "kill by address": ("kill --from {client}", r"killed +1"),
    "quit": ("quit", r"^$"),
}


def test_counterparts(gw, echo, peer):
    """[O-47] Each with the facts of this proxy."""
    one = gw(echo)
    client = peer()
    one.daemon.replace_child()
    client.ask(b"12345", one.listener)
    facts = {"pid": one.daemon.pid, "client": client.text, "server": echo}
    for name, (command, wanted) in COUNTERPARTS.items():
        pattern = wanted
        for key, value in facts.items():
            pattern = pattern.replace("{%s}" % key, re.escape(str(value)))
        answer = one(*(word.format(**facts) for word in command.split()), status=GOOD)
        assert re.search(pattern, answer.stdout), (name, pattern, answer.stdout)


def test_byte_counts_again_and_again(gw, echo, peer):
    """[O-47] Of one session every so often, with what was added each second, until it ends."""
    one = gw(echo)
    client = peer()
    client.ask(b"12345", one.listener)
    session = one.row("sessions")["id"]
    counting = one.ctl.start(one.name, "session", session, "--interval", "200ms")
    totals = one.ctl.start(one.name, "--json", "stats", "--interval", "200ms")
    assert any("client_bytes" in counting.stdout.readline() for _ in range(30))
    client.ask(b"x" * 995, one.listener)

    def counted():
        line = counting.stdout.readline()
        match = re.match(r"client_bytes +1000 +(\S+)/s$", line)
        return match and match[1]
    assert any(counted() for _ in range(200))
    assert '"client_bytes":' in totals.stdout.readline()
    one("kill", session, status=GOOD)
    assert counting.wait(5 * SLOWNESS) == FAILED and "no such session" in counting.stderr.read()
    one("session", session, "--interval", "1ms", status=MISUSED)


@pytest.mark.parametrize("family", ["v4", "v6"])
def test_kill_tells_how_many(gw, peer, udp_echo, family):
    """[O-48] By address and by address with port, for both families; of none it says so and changes nothing."""
    address, stranger, shape = ("127.0.0.1", "127.9.9.9", "%s:%d") if family == "v4" else ("::1", "::2", "[%s]:%d")
    server = udp_echo(address=address)
    one = gw(shape % server.address[:2], listen=address)
    clients = [peer(address) for _ in range(4)]
    for client in clients:
        client.ask(b"x", one.listener)
    assert one.row("kill", "--from", stranger) == {"killed": 0}
    assert one.row("kill", "--from", shape % (address, 1)) == {"killed": 0}
    assert len(one.rows("sessions")) == 4
    assert one.row("kill", "--from", shape % (address, clients[0].address[1])) == {"killed": 1}
    assert one.row("kill", "--from", address) == {"killed": 3} and one.rows("sessions") == []


def test_the_log_shown_and_followed_loses_and_doubles_nothing(gw, echo):
    """[O-49] The followers begin while lines are written fast, and again after a rotation; each has an unbroken piece
    of the log. How many old lines there are is asked for, within a bound."""
    one = gw(echo)
    path = one.daemon.log_path
    go = path.with_name("go")
    go.touch()
    writer = subprocess.Popen(["bash", "-c", f'i=0; while [ -e "{go}" ]; do echo "line $i" >>"{path}"; '
                               "i=$((i + 1)); done"])
    try:
        wait_for(lambda: "line 500" in path.read_text(), what="lines")
        followers = [one.ctl.start(one.name, "log", "tail", "-n", str(count), "--follow") for count in (0, 20, 1000)]
        time.sleep(0.3 * SLOWNESS)
        path.rename(path.with_name("old.log"))
        time.sleep(0.3 * SLOWNESS)
    finally:
        go.unlink()
        writer.wait()
    lines = path.with_name("old.log").read_text().splitlines() + path.read_text().splitlines()
    last = [line for line in lines if line.startswith("line ")][-1]
    for follower in followers:
        numbers = []
        while True:
            line = follower.stdout.readline().strip()
            if line.startswith("line "):
                numbers.append(int(line.split()[1]))
            if line == last:
                break
        assert numbers == list(range(numbers[0], numbers[-1] + 1)) and len(numbers) > 20
    assert "1000" in one("log", "tail", "-n", "1001", status=MISUSED).stderr
    assert len(one("log", "tail", "-n", "3", status=GOOD).stdout.splitlines()) == 3
    assert len(one("log", "tail", status=GOOD).stdout.splitlines()) == 20


@pytest.mark.parametrize("workers", [1, 2])
def test_watch_tells_each_event_of_a_burst_once(gw, echo, background_load, workers):
    """[O-49] Hundreds of beginnings in a few milliseconds, each told and none twice; when REG could not remember them
    all until they were asked for, that is said."""
    one = gw(echo, [{"name": "in", "from": ["127.88.0.0/16"], "action": "accept", "plug-to": [echo]}],
             udpserver={"max-sessions": 3000, "workers": workers, "receive-buffer": "16MiB"})
    watching = one.ctl.start("--json", one.name, "watch")
    time.sleep(0.5 * SLOWNESS)  # from now on it watches
    count = 600
    status, result = background_load("--to", "%s:%d" % one.listener, "--clients", count, "--count", 1,
                                     "--rate", 50_000, "--from", "127.88.0.0/24").finish()
    assert status == 0 and result["lost"] == 0, result
    events = [json.loads(watching.stdout.readline()) for _ in range(count)]
    assert {event["event"] for event in events} == {"begin"} and len({event["id"] for event in events}) == count
    background_load("--to", "%s:%d" % one.listener, "--clients", 100, "--count", 30, "--rate", 100_000, "--from",
                    "127.99.0.0/24").finish()
    wait_for(lambda: one.row("stats")["refused"] == 3000, what="the refusals")
    while (event := json.loads(watching.stdout.readline()))["event"] != "missing":
        assert event["event"] == "refused"
    assert event == {"event": "missing", "why": "more happened than REG remembers"}
