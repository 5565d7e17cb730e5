"""What the two levels of a restart keep (udpserver(7), "What a restart keeps"), and a reload that fails."""
import os
import pathlib
import socket
import time

import pytest
import yaml

from control_gateway import ctl, echo, gw  # noqa: F401
from deadline import wait_for
from processes import descriptors_of
from proxyctl_run import GOOD, NO_RIGHT
from proxyd_process import resolver

NAME = "srv.example.test"


def listening_inode(port):
    """Of the UDP socket that listens there."""
    for line in pathlib.Path("/proc/net/udp").read_text().splitlines()[1:]:
        fields = line.split()
        if int(fields[1].split(":")[1], 16) == port:
            return fields[9]
    raise AssertionError(f"no process listens on port {port}")


def identity(one, pid_file):
    """All that must be the same before and after."""
    control = one.ctl.run_dir / "gw.sock"
    return {"parent": one.row("version")["pid"], "pid file": (pid_file.read_text(), pid_file.stat().st_ino),
            "control socket": control.stat().st_ino, "listening socket": listening_inode(one.listener[1])}


def other_limits(one):
    """The configuration with another value, in its file."""
    config = yaml.safe_load(one.daemon.file.read_text())
    config["session-acl"][0]["limits"] = {"idle": "99s"}
    one.daemon.file.write_text(yaml.safe_dump(config, sort_keys=False))


def restart(one, level):
    if level == "soft":
        one.daemon.replace_child()
        return
    other_limits(one)
    ready = len(one.daemon.lines("UDPS-221-K", text="REG"))
    assert any("99s" in row.get("text", "") for row in one.rows("reload"))
    one.daemon.wait_line("UDPS-221-K", text="REG", count=ready + 1)


@pytest.mark.parametrize("level", ["full", "soft"])
def test_the_parent_and_its_sockets_survive(gw, echo, peer, tmp_path, level):
    """[O-8] Both levels keep the supervisor, its pid file, the control socket with a client in it, the listening
    socket, and the sessions."""
    pid_file = tmp_path / "gw.pid"
    one = gw(echo, **{"pid-file": str(pid_file)})
    client = peer()
    client.ask(b"1", one.listener)
    before, reg, session = identity(one, pid_file), one.daemon.child(), one.row("sessions")
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(one.ctl.run_dir / "gw.sock"))
        restart(one, level)
        connection.sendall(b'{"command": "version"}\n')
        connection.settimeout(10)
        assert b'"pid":%d' % one.daemon.pid in connection.recv(65536)
    assert identity(one, pid_file) == before and one.daemon.child() != reg
    assert client.ask(b"2", one.listener) == b"2"
    after = one.row("sessions")
    assert {key: after[key] for key in ("id", "client", "server")} == \
        {key: session[key] for key in ("id", "client", "server")} and after["client_datagrams"] == 2
    limits = one.row("session", after["id"])["limits_left"]["time_ms"]
    assert (limits < 100_000) == (level == "full"), "a reload reads the configuration again, a new REG does not"


def test_what_a_soft_restart_keeps(gw, echo, peer, evil_dns):
    """[O-9] Names with their expiry (no name is looked up again), totals and the log level; what begins anew says since
    when."""
    evil_dns.host(NAME, "127.0.0.1", ttl=600)
    one = gw(f"{NAME}:{echo.split(':')[1]}", resolver=resolver(evil_dns))
    wait_for(lambda: one.row("names")["known"], what="the name")
    clients = [peer() for _ in range(3)]
    for client in clients:
        client.ask(b"x", one.listener)
    one("log", "level", "debug", status=GOOD)
    stats, name, asked = one.row("stats"), one.row("names"), len(evil_dns.queries())
    assert one.row("rules")["begun"] == 3
    begun = time.monotonic()
    one.daemon.replace_child()
    wait_for(lambda: one("sessions").returncode == GOOD, what="the next REG")
    assert peer().ask(b"y", one.listener) == b"y", "the name is known at once"
    after = one.row("stats")
    assert (after["created"], after["client_bytes"], after["open"]) == \
        (stats["created"] + 1, stats["client_bytes"] + 1, 4)
    later = one.row("names")
    assert later["addresses"] == name["addresses"] and 0 < later["expires_ms"] <= name["expires_ms"]
    assert len(evil_dns.queries()) == asked
    assert {row["log_level"] for row in one.rows("log", "level")} == {7}
    rule = one.row("rules")
    assert rule["begun"] == 1 and rule["counted_for_ms"] <= (time.monotonic() - begun) * 1000


def test_a_reload_that_fails_is_answered_and_changes_nothing(gw, echo, peer):
    """[O-10] The answer has the place and what was expected; the old configuration stays in effect, as its files say."""
    one = gw(echo)
    client = peer()
    client.ask(b"1", one.listener)
    good, reg = one.daemon.file.read_text(), one.daemon.child()
    for text, told in ((good + "\nfrobnicate: 1\n", "frobnicate"), ("name: [", "invalid YAML"), ("", "empty"),
                       (good.replace("max-sessions: 1000", "max-sessions: 0"), "udpserver.max-sessions"),
                       (good.replace("name: gw", "name: other"), "name; restart")):
        one.daemon.file.write_text(text)
        for words in (["reload"], ["reload", "--check"]):
            answer = one(*words)
            assert answer.returncode == NO_RIGHT and told in answer.stderr and answer.stdout == "", answer
    one.daemon.file.unlink()
    assert one("reload", status=NO_RIGHT).stderr
    assert one.row("status")["state"] == "serving" and one.daemon.child() == reg
    assert client.ask(b"2", one.listener) == b"2"
    assert len(one.daemon.lines("UDPS-215-E")) >= 5
    one.daemon.file.write_text(good)
    assert one("reload", status=GOOD).stdout
    assert os.path.exists(f"/proc/{one.daemon.pid}") and len(descriptors_of(one.daemon.pid)) > 0


def test_a_reload_says_what_it_did(gw, echo):
    """[O-8] What changes, and whether it has been taken."""
    one = gw(echo)
    assert one("reload", status=GOOD).stdout == "gw: the configuration has not changed\n"
    other_limits(one)
    *lines, last = one("reload", "--check", status=GOOD).stdout.splitlines()
    assert last == "gw: the configuration is valid; a reload would make these changes" and any("99s" in line for line in lines)
    assert not any("99s" in row["text"] for row in one.rows("config", "--effective"))
    assert one("reload", status=GOOD).stdout.splitlines() == [*lines, "gw: reloaded"]
    assert any("99s" in row["text"] for row in one.rows("config", "--effective"))
