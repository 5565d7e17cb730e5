"""Processes that crash, stop or are ended in an unlucky moment."""
import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from control_socket import ask
from counters import counters
from deadline import SLOWNESS, wait_for
from free_ports import free_port
from processes import is_alive
from proxyctl_run import ctl  # noqa: F401
from proxyd_process import Proxyd, configuration
from programs import program

CRASH_QUIETLY = {"ASAN_OPTIONS": "handle_segv=0:handle_abort=0", "TSAN_OPTIONS": "handle_segv=0:handle_abort=0"}
DIED, CRASH_LOOP = "UDPS-222-E", "UDPS-510-C"


def controlled(config, ctl):  # noqa: F811
    """The configuration with a control socket that proxyctl knows as gw."""
    return {**config, "name": "gw", "control": {"socket": str(ctl.run_dir / "gw.sock")}}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL, signal.SIGSEGV])
def test_a_crash_loop_is_throttled(proxyd, peer, udp_echo, ctl, number):  # noqa: F811
    """[E-2] Six signals in a row: the proxy stays, keeps the session, and says everywhere that it is degraded."""
    listener, client, echo = ("127.0.0.1", free_port()), peer(), udp_echo()
    daemon = proxyd(controlled(configuration(listener, echo.text), ctl), environment=CRASH_QUIETLY)
    client.ask(b"before", listener)
    for _ in range(5):
        daemon.replace_child(number=number)
    assert not daemon.lines(CRASH_LOOP)
    at = time.monotonic()
    daemon.replace_child(number=number)
    assert time.monotonic() - at >= 1
    assert len(daemon.lines(CRASH_LOOP)) == 1
    assert client.ask(b"after", listener, 4) == b"after"
    assert echo.counts()["sources"] == 1 and not daemon.records()
    status, = ask(ctl.run_dir / "gw.sock", "status")
    assert (status["state"], status["why"]) == ("degraded", "crash loop: restarts of REG are delayed")
    assert ask(ctl.run_dir / "gw.sock", "ps")[0]["state"] == "degraded"
    assert "crash loop" in ctl("gw", "doctor").stdout
    daemon.kill_child(number=number)
    daemon.wait_line("UDPS-224-N", "restarting in 2s")
    daemon.stop()
    assert len(daemon.records()) == 1


def test_a_crash_loop_ends(proxyd, peer, udp_echo):
    """[E-2] When REG has run for the time of max-restarts, the next crash restarts it immediately again."""
    listener, echo = ("127.0.0.1", free_port()), udp_echo()
    daemon = proxyd(configuration(listener, echo.text, udpserver={
        "max-sessions": 10, "max-restarts": {"count": 1, "within": "1s"}}))
    daemon.replace_child()
    daemon.replace_child()
    daemon.wait_line("UDPS-511-K")
    at = time.monotonic()
    daemon.replace_child()
    assert time.monotonic() - at < 0.9 * SLOWNESS
    assert len(daemon.lines(CRASH_LOOP)) == 1


def test_resolvers_may_crash_as_often_as_they_like(proxyd, evil_dns, peer, udp_echo):
    """[E-2] Even where a crash loop ends the proxy."""
    listener, echo, dns = ("127.0.0.1", free_port()), udp_echo(), evil_dns
    config = configuration(listener, echo.text, udpserver={
        "max-sessions": 10, "max-restarts": {"count": 1, "within": "60s"}, "on-crash-loop": "end"},
        resolver={"servers": [dns.text], "hosts-file": "none"})
    config["session-acl"].insert(0, {"name": "host", "from": ["host.example.com"], "action": "deny"})
    daemon = proxyd(config)
    for _ in range(3):
        daemon.kill_child("ACR")
        daemon.child("ACR", seconds=6)
        wait_for(lambda: len(daemon.children().get("ACR", [])) == 1, 6, "the next ACR")
    assert daemon.running and not daemon.lines(CRASH_LOOP)


def test_a_stopped_reg_does_not_survive_its_parent(proxyd, peer, udp_echo):
    """[E-4][K-8] It writes its records, ends, and the port is free."""
    listener = ("127.0.0.1", free_port())
    daemon = proxyd(configuration(listener, udp_echo().text))
    peer().ask(b"x", listener)
    child = daemon.kill_child(number=signal.SIGSTOP)
    daemon.send_signal(signal.SIGKILL)
    wait_for(lambda: not is_alive(child), 3, "the end of REG")
    assert daemon.wait() == -signal.SIGKILL
    wait_for(lambda: can_bind(listener), 1, "the end of REG's last thread")
    assert [record["REASON"] for record in daemon.records()] == ["process-end"]


def can_bind(address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        try:
            other.bind(address)
        except OSError:
            return False
    return True


HOLDER = """
import ctypes, socket, sys, time
ctypes.CDLL(None).prctl(15, b"proxyd[REG]", 0, 0, 0)
holder = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
holder.bind(("127.0.0.1", int(sys.argv[1])))
print("bound", flush=True)
time.sleep(60)
"""


def test_who_has_the_port(proxyd, peer):
    """[E-4] A start that meets an orphan names it, and how to end it; of another program it names pid and title."""
    port = free_port()
    orphan = subprocess.Popen([sys.executable, "-c", HOLDER, str(port)], stdout=subprocess.PIPE)
    try:
        orphan.stdout.readline()
        daemon = proxyd(configuration(("127.0.0.1", port), "127.0.0.1:9"), ready=False)
        assert daemon.wait() == 1
        assert f"left over from a proxyd that was killed: end it with `kill -9 {orphan.pid}`" in daemon.error_text()
    finally:
        orphan.kill()
        orphan.wait()
    daemon = proxyd(configuration(peer().address, "127.0.0.1:9"), ready=False)
    assert daemon.wait() == 1
    assert f"Address already in use; pid {os.getpid()} (" in daemon.error_text()


@pytest.mark.seconds(120)
def test_parent_and_children_are_ended_together(proxyd, peer, udp_echo):
    """[E-11][K-23] As by a container or a control group: all records are written, in each of 12 rounds."""
    listener, echo = ("127.0.0.1", free_port()), udp_echo()
    clients = [peer() for _ in range(250)]
    for round_number in range(12):
        daemon = proxyd(configuration(listener, echo.text))
        for client in clients:
            client.ask(b"x", listener)
        pids = [daemon.pid, daemon.child()]
        for pid in pids if round_number % 2 else reversed(pids):
            with contextlib.suppress(ProcessLookupError):  # the parent may have stopped REG by then
                os.kill(pid, signal.SIGTERM)
        assert daemon.wait() == 0
        assert len({record["CLIENT-PORT"] for record in daemon.records()}) == len(daemon.records()) == 250


@pytest.mark.seconds(60)
def test_reg_is_killed_while_it_ends(proxyd, udp_echo):
    """[E-11] The sessions that it had closed, but whose records were on their way, are recorded by the last process."""
    echo, sessions = udp_echo(), 2000
    for delay in (0, 0.005, 0.02):
        listener = ("127.0.0.1", free_port())
        daemon = proxyd(configuration(listener, echo.text, udpserver={"max-sessions": 2 * sessions, "unanswered-share": "100%",
                                                                      "unconfirmed-share": "100%"}))
        for number in range(sessions):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.bind((f"127.60.{number // 250}.{number % 250 + 1}", 0))
                client.sendto(b"x", listener)
            if number % 50 == 0:
                time.sleep(0.005)
        time.sleep(0.3 * SLOWNESS)
        assert counters(daemon)["open"] == sessions
        reg = daemon.child()
        daemon.send_signal(signal.SIGTERM)
        wait_for(daemon.records, what="the first record")
        time.sleep(delay)
        with contextlib.suppress(ProcessLookupError):
            os.kill(reg, signal.SIGKILL)
        assert daemon.wait() == 0
        records = [record["CLIENT-IP"] for record in daemon.records()]
        assert len(set(records)) == sessions
        assert len(records) <= sessions + 64


def test_a_failed_start_of_a_child_is_told(tmp_path):
    """[E-13] On the terminal, also by a daemon: no thread, no memory."""
    for number, arguments in enumerate([("-d",), ()]):
        folder = tmp_path / str(number)
        folder.mkdir()
        folder.chmod(0o777)
        instance = Proxyd(folder, configuration(("127.0.0.1", free_port()), "127.0.0.1:9", user="nobody"), arguments)
        instance.command = ["/usr/bin/prlimit", "--nproc=0", *instance.command]
        instance.start(ready=False)
        at = time.monotonic()
        assert instance.wait() == 1
        assert time.monotonic() - at < 3 * SLOWNESS
        assert "proxyd: cannot start: REG: Resource temporarily unavailable" in instance.error_text()


@pytest.mark.skipif(SLOWNESS > 1, reason="a sanitizer needs more address space than the test leaves")
def test_a_lack_of_memory_is_told(tmp_path):
    """[E-13]"""
    config = configuration(("127.0.0.1", free_port()), "127.0.0.1:9", udpserver={"max-sessions": 4000000})
    instance = Proxyd(tmp_path, config)
    instance.command = ["/usr/bin/prlimit", f"--as={256 << 20}", *instance.command]
    instance.start(ready=False)
    assert instance.wait() == 1
    assert "memory" in instance.error_text()


def test_inherited_descriptors_are_closed(proxyd, tmp_path, peer, udp_echo):
    """[E-14] A lock of the script that starts proxyd is not kept for the proxy's lifetime."""
    lock, listener = tmp_path / "lock", ("127.0.0.1", free_port())
    daemon = Proxyd(tmp_path, configuration(listener, udp_echo().text), ())
    shell = f"exec 9>{lock}; flock 9; exec " + " ".join(daemon.command)
    daemon.command = ["/bin/sh", "-c", shell]
    assert daemon.start_daemon() == 0
    try:
        assert peer().ask(b"x", listener) == b"x"
        with lock.open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for pid in (daemon.pid, daemon.child()):
            targets = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
            assert str(lock) not in targets
    finally:
        daemon.stop()


def test_hup_reloads_if_configured(proxyd, peer, udp_echo):
    """[E-8] The result is logged; a file that is wrong changes nothing; TERM that comes with it wins."""
    listener, client = ("127.0.0.1", free_port()), peer()
    config = configuration(listener, udp_echo().text, signals={"hup": "reload"})
    daemon = proxyd(config)
    client.ask(b"x", listener)
    daemon.send_signal(signal.SIGHUP)
    assert "SIGHUP: configuration reloaded: no changes" in daemon.wait_line("UDPS-214-K").text
    daemon.write_configuration({**config, "session-acl": []})
    daemon.send_signal(signal.SIGHUP)
    assert "SIGHUP: configuration rejected" in daemon.wait_line("UDPS-215-E").text
    assert client.ask(b"y", listener) == b"y"
    daemon.write_configuration({**config, "signals": {"hup": "shutdown"}})
    daemon.send_signal(signal.SIGHUP)
    daemon.wait_line("UDPS-214-K", count=2)
    daemon.stop(signal.SIGHUP)
