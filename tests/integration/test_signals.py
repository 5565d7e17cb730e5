"""Signals to the parent, to REG and to both: levels, log files, information, ends."""
import itertools
import os
import pathlib
import re
import signal
import tempfile
import time

import pytest

from deadline import SLOWNESS, wait_for
from free_ports import free_port, free_ports
from processes import is_alive, status_of
from proxyd_process import Proxyd, configuration

LEVEL, REOPENED, REOPEN_FAILED, INFO = "LOGS-210-K", "LOGS-211-K", "LOGS-212-E", "UDPS-240-I"
STOPPING, RECEIVED, IGNORED = "UDPS-211-K", "UDPS-230-K", "UDPS-231-N"
ENDS = [signal.SIGHUP, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT]


@pytest.fixture
def serve(proxyd, udp_echo):
    """`serve(**sections)` starts an echo server and a proxy in front of it: (proxyd, listener)."""
    def start(udpserver=None, arguments=("-d",), **sections):
        echo, listener = udp_echo(), ("127.0.0.1", free_port())
        sections["udpserver"] = {"max-sessions": 1000, **(udpserver or {})}
        return proxyd(configuration(listener, echo.text, **sections), arguments), listener
    return start


def levels(daemon, role):
    """The steps of the log level that a process has reported: [(new, old)]."""
    return [tuple(map(int, re.match(r"log level (\d) .*, was (\d)", line.text).groups()))
            for line in daemon.lines(LEVEL, role=role)]


def step(daemon, pid, number, role, count):
    """Sends the signal and waits for the count-th report of that role."""
    os.kill(pid, number)
    wait_for(lambda: len(levels(daemon, role)) >= count, what=lambda: f"{role or 'parent'} x{count}\n{daemon.tail()}")


def test_a_child_changes_its_own_level_only(serve):
    """[K-14]"""
    daemon, _ = serve()
    child = daemon.child()
    step(daemon, child, signal.SIGUSR1, "REG", 1)
    step(daemon, child, signal.SIGUSR2, "REG", 2)
    step(daemon, child, signal.SIGUSR2, "REG", 3)
    assert levels(daemon, "REG") == [(7, 6), (6, 7), (5, 6)]
    assert levels(daemon, "") == []


def test_the_parent_passes_a_step_on(serve):
    """[K-15] Each process takes the step from where it is."""
    daemon, _ = serve()
    step(daemon, daemon.child(), signal.SIGUSR1, "REG", 1)
    step(daemon, daemon.pid, signal.SIGUSR1, "REG", 2)
    assert levels(daemon, "REG") == [(7, 6), (8, 7)]
    assert levels(daemon, "") == [(7, 6)]
    step(daemon, daemon.pid, signal.SIGUSR2, "REG", 3)
    assert levels(daemon, "")[1:] == [(6, 7)]


def test_levels_go_from_3_to_9(serve):
    """[K-16] One line for each change, none when there is nothing to change."""
    daemon, _ = serve()
    expected = [(7, 6), (8, 7), (9, 8), (8, 9), (7, 8), (6, 7), (5, 6), (4, 5), (3, 4), (4, 3), (5, 4), (6, 5)]
    for count, (new, old) in enumerate(expected, 1):
        step(daemon, daemon.pid, signal.SIGUSR1 if new > old else signal.SIGUSR2, "REG", count)
        if new in (3, 9):
            for _ in range(5):  # beyond the end of the scale
                os.kill(daemon.pid, signal.SIGUSR1 if new == 9 else signal.SIGUSR2)
                os.kill(daemon.pid, signal.SIGPWR)  # its lines come after the steps
            informed(daemon)
    assert levels(daemon, "") == levels(daemon, "REG") == expected


def informed(daemon):
    """Waits until parent and REG have acted on everything that was sent to the parent."""
    before = len(daemon.lines(INFO, "server-side sockets", "REG"))
    os.kill(daemon.pid, signal.SIGPWR)
    wait_for(lambda: len(daemon.lines(INFO, "server-side sockets", "REG")) > before, what=daemon.tail)


def level_of(daemon, pid, role):
    """The level as it is: one step up and down again (from 9: only a step down and up)."""
    count = len(levels(daemon, role))
    os.kill(pid, signal.SIGUSR2)
    wait_for(lambda: len(levels(daemon, role)) > count, what=daemon.tail)
    level = levels(daemon, role)[-1][1]
    step(daemon, pid, signal.SIGUSR1, role, count + 2)
    return level


@pytest.mark.parametrize("first", [signal.SIGUSR1, signal.SIGUSR2])
def test_quick_steps_are_right(serve, first):
    """[O-4][O-5] The child ends where the parent ends, however quickly they come; it may take some at once."""
    daemon, _ = serve()
    second = signal.SIGUSR1 + signal.SIGUSR2 - first
    for count in range(1, 21):  # the lines have a budget
        step(daemon, daemon.pid, first if count % 2 else second, "", count)
    assert levels(daemon, "")[-1][0] == 6
    informed(daemon)
    assert levels(daemon, "REG")[-1][0] == 6
    for _ in range(100):  # the kernel may make one of several that come before the parent runs
        os.kill(daemon.pid, first)
    informed(daemon)
    time.sleep(1)  # the budget of the lines grows again
    os.kill(daemon.pid, second)
    informed(daemon)
    assert levels(daemon, "")[-1] == levels(daemon, "REG")[-1]
    assert daemon.running and not daemon.lines("UDPS-222-E")


def test_a_child_that_is_busy_misses_no_step(serve):
    """[K-15][O-5] Steps that the parent took while the child could not run are taken by the child, too."""
    daemon, _ = serve()
    child = daemon.child()
    os.kill(child, signal.SIGSTOP)
    for count in range(1, 4):
        step(daemon, daemon.pid, signal.SIGUSR1, "", count)
    os.kill(child, signal.SIGCONT)
    wait_for(lambda: levels(daemon, "REG") and levels(daemon, "REG")[-1][0] == 9, 2, daemon.tail)


def test_a_new_child_runs_at_the_level_of_the_parent(serve):
    """[K-17] And forgets what was its own."""
    daemon, _ = serve()
    step(daemon, daemon.pid, signal.SIGUSR1, "REG", 1)
    step(daemon, daemon.child(), signal.SIGUSR2, "REG", 2)
    step(daemon, daemon.child(), signal.SIGUSR2, "REG", 3)
    assert level_of(daemon, daemon.replace_child(), "REG") == 7


def test_the_log_file_is_reopened(serve, peer):
    """[K-18] For all processes: what comes after is in the new file, and the old one stays as it was."""
    daemon, listener = serve()
    daemon.lines()
    old = daemon.folder / "old.log"
    daemon.log_path.rename(old)
    daemon.send_signal(signal.SIGWINCH)
    daemon.wait_line(REOPENED)
    content = old.read_text()
    peer().ask(b"x", listener)
    daemon.replace_child()
    daemon.stop()
    assert old.read_text() == content
    new = daemon.log_path.read_text()
    assert REOPENED in new and "UDPP-888-I" in new and "UDPS-222-E" in new and "UDPS-212-K" in new


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can change the user of a process")
def test_another_user_reopens_its_log(proxyd, peer):
    """[K-18][K-12][F-1] Also in a folder that the user cannot enter: LOG opens the file before it becomes the user."""
    with tempfile.TemporaryDirectory(prefix="proxyd-test-") as folder:
        os.chmod(folder, 0o700)
        path = f"{folder}/log"
        listener = ("127.0.0.1", free_port())
        daemon = proxyd(configuration(listener, peer().text, user="nobody", log={"to": path, "level": "normal"}),
                        ready=False)
        wait_for(lambda: os.path.exists(path) and "UDPS-210-K" in open(path).read(), what="the log")
        os.rename(path, f"{folder}/old")
        daemon.send_signal(signal.SIGWINCH)
        wait_for(lambda: os.path.exists(path) and REOPENED in open(path).read(),
                 what=lambda: open(f"{folder}/old").read())
        assert status_of(daemon.log_process())["Uid"].split() == status_of(daemon.child())["Uid"].split() == ["65534"] * 4
        daemon.kill_child()
        wait_for(lambda: "UDPS-222-E" in open(path).read(), what=lambda: open(path).read())
        daemon.stop()
        assert "UDPS-212-K" in open(path).read()


def test_a_failed_reopen_keeps_the_old_file(serve, peer):
    """[K-18][F-1] It is reported there, and nothing is lost."""
    daemon, listener = serve()
    old = daemon.folder / "old.log"
    daemon.log_path.rename(old)
    daemon.log_path.mkdir()  # no file can be made there
    daemon.send_signal(signal.SIGWINCH)
    wait_for(lambda: REOPEN_FAILED in old.read_text(), what=old.read_text)
    assert str(daemon.log_path) in old.read_text().split(REOPEN_FAILED)[1]
    peer().ask(b"x", listener)
    daemon.log_path.rmdir()
    daemon.stop()
    assert "UDPP-888-I" in old.read_text() and "UDPS-212-K" in old.read_text()


def test_there_is_nothing_to_reopen_on_a_console(serve):
    """[K-18] With the log on stderr the signal changes nothing."""
    daemon, _ = serve(log={"to": "stderr"})
    daemon.send_signal(signal.SIGWINCH)
    informed(daemon)
    assert not daemon.lines(REOPENED) and not daemon.lines(REOPEN_FAILED)


def test_information_of_each_process(serve, peer):
    """[K-19][K-20] The parent: children, pids, restarts, time; REG: sessions, limits, counters."""
    daemon, listener = serve()
    client, witness = peer(), peer()
    client.ask(b"12345", listener)
    witness.ask(b"12345", listener)  # what was sent before it has been counted
    daemon.replace_child()
    client.ask(b"12345", listener)
    witness.ask(b"12345", listener)
    informed(daemon)
    parent = "\n".join(line.text for line in daemon.lines(INFO, role=""))
    assert re.search(rf"supervisor up pid {daemon.pid} for \d+m?s, log level 6", parent)
    assert re.search(rf"REG up pid {daemon.child()} for \d+m?s, restarts 1, last exit signal 9 \(Killed\)", parent)
    child = "\n".join(line.text for line in daemon.lines(INFO, role="REG"))
    assert "sessions: 2 open of 1000, 0 unanswered, 0 unconfirmed, 2 created, 0 closed, 2 adopted, 0 aborted" in child
    assert "from clients: 4 datagrams, 20 bytes; to servers: 4 datagrams, 20 bytes" in child
    assert re.search("from servers: 4 datagrams, 20 bytes; to clients: [2-4] datagrams", child)
    assert re.search("server-side sockets of IPv4: 2 in use, [0-9]+ free, 0 in quarantine", child)


def test_information_by_rule(serve, peer):
    """[K-20] Which rule lets clients in, which one keeps them out."""
    daemon, listener = serve(**{"session-acl": [
        {"name": "keep-out", "from": "127.0.0.66", "action": "deny"},
        {"name": "let-in", "action": "accept", "plug-to": "127.0.0.1:9"}]})
    peer().send(b"x", listener)
    peer(address="127.0.0.66").send(b"x", listener)
    daemon.wait_line("UDPP-620-N", "refused: acl, rule keep-out")
    informed(daemon)
    daemon.wait_line(INFO, "rule keep-out: 0 sessions opened, 1 first datagrams refused")
    daemon.wait_line(INFO, "rule let-in: 1 sessions opened, 0 first datagrams refused")


def test_a_child_tells_that_the_parent_has_died(serve):
    """[K-8] It is the only one who can."""
    daemon, _ = serve()
    daemon.send_signal(signal.SIGKILL)
    daemon.wait()
    assert daemon.wait_line("UDPS-229-E", "the parent exited").role == "REG"


def test_a_child_informs_of_itself_alone(serve):
    """[K-19]"""
    daemon, _ = serve()
    os.kill(daemon.child(), signal.SIGPWR)
    daemon.wait_line(INFO, "dropped:")
    assert {line.role for line in daemon.lines(INFO)} == {"REG"}


def test_information_ends_nothing(serve, peer):
    """[O-7] However often it is asked for."""
    daemon, listener = serve()
    child, client = daemon.child(), peer()
    for number in range(100):
        os.kill(daemon.pid if number % 2 else child, signal.SIGPWR)
    assert client.ask(b"x", listener) == b"x"
    informed(daemon)
    assert daemon.child() == child and daemon.running


@pytest.mark.parametrize("number", ENDS)
def test_signals_that_end_the_proxy(serve, peer, number):
    """[K-21][K-23] At once, without waiting for sessions; each of them is reported; nothing is replaced."""
    daemon, listener = serve()
    clients = [peer() for _ in range(20)]
    for client in clients:
        client.ask(b"x", listener)
    at = time.monotonic()
    daemon.stop(number)
    assert time.monotonic() - at < 2 * SLOWNESS
    records = daemon.records(STATUS="ACCEPTED", RESULT="ABORTED", REASON="process-end")
    assert {record["CLIENT-PORT"] for record in records} == {str(client.address[1]) for client in clients}
    assert len(daemon.records()) == 20
    assert daemon.lines(STOPPING) and not daemon.lines("UDPS-222-E")
    name = signal.Signals(number).name[3:]
    assert daemon.lines(RECEIVED, f"{name}: shutting down")


def test_sessions_of_a_dead_reg_are_reported_at_the_end(serve, peer):
    """[K-23] Also those that were adopted, once each."""
    daemon, listener = serve()
    for _ in range(3):
        peer().ask(b"x", listener)
        daemon.replace_child()
    daemon.stop()
    assert [record["REASON"] for record in daemon.records()] == ["process-end"] * 3


@pytest.mark.parametrize("number", ENDS)
def test_signals_that_end_a_child_do_not_end_the_proxy(serve, number):
    """[K-22]"""
    daemon, _ = serve()
    child = daemon.child()
    daemon.replace_child(number=number)
    daemon.wait_line("UDPS-222-E", f"REG: exited unexpectedly, pid {child}: exit status 10 (its work is left to the next one)")
    assert not daemon.lines(STOPPING)


def test_the_strongest_of_two_ends(serve):
    """[O-5] The other is logged as ignored; the level that came with them is not lost."""
    daemon, _ = serve()
    daemon.send_signal(signal.SIGSTOP)
    for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGINT):
        daemon.send_signal(number)
    daemon.send_signal(signal.SIGCONT)
    assert daemon.wait() == 0
    assert daemon.lines(RECEIVED, "INT: shutting down")
    assert "HUP: ignored" in daemon.lines(IGNORED)[0].text
    assert levels(daemon, "") == [(7, 6)]


def test_pipe_is_ignored(serve, peer):
    """[O-6]"""
    daemon, listener = serve()
    child = daemon.child()
    os.kill(child, signal.SIGPIPE)
    daemon.send_signal(signal.SIGPIPE)
    assert peer().ask(b"x", listener) == b"x"
    informed(daemon)
    assert daemon.running and daemon.child() == child


def starting(tmp_path, peer):
    """A proxyd that has opened its first listener, but has more to do before it serves."""
    port = free_ports(300)
    config = configuration(("127.0.0.1", f"{port}-{port + 299}"), peer().text)
    instance = Proxyd(tmp_path, config, ("-d", "-vv")).start(ready=False)

    def has_begun():
        assert instance.running, instance.tail()
        return f":{port:04X} " in pathlib.Path("/proc/net/udp").read_text()
    wait_for(has_begun, what="the first socket", interval=0)
    return instance


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH, signal.SIGPWR, signal.SIGPIPE])
def test_signals_during_the_start_are_not_fatal(tmp_path, peer, number):
    """[O-6] From the first socket on, long before there is a loop."""
    instance = starting(tmp_path, peer)
    try:
        instance.send_signal(number)
        instance.wait_line("UDPS-210-K")
        instance.stop()
    finally:
        instance.discard()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_start_can_be_ended(tmp_path, peer, number):
    """[O-6] In order: exit status 0, no process left."""
    instance = starting(tmp_path, peer)
    try:
        instance.stop(number)
    finally:
        instance.discard()


def test_blocked_signals_of_the_starter_do_not_matter(tmp_path, peer):
    """[O-6] A program that starts proxyd with blocked or ignored signals still can end it."""
    instance = Proxyd(tmp_path, configuration(("127.0.0.1", free_port()), peer().text))
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
    try:
        instance.start()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    try:
        instance.stop()
        assert not is_alive(instance.pid)
    finally:
        instance.discard()


def test_a_flood_of_signals_makes_a_bounded_log(serve):
    """[F-4] Each message about signals has a budget in each process; the log says how many lines are missing."""
    daemon, _ = serve()
    begun, flood = time.monotonic(), [signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH, signal.SIGPWR]
    for count in range(4_000):
        daemon.send_signal(flood[count % 4])
        time.sleep(0.0003)  # two of a kind that come together are handled as one

    steps = itertools.cycle([signal.SIGUSR1, signal.SIGUSR1, signal.SIGUSR2])  # up: the flood may have lowered the level

    def suppressed():
        daemon.send_signal(next(steps))
        daemon.send_signal(signal.SIGWINCH)
        return daemon.lines("LOGS-220-N", RECEIVED)
    wait_for(suppressed, 20, daemon.tail, interval=0.1)
    seconds = time.monotonic() - begun
    for number in (RECEIVED, LEVEL, REOPENED):
        for role in ("", "REG"):
            assert len(daemon.lines(number, role=role)) <= 50 + 10 * (seconds + 1), (number, role)
    assert len(daemon.lines(INFO)) <= 2 * (500 + 100 * (seconds + 1))
    assert all(re.fullmatch(r"\S+: [1-9]\d* suppressed", line.text) for line in daemon.lines("LOGS-220-N"))
    daemon.stop()
