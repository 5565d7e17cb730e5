"""A disk of the log that hangs, or a LOG that does: nothing else waits for it, and lost lines are counted."""
import json
import os
import re
import signal
import subprocess
import time

import pytest

from control_socket import ask
from deadline import SLOWNESS, wait_for
from free_ports import free_port
from processes import is_alive
from programs import program
from proxyd_process import configuration
from udp_peer import UdpPeer

LOST, RECORD, REOPENED = "LOGS-230-W", "UDPP-888-I", "LOGS-211-K"


@pytest.fixture
def serve(proxyd, udp_echo):
    """`serve(**sections)`: (proxyd, listener); each session is recorded after one reply."""
    def start(level="normal", arguments=("-d",), **sections):
        echo, listener = udp_echo(), ("127.0.0.1", free_port())
        sections = {"udpserver": {"max-sessions": 5000}, "log": {"level": level}, **sections}
        config = configuration(listener, echo.text, {"limits": {"server-datagrams": 1}}, **sections)
        return proxyd(config, arguments), listener
    return start


def trip(listener):
    """The time of a round trip in a session of its own."""
    with UdpPeer() as client:
        before = time.monotonic()
        assert client.ask(b"x", listener) == b"x"
        return time.monotonic() - before


class Stopped:
    """LOG as a process that hangs: it neither runs nor reacts to anything but SIGKILL."""

    def __init__(self, daemon):
        self.pid = daemon.log_process()

    def __enter__(self):
        os.kill(self.pid, signal.SIGSTOP)
        return self

    def __exit__(self, *_):
        if is_alive(self.pid):
            os.kill(self.pid, signal.SIGCONT)


def records(daemon):
    return len(daemon.lines(RECORD))


def within(seconds, work):
    before = time.monotonic()
    result = work()
    assert time.monotonic() - before < seconds * SLOWNESS, f"took {time.monotonic() - before:.3f} s"
    return result


def log_row(socket):
    return next(row for row in ask(socket, "ps") if row["role"] == "LOG")


def test_a_log_that_hangs_delays_nothing(serve, tmp_path):
    """[E-6] Traffic, control socket, the next REG and the status file go on, however long the log stands still; then the
    log has the number of lines that were lost, and so has ps."""
    control = tmp_path / "control"
    daemon, listener = serve("full", control={"socket": str(control)},
                                **{"status-file": {"path": str(tmp_path / "status"), "every": "1s"}})
    with Stopped(daemon):
        times = [trip(listener) for _ in range(1000)]
        wait_for(lambda: log_row(control)["lines_lost"] > 1000 or times.extend(trip(listener) for _ in range(200)), 30,
                 "lines are lost")
        times.sort()
        assert times[len(times) // 2] < 0.01 * SLOWNESS and times[-1] < 0.5 * SLOWNESS
        for command in ("ps", "sessions", "stats"):
            within(1, lambda command=command: ask(control, command))
        old = daemon.kill_child()
        within(1, lambda: trip(listener))
        wait_for(lambda: ask(control, "ps")[1]["state"] == "up", 2, "the next REG")
        assert daemon.child() != old
        lost_so_far = log_row(control)["lines_lost"]
    line = daemon.wait_line(LOST, text="REG: ")
    assert re.fullmatch(r"REG: \d+ lines lost, \d+ since the start", line.text) and line.role == "LOG"
    wait_for(lambda: sum(int(line.text.split()[1]) for line in daemon.lines(LOST)) == log_row(control)["lines_lost"],
             5, lambda: f"all lost lines: {log_row(control)}, {[line.text for line in daemon.lines(LOST)]}")
    assert log_row(control)["lines_lost"] >= lost_so_far
    with UdpPeer() as client:
        client.ask(b"x", listener)
        daemon.wait_line(RECORD, text=f'CLIENT="{client.text}"')


def test_no_line_is_lost_while_there_is_room(serve):
    """[E-6] What waits in the channels when LOG is killed is written by the next LOG, each line once."""
    daemon, listener = serve()
    with Stopped(daemon) as log:
        for _ in range(200):
            trip(listener)
        os.kill(log.pid, signal.SIGKILL)
    wait_for(lambda: records(daemon) == 200, 10, lambda: f"{records(daemon)} records\n{daemon.tail()}")
    assert daemon.wait_line("UDPS-222-E", text="LOG").role == ""
    assert not daemon.lines(LOST)
    daemon.stop()
    assert records(daemon) == 200


@pytest.mark.parametrize("children_too", [False, True], ids=["parent", "all"])
def test_the_last_lines_are_written(serve, children_too):
    """[E-6] Also when the signal comes to all processes together, LOG included."""
    daemon, listener = serve()
    clients = [UdpPeer() for _ in range(50)]
    for client in clients:
        client.send(b"x", ("127.0.0.1", listener[1]))
    for client in clients:
        client.receive()
    pids = [daemon.log_process(), daemon.child(), daemon.pid] if children_too else [daemon.pid]
    for pid in pids:
        os.kill(pid, signal.SIGTERM)
    assert daemon.wait() == 0
    assert records(daemon) == 50 and daemon.lines("UDPS-212-K")
    for client in clients:
        client.close()


def test_a_log_that_hangs_does_not_hold_up_the_end(serve):
    """[E-6] The parent gives LOG up after two seconds."""
    daemon, listener = serve()
    trip(listener)
    with Stopped(daemon) as log:
        daemon.send_signal(signal.SIGTERM)
        assert within(4, daemon.wait) == 1
        wait_for(lambda: not is_alive(log.pid), 2, "LOG is killed")
    assert "the log is not complete: LOG hangs" in daemon.error_text()


def status(socket):
    row, = ask(socket, "status")
    return f"{row['state']}: {row['why']}"


def test_status_and_doctor_report_a_log_that_hangs(serve, tmp_path):
    """[E-6][G-11] Until it goes on."""
    control = tmp_path / "control"
    daemon, listener = serve(control={"socket": str(control)})
    with Stopped(daemon):
        trip(listener)
        wait_for(lambda: status(control).startswith("degraded: LOG hangs"), 10, lambda: status(control))
        result = subprocess.run([program("proxyctl"), "-s", control, "doctor"], capture_output=True, text=True, timeout=20)
        assert re.search(r"bad +LOG hangs: it has written nothing for", result.stdout), result.stdout
        processes = subprocess.run([program("proxyctl"), "-s", control, "ps"], capture_output=True, text=True, timeout=20)
        assert re.search(r"^LOG +failing ", processes.stdout, re.M), processes.stdout
        assert "LOG hangs: it has written nothing for" in processes.stdout.splitlines()[-1]
    wait_for(lambda: status(control) == "serving: ", 5, lambda: status(control))


def test_status_reports_a_log_that_cannot_be_opened(serve, tmp_path):
    """[E-6][G-11] With the reason, while LOG is down; what happens then is in the log as soon as there is one. Without it the
    exit status is 1."""
    control = tmp_path / "control"
    daemon, listener = serve(control={"socket": str(control)})
    logs = daemon.log_path.with_name("logs")
    os.kill(daemon.log_process(), signal.SIGKILL)
    daemon.log_path.unlink()
    daemon.log_path.mkdir()
    trip(listener)
    wait_for(lambda: "Is a directory" in status(control), 10, lambda: status(control))
    assert status(control).startswith("degraded: LOG down: ")
    daemon.log_path.rmdir()
    wait_for(lambda: status(control) == "serving: ", 40, lambda: status(control))
    wait_for(lambda: RECORD in daemon.log_path.read_text(), 5, "the record in the new file")
    daemon.log_path.rename(logs)
    daemon.log_path.mkdir()
    os.kill(daemon.log_process(), signal.SIGKILL)
    wait_for(lambda: status(control).startswith("degraded: LOG down"), 10, lambda: status(control))
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait() == 1 and "Is a directory" in daemon.error_text()
    daemon.log_path.rmdir()


def test_status_reports_a_full_disk(proxyd, udp_echo, tmp_path):
    """[G-11] With the error."""
    control, listener = tmp_path / "control", ("127.0.0.1", free_port())
    daemon = proxyd(configuration(listener, udp_echo().text, {"limits": {"server-datagrams": 1}}, log={"to": "/dev/full"},
                                  control={"socket": str(control)}), ready=False)
    wait_for(control.exists, what="the control socket")
    wait_for(lambda: (trip(listener), "lines are lost: No space left on device" in status(control))[1], 10,
             lambda: status(control))
    daemon.stop(status=1)


def test_a_reopen_does_not_wait_for_a_log_that_hangs(serve, tmp_path):
    """[E-6][F-1] The next LOG writes the new file; the one that hangs is killed."""
    control = tmp_path / "control"
    daemon, listener = serve(control={"socket": str(control)})
    daemon.lines()
    daemon.log_path.rename(daemon.folder / "old.log")
    with Stopped(daemon) as log:
        assert within(3, lambda: ask(control, "log-reopen")) == [{"reopened": True}]
        wait_for(lambda: not is_alive(log.pid), 2, "the end of the old LOG")
    trip(listener)
    wait_for(lambda: daemon.log_path.exists() and RECORD in daemon.log_path.read_text(), what="the new file")


@pytest.mark.parametrize("command", ["reload", "upgrade"])
def test_a_reload_and_an_upgrade_do_not_wait_for_a_log_that_hangs(serve, tmp_path, command):
    """[E-6] The proxy serves with the new configuration or program, and has a LOG that writes."""
    control = tmp_path / "control"
    daemon, listener = serve(control={"socket": str(control)})
    trip(listener)
    with Stopped(daemon):
        daemon.file.write_text(re.sub(r"( +)server-datagrams: 1\n", r"\1server-datagrams: 1\n\1idle: 100s\n",
                                      daemon.file.read_text()))
        answer = within(8, lambda: ask(control, command))
        assert "error" not in answer[-1], answer
        trip(listener)
    before = records(daemon)
    trip(listener)
    wait_for(lambda: records(daemon) > before, 10, daemon.tail)


def test_a_failed_reopen_fails_visibly(serve, tmp_path):
    """[F-1] The command says why, with an exit status; the records stay in the old file."""
    control = tmp_path / "control"
    daemon, listener = serve(control={"socket": str(control)})
    old = daemon.folder / "old.log"
    daemon.log_path.rename(old)
    daemon.log_path.mkdir()
    result = subprocess.run([program("proxyctl"), "-s", control, "log", "reopen"], capture_output=True, text=True,
                            timeout=20)
    assert result.returncode != 0 and f"{daemon.log_path}: cannot open: Is a directory" in result.stderr
    trip(listener)
    wait_for(lambda: RECORD in old.read_text(), what="the record in the old file")
    daemon.log_path.rmdir()
    assert ask(control, "log-reopen") == [{"reopened": True}]
    wait_for(lambda: REOPENED in daemon.log_path.read_text(), what="the new file")


def test_the_log_has_the_lines_of_each_process_under_its_name(serve):
    """[F-5] Name and pid come from the kernel and the channel, in JSON too."""
    daemon, listener = serve(log={"format": "json", "level": "normal"})
    trip(listener)
    wait_for(lambda: RECORD in daemon.log_path.read_text(), what="the record")
    lines = [json.loads(line) for line in daemon.log_path.read_text().splitlines()]
    assert {(line["role"], line["pid"]) for line in lines} == {("", daemon.pid), ("REG", daemon.child())}


def test_log_ends_with_the_last_process_that_logs(serve):
    """[E-6] Also if the parent was killed."""
    daemon, _ = serve()
    log = daemon.log_process()
    daemon.send_signal(signal.SIGKILL)
    daemon.wait()
    wait_for(lambda: not is_alive(log), 5, "the end of LOG after the last process that logs")
