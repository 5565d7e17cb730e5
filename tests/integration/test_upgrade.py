"""Another program takes the place of the parent: sessions, sockets and the process stay."""
import fcntl
import os
import random
import re
import shutil
import signal
import socket
import time

import pytest

from control_socket import Refused, ask, ask_later
from deadline import wait_for
from free_ports import free_port, free_ports
from processes import is_alive
from proxyctl_run import FAILED, NO_RIGHT, NOT_RUNNING, ctl  # noqa: F401
from proxyd_process import configuration
from programs import program

DIED, UPGRADING, UPGRADED, FAILURE = "UDPS-222-E", "UDPS-216-K", "UDPS-217-K", "UDPS-218-E"


def install(path, script=None):
    """Puts a program there as a package does: a new file in the place of the old one. Without a script it is proxyd."""
    new = path.with_name("new")
    if script is None:
        shutil.copyfile(program("proxyd"), new)
    else:
        new.write_text(script)
    new.chmod(0o755)
    new.rename(path)


def late(path, abilities):
    """A script that says what it is able to at once, passes the trial, and goes on as proxyd when the file GO is there.
    (A shell would let signals through meanwhile.)"""
    return f"""#!/usr/bin/python3
import os, sys, time
if "--handover" in sys.argv and {abilities!r}:
    print({abilities!r})
    sys.exit()
asked = "--handover" in sys.argv or "-n" in sys.argv or "PROXYD_CANDIDATE" in os.environ
while not asked and not os.path.exists({str(path)!r} + ".GO"):
    time.sleep(0.01)
os.execv({program("proxyd")!r}, sys.argv)
"""


def let_go(path):
    path.with_name(path.name + ".GO").touch()


class Upgradable:
    """A proxyd from a program of its own, which can be replaced. `self(...)` is proxyctl for it."""

    def __init__(self, proxyd, run, folder, config, **options):
        self.program = folder / "bin" / "proxyd"
        self.program.parent.mkdir()
        install(self.program)
        self.run, self.socket = run, run.run_dir / "gw.sock"
        self.config = {**config, "name": "gw", "control": {"socket": str(self.socket)}}
        self.daemon = proxyd(self.config, binary=str(self.program), **options)

    def __call__(self, *arguments, **keywords):
        return self.run("gw", *arguments, **keywords)

    def upgrade(self):
        """By proxyctl; returns its answer."""
        return self.run.rows("gw", "upgrade")[0]


@pytest.fixture
def upgradable(proxyd, ctl, tmp_path):  # noqa: F811
    return lambda config, **options: Upgradable(proxyd, ctl, tmp_path, config, **options)


def trip(client, server, listener, text=b"ask"):
    """Through the proxy and back; returns where the server saw it come from."""
    client.send(text, listener)
    data, source = server.receive()
    assert data == text
    server.send(b"re:" + text, source)
    assert client.receive() == (b"re:" + text, listener)
    return source


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("daemon", [False, True])
def test_what_an_upgrade_keeps(upgradable, peer, tmp_path, workers, daemon):
    """[O-8][O-9] The process, its pid file, sockets, control socket, sessions, log level and start time; of the
    configuration that which runs, whatever the file says by now."""
    listener, server, pid_file = ("127.0.0.1", free_port()), peer(), tmp_path / "gw.pid"
    config = configuration(listener, server.text, udpserver={"max-sessions": 100, "workers": workers})
    proxy = upgradable({**config, "pid-file": str(pid_file)}, daemon=daemon)
    before, socket_file = proxy.daemon.descriptor_counts(), os.stat(proxy.socket)
    clients = [peer() for _ in range(10)]
    sources = [trip(client, server, listener) for client in clients]
    assert proxy("log", "level", "7", status=0)
    pid, uptime = proxy.daemon.pid, ask(proxy.socket, "version")[0]["uptime_ms"]
    proxy.daemon.write_configuration({**proxy.config, "session-acl": [{"from": ["*"], "action": "deny"}]})
    for number in range(1, 4):
        install(proxy.program)
        assert proxy.upgrade() == {"name": "gw", "version": "proxyd 0.1.0", "sessions": "kept"}
        assert [trip(client, server, listener) for client in clients] == sources
        version, = ask(proxy.socket, "version")
        assert (version["pid"], version["upgrades"]) == (pid, number) and version["uptime_ms"] > uptime
    assert all(row["state"] == "up" and row.get("log_level", 7) == 7 for row in ask(proxy.socket, "ps"))
    assert pid_file.read_text() == f"{pid}\n" and proxy.daemon.pid == pid
    assert os.stat(proxy.socket).st_ino == socket_file.st_ino
    wait_for(lambda: proxy.daemon.descriptor_counts() == before, 5,
             lambda: f"{before} before, {proxy.daemon.descriptor_counts()} after")
    assert len(proxy.daemon.lines(UPGRADED)) == len(proxy.daemon.lines(UPGRADING)) == 3
    assert not proxy.daemon.lines(DIED) and not proxy.daemon.records()
    sessions = ask(proxy.socket, "sessions")
    assert sorted(row["client_datagrams"] for row in sessions) == [4] * len(clients)
    trip(peer(), server, listener)  # by the policy that runs, not that of the file
    proxy.daemon.stop()
    assert len(proxy.daemon.records(REASON="process-end")) == len(clients) + 1
    assert not pid_file.exists() and not proxy.socket.exists()


def test_who_watches_goes_on_watching(upgradable, peer):
    listener, server, client = ("127.0.0.1", free_port()), peer(), peer()
    proxy = upgradable(configuration(listener, server.text))
    watching = proxy.run.start("gw", "watch", "--json")
    for number in range(3):
        proxy.upgrade()
        trip(client if number == 0 else peer(), server, listener)
        assert '"begin"' in watching.stdout.readline()


def test_reload_after_an_upgrade(upgradable, peer):
    """The file is found again, and the sessions are those of the policy before it."""
    listener, server, client = ("127.0.0.1", free_port()), peer(), peer()
    proxy = upgradable(configuration(listener, server.text))
    source = trip(client, server, listener)
    proxy.upgrade()
    proxy.daemon.write_configuration({**proxy.config, "udpserver": {"max-sessions": 500, "workers": 3}})
    assert "500" in proxy("reload", status=0).stdout
    assert trip(client, server, listener) == source
    proxy.upgrade()
    assert trip(client, server, listener) == source
    assert "workers: 3" in proxy("config", "--effective", status=0).stdout


def test_a_program_with_other_sessions(upgradable, peer):
    """They end in order; the listeners stay, with what waits in them, and no server-side socket is used again."""
    listener, server, client = ("127.0.0.1", free_port()), peer(), peer()
    proxy = upgradable(configuration(listener, server.text))
    source = trip(client, server, listener)
    install(proxy.program, late(proxy.program, "handover 5 arena 1 version 9.9.9"))
    process = proxy.run.start("gw", "upgrade", "--json")
    record, = proxy.daemon.wait_records(1)
    assert (record["REASON"], record["RESULT"]) == ("process-end", "ABORTED")
    client.send(b"waits", listener)
    let_go(proxy.program)
    data, other = server.receive()
    assert data == b"waits" and other != source
    answer, _ = process.communicate(timeout=20)
    assert '"sessions":"ended"' in answer.replace(" ", "") and "9.9.9" in answer
    assert trip(client, server, listener) == other
    assert "sessions closed" in proxy.daemon.lines(UPGRADED)[0].raw


def test_no_late_answer_reaches_another_client(upgradable, peer):
    """Of sessions that an upgrade ended: although there are only four ports, none serves before it has rested."""
    listener, server, client, first = ("127.0.0.1", free_port()), peer(), peer(), free_ports(4)
    config = configuration(listener, server.text, {"source-port": f"{first}-{first + 3}"},
                           udpserver={"max-sessions": 100, "quarantine": "2s"})
    proxy = upgradable(config)
    source = trip(client, server, listener)
    install(proxy.program, late(proxy.program, "handover 5 arena 1 version 9.9.9"))
    let_go(proxy.program)
    assert proxy.upgrade()["sessions"] == "ended"
    others = [peer() for _ in range(4)]
    for other in others:
        other.send(b"too early", listener)
    server.send(b"a secret for the first", source)
    proxy.daemon.wait_records(1, REASON="no-socket")
    for other in others:
        other.receive_nothing(0.1)
    wait_for(lambda: not others[0].send(b"again", listener) and proxy("sessions", "--json").stdout, 10, "a session")
    others[0].receive_nothing(0.2)


@pytest.mark.parametrize("text, why", [
    ("exit 1", "not a working proxyd (exit status 1); install proxyd there and retry"),
    ("echo Oh no; kill -SEGV $$", "not a working proxyd (signal 11 (Segmentation fault): Oh no); install"),
    ("echo handover 1 arena 1 version 9", "is proxyd 9, which cannot take over from"),
    ("echo handover 5 arena x version 9", "not a working proxyd"),
    ("[ $1 = --handover ] && exec echo handover 5 arena 1 version 9; echo nosuchkey: unknown; exit 1", "nosuchkey"),
    ("exec sleep 100", "not a working proxyd (it does not answer); install"),
    (None, "No such file"),
])
def test_a_program_that_cannot_go_on(upgradable, peer, text, why):
    """[O-10] is refused before anything happens."""
    listener, server, client = ("127.0.0.1", free_port()), peer(), peer()
    proxy = upgradable(configuration(listener, server.text))
    source, child = trip(client, server, listener), proxy.daemon.child()
    if text:
        install(proxy.program, "#!/bin/sh\n" + text)
    else:
        proxy.program.unlink()
    refusal = proxy("upgrade", status=NO_RIGHT).stderr
    # A restart with such a program would end the service.
    assert why in refusal and ("proxyctl restart" in refusal) == ("is proxyd 9" in refusal)
    assert proxy.daemon.child() == child and trip(client, server, listener) == source
    assert not proxy.daemon.lines(UPGRADING)


def test_a_program_that_cannot_be_executed(upgradable, peer):
    """The probe succeeds and the start fails: the previous version keeps running."""
    listener, server, client = ("127.0.0.1", free_port()), peer(), peer()
    proxy = upgradable(configuration(listener, server.text))
    source, before = trip(client, server, listener), proxy.daemon.descriptor_counts()
    install(proxy.program, f"""#!/bin/sh
        if [ "$1" = -n ]; then chmod 000 "$0"; fi
        exec {program("proxyd")} "$@"
        """)
    child = proxy.daemon.child()
    for _ in range(2):
        proxy.program.chmod(0o755)
        assert "Permission denied" in proxy("upgrade", status=FAILED).stderr
        assert proxy.daemon.child() == child
        assert trip(client, server, listener) == source
    proxy.daemon.wait_line(FAILURE, count=2)
    assert len(proxy.daemon.lines(FAILURE)) == 2 and not proxy.daemon.records()
    install(proxy.program)
    proxy.upgrade()
    assert trip(client, server, listener) == source
    wait_for(lambda: proxy.daemon.descriptor_counts() == before, 5,
             lambda: f"{before} before, {proxy.daemon.descriptor_counts()} after")


def test_signals_and_orders_during_an_upgrade(upgradable, peer):
    """A signal between two programs is not lost; a second upgrade and a reload are refused meanwhile; TERM ends it."""
    listener, server, client = ("127.0.0.1", free_port()), peer(), peer()
    proxy = upgradable(configuration(listener, server.text))
    trip(client, server, listener)
    install(proxy.program, late(proxy.program, ""))
    process = proxy.run.start("gw", "upgrade")
    proxy.daemon.wait_line(UPGRADING)
    wait_for(lambda: not proxy.daemon.children().get("REG"), what="the end of REG")
    proxy.daemon.send_signal(signal.SIGUSR1)
    let_go(proxy.program)
    assert process.wait(20) == 0
    wait_for(lambda: ask(proxy.socket, "ps")[0]["log_level"] == 7, what="the higher log level")
    os.kill(proxy.daemon.child(), signal.SIGSTOP)
    answer = ask(proxy.socket, "upgrade")
    assert answer[0]["sessions"] == "kept"
    for order in ("upgrade", "reload"):
        with pytest.raises(Refused, match="in progress"):
            ask(proxy.socket, order)
    proxy.daemon.send_signal(signal.SIGTERM)
    assert proxy.daemon.wait() == 0
    assert len(proxy.daemon.records(REASON="process-end")) + len(proxy.daemon.records(REASON="adoption")) == 1


@pytest.mark.parametrize("order", ["reload", "stop"])
def test_another_order_between_the_plan_and_the_upgrade(upgradable, peer, order):
    """The parent was busy, and finds both at once: the other order is carried out, the upgrade is not."""
    listener, server, client = ("127.0.0.1", free_port()), peer(), peer()
    proxy = upgradable(configuration(listener, server.text))
    source = trip(client, server, listener)
    proxy.daemon.write_configuration({**proxy.config, "udpserver": {"max-sessions": 77, "workers": 2}})
    install(proxy.program, "#!/bin/sh\nsleep 1\nexit 1\n")
    with ask_later(proxy.socket, "upgrade") as busy, ask_later(proxy.socket, "upgrade") as upgrade, \
            ask_later(proxy.socket, order, **({"graceful_ms": 200} if order == "stop" else {})) as other:
        busy.send()
        time.sleep(0.3)
        install(proxy.program)
        upgrade.send()
        time.sleep(0.02)
        other.send()
        assert "not a working proxyd" in busy.answer() and "kept" in upgrade.answer() and "error" not in other.answer()
    proxy.daemon.wait_line(FAILURE)
    if order == "stop":
        assert proxy.daemon.wait() == 0 and len(proxy.daemon.records(REASON="process-end")) == 1
    else:
        assert trip(client, server, listener) == source
        assert ask(proxy.socket, "version")[0]["upgrades"] == 0 and not proxy.daemon.records()


def test_a_graceful_end_that_begins_during_an_upgrade(upgradable, peer):
    listener, server, client = ("127.0.0.1", free_port()), peer(), peer()
    proxy = upgradable(configuration(listener, server.text))
    trip(client, server, listener)
    child = proxy.daemon.child()
    os.kill(child, signal.SIGSTOP)
    ask(proxy.socket, "upgrade")
    ask(proxy.socket, "stop", graceful_ms=500)
    os.kill(child, signal.SIGCONT)
    assert proxy.daemon.wait() == 0
    assert len(proxy.daemon.records(REASON="process-end")) == 1


def test_no_end_is_forgotten_at_any_moment_of_an_upgrade(upgradable, peer):
    """TERM at random moments around the exec."""
    delays = random.Random(3)
    listener, server = ("127.0.0.1", free_port()), peer()
    proxy = upgradable(configuration(listener, server.text))
    for _ in range(12):
        child = proxy.daemon.child()
        ask(proxy.socket, "upgrade")
        wait_for(lambda child=child: not is_alive(child), what="the end of REG")
        end = time.monotonic() + delays.random() * 0.006
        while time.monotonic() < end:
            pass
        proxy.daemon.stop()
        assert not proxy.socket.exists()
        proxy.daemon.start(ready=False)
        wait_for(proxy.socket.exists, what="the control socket")


def test_a_control_socket_of_somebody_else_stays(upgradable, peer):
    proxy = upgradable(configuration(("127.0.0.1", free_port()), peer().text))
    proxy.upgrade()
    proxy.socket.unlink()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(proxy.socket))
        proxy.daemon.stop()
        assert proxy.socket.exists()


def test_a_program_that_ends_after_it_has_taken_over(upgradable, peer):
    """It passed the trial: the answer is that the proxy is gone."""
    proxy = upgradable(configuration(("127.0.0.1", free_port()), peer().text))
    install(proxy.program, "#!/bin/sh\n[ -n \"$PROXYD_HANDOVER\" ] && [ -z \"$PROXYD_CANDIDATE\" ] && exit 1\n"
            f"exec {program('proxyd')} \"$@\"\n")
    assert "exited, and the proxy with it" in proxy("upgrade", status=NOT_RUNNING).stderr
    assert proxy.daemon.wait() == 1


def test_an_upgrade_is_refused_while_the_proxy_ends(upgradable, peer):
    listener, server, client = ("127.0.0.1", free_port()), peer(), peer()
    proxy = upgradable(configuration(listener, server.text))
    trip(client, server, listener)
    proxy.run.start("gw", "stop", "--graceful", "30s")
    wait_for(lambda: ask(proxy.socket, "status")[0]["state"] == "stopping", what="the graceful end")
    with pytest.raises(Refused, match="shutting down"):
        ask(proxy.socket, "upgrade")


@pytest.mark.parametrize("value", ["", "x", "3", "99999"])
def test_a_handover_that_nobody_left(proxyd, value):
    daemon = proxyd(configuration(("127.0.0.1", free_port()), "127.0.0.1:9"), ready=False,
                    environment={"PROXYD_HANDOVER": value})
    assert daemon.wait() == 1
    assert re.search("proxyd: cannot start: handover", daemon.error_text())


def test_the_pid_file_stays_locked(upgradable, peer, tmp_path):
    pid_file = tmp_path / "gw.pid"
    proxy = upgradable({**configuration(("127.0.0.1", free_port()), peer().text), "pid-file": str(pid_file)})
    proxy.upgrade()
    with pid_file.open() as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
