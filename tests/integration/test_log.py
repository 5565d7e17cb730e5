"""What is logged, where, and in which form: ids, records, files, syslog, targets that fail."""
import json
import os
import pathlib
import re
import signal
import socket

import pytest

from deadline import wait_for
from free_ports import free_port
from log_file import parse_line
from programs import top
from proxyd_process import Proxyd, configuration
from udp_peer import UdpPeer

CATALOGUE = top / "man" / "proxyd-messages.7"
# As in MMCG-888, then ours.
FIELDS = ["PROTOCOL", "CLIENT", "CLIENT-IP", "CLIENT-PORT", "SERVER", "SERVER-IP", "SERVER-PORT", "SERVER-PORT-NAME",
          "USER", "BYTES-CIN", "BYTES-COUT", "BYTES-SIN", "BYTES-SOUT", "DURATION", "STATUS", "RESULT", "RULE"]
OUR_FIELDS = ["REASON", "LISTENER", "SESSION", "TYPE", "DATAGRAMS-CIN", "DATAGRAMS-COUT", "DATAGRAMS-SIN",
              "DATAGRAMS-SOUT"]
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [\w.-]+(\[REG\])? \d+ [A-Z]{4}-\d{3}-[CEWNIKD] \S.*")


@pytest.fixture
def serve(proxyd, udp_echo):
    """`serve(**sections)` starts an echo server and a proxy in front of it: (proxyd, listener, echo)."""
    def start(rule=None, arguments=("-d",), environment=None, ready=True, **sections):
        echo, listener = udp_echo(), ("127.0.0.1", free_port())
        sections["udpserver"] = {"max-sessions": 100, **sections.get("udpserver", {})}
        config = configuration(listener, echo.text, rule, **sections)
        return proxyd(config, arguments, ready, environment), listener, echo
    return start


class Syslog:
    """A syslog daemon of the test's own, under a path for PROXYD_SYSLOG_SOCKET."""

    def __init__(self, path):
        self.path = str(path)
        self.lines = []
        self.environment = {"PROXYD_SYSLOG_SOCKET": self.path}
        self.open()

    def open(self):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.setblocking(False)

    def close(self):
        self.socket.close()
        pathlib.Path(self.path).unlink(missing_ok=True)

    def all(self):
        """All lines so far."""
        while self.socket.fileno() >= 0:
            try:
                self.lines.append(self.socket.recv(65536).decode())
            except BlockingIOError:
                break
        return self.lines

    def wait(self, text, seconds=5):
        """The first line with this text in it, as soon as there is one."""
        return wait_for(lambda: next((line for line in self.all() if text in line), None), seconds,
                        lambda: f"'{text}' in syslog\n" + "\n".join(self.lines))


@pytest.fixture
def syslog(tmp_path, started):
    started.append(Syslog(tmp_path / "syslog"))
    return started[-1]


def test_every_id_is_documented(serve, peer):
    """[K-65] Those of a proxy that has seen much, at the highest level, are in the catalogue; each line has one."""
    documented = set(re.findall(r"^\.It Sy (\S+)$", CATALOGUE.read_text(), re.M))
    assert len(documented) > 40
    daemon, listener, _ = serve(arguments=("-d", "-vvv"), rule={"from": ["127.0.0.1"]})
    peer().ask(b"x", listener)
    peer("127.0.0.2").send(b"x", listener)
    for number in (signal.SIGUSR2, signal.SIGUSR1, signal.SIGWINCH, signal.SIGPWR):
        daemon.send_signal(number)
    daemon.wait_records(1, STATUS="REJECTED")
    daemon.replace_child()
    peer().ask(b"x", listener)
    daemon.stop()
    lines = daemon.lines()
    assert all(LINE.fullmatch(line.raw) for line in lines), [line.raw for line in lines if not LINE.fullmatch(line.raw)]
    seen = {line.id for line in lines}
    assert len(seen) >= 15
    assert seen <= documented, seen - documented


def test_the_catalogue_is_that_of_the_program():
    """[K-65] Each message of the source has its place in the manual page."""
    source = (top / "base" / "messages.def").read_text()
    ids = re.findall(r'^MESSAGE\(\s*\w+,\s*"([^"]+)"', source, re.M)
    assert len(ids) == len(set(ids))
    assert sorted(re.findall(r"^\.It Sy (\S+)$", CATALOGUE.read_text(), re.M)) == sorted(ids)


def test_start_and_end_of_a_session_are_logged(serve, peer):
    """[K-66] The start for those who look for a fault, the end always."""
    daemon, listener, echo = serve(arguments=("-d", "-v"), rule={"limits": {"server-datagrams": 1}})
    client = peer()
    client.ask(b"12345", listener)
    start = daemon.wait_line("UDPP-610-D")
    assert client.text in start.text and echo.text in start.text and "rule everybody" in start.text
    assert start.role == "REG" and start.pid == daemon.child()
    record, = daemon.wait_records(1)
    assert record["CLIENT"] == client.text and record["SERVER"] == echo.text
    assert float(record["DURATION"]) < 5
    for level in ("error", "warning"):
        quiet, listener, _ = serve(log={"level": level}, rule={"limits": {"server-datagrams": 1}}, ready=False)
        wait_for(lambda: listener_is_bound(listener), what="the listener")
        assert client.ask(b"x", listener) == b"x"
        quiet.wait_records(1)
        quiet.stop()
        allowed = {"UDPP-888-I", "UDPS-120-W", "UDPS-125-W"}  # not confined: sanitized programs
        assert {line.id for line in quiet.lines()} <= allowed, quiet.tail()


def listener_is_bound(listener):
    return f":{listener[1]:04X} " in pathlib.Path("/proc/self/net/udp").read_text()


def test_a_record_has_its_fields_in_their_order(serve, peer):
    """[K-67] The common ones first, then ours; addresses, ports and counts are right, each quoted or a number."""
    daemon, listener, echo = serve(rule={"limits": {"server-datagrams": 2}})
    client = peer()
    client.ask(b"12345", listener)
    client.ask(b"1234567", listener)
    daemon.wait_records(1)
    line, = daemon.lines("UDPP-888-I")
    assert list(line.fields) == FIELDS + OUR_FIELDS
    assert line.fields == {
        "PROTOCOL": "udp", "CLIENT": client.text, "CLIENT-IP": "127.0.0.1", "CLIENT-PORT": str(client.address[1]),
        "SERVER": echo.text, "SERVER-IP": "127.0.0.1", "SERVER-PORT": str(echo.address[1]), "SERVER-PORT-NAME": "",
        "USER": "", "BYTES-CIN": "12", "BYTES-COUT": "12", "BYTES-SIN": "12", "BYTES-SOUT": "12",
        "DURATION": line.fields["DURATION"], "STATUS": "ACCEPTED", "RESULT": "OK", "RULE": "everybody",
        "REASON": "server-datagrams", "LISTENER": f"{listener[0]}:{listener[1]}", "SESSION": "0.1", "TYPE": "normal",
        "DATAGRAMS-CIN": "2", "DATAGRAMS-COUT": "2", "DATAGRAMS-SIN": "2", "DATAGRAMS-SOUT": "2"}
    assert re.search(r" BYTES-CIN=12 ", line.raw) and re.search(r' RULE="everybody" ', line.raw)


def test_results_tell_ok_failed_and_aborted_apart(serve, peer, proxyd):
    """[K-67] Answered, never answered, cut off."""
    silent = peer()
    listeners = [("127.0.0.1", free_port()) for _ in range(2)]
    rule = {"limits": {"unanswered": "300ms", "idle": "300ms"}}
    dumb = proxyd(configuration(listeners[0], silent.text, rule))
    peer().send(b"x", listeners[0])
    daemon, listener, _ = serve(rule=rule)
    peer().ask(b"x", listener)
    record, = dumb.wait_records(1)
    assert (record["STATUS"], record["RESULT"], record["REASON"]) == ("ACCEPTED", "FAILED", "unanswered")
    record, = daemon.wait_records(1)
    assert (record["STATUS"], record["RESULT"], record["REASON"]) == ("ACCEPTED", "OK", "idle")
    peer().ask(b"x", listener)
    daemon.stop()
    record, = daemon.records(REASON="process-end")
    assert (record["STATUS"], record["RESULT"]) == ("ACCEPTED", "ABORTED")


def test_refusals_are_counted_together(serve, peer):
    """[K-67] One record a second for all first datagrams of a source that were refused for the same reason."""
    daemon, listener, _ = serve(rule={"from": ["127.0.0.1"]})
    clients = [peer("127.0.0.9") for _ in range(10)]
    for client in clients:
        for _ in range(10):
            client.send(b"12345", listener)
    daemon.wait_records(1, STATUS="REJECTED")
    wait_for(lambda: sum(int(record["COUNT"]) for record in daemon.records(STATUS="REJECTED")) == 100, what=daemon.tail)
    records = daemon.records()
    assert len(records) <= 2, "a second may have ended between the datagrams"
    for record in records:
        assert list(record) == FIELDS + OUR_FIELDS + ["COUNT"]
        assert (record["RESULT"], record["REASON"], record["CLIENT-IP"]) == ("FAILED", "acl", "127.0.0.9")
    assert sum(int(record["BYTES-CIN"]) for record in records) == 500
    assert {(record["RULE"], record["SERVER"], record["BYTES-SOUT"]) for record in records} == {("", "", "0")}


def test_a_denying_rule_is_named(serve, peer, proxyd):
    """[K-67]"""
    listener = ("127.0.0.1", free_port())
    config = configuration(listener, "127.0.0.1:9")
    config["session-acl"] = [{"name": "never", "action": "deny"}]
    daemon = proxyd(config)
    peer().send(b"x", listener)
    record, = daemon.wait_records(1)
    assert (record["STATUS"], record["RULE"], record["REASON"]) == ("REJECTED", "never", "acl")


def test_no_line_is_longer_than_documented(proxyd, udp_echo, peer):
    """[K-68] 8 KiB instead of split lines: long names are no reason to lose a field."""
    listener, echo = ("127.0.0.1", free_port()), udp_echo()
    config = configuration(listener, echo.text, {"limits": {"server-datagrams": 1}})
    config["session-acl"][0]["name"] = "r" * 63
    daemon = proxyd(config)
    peer().ask(b"x", listener)
    record, = daemon.wait_records(1)
    assert record["RULE"] == "r" * 63 and list(record) == FIELDS + OUR_FIELDS
    assert all(len(line.raw) <= 8192 for line in daemon.lines())


def test_json_lines(serve, peer):
    """[K-65][K-67] Every line is one object with the same parts; records have the fields of the text, in its order."""
    daemon, listener, _ = serve(arguments=("-d", "-vvv"), log={"format": "json"}, rule={"from": ["127.0.0.1"]})
    peer().ask(b"\0\xff\"\\", listener)
    peer("127.0.0.2").send(b"x", listener)
    daemon.wait_records(1, STATUS="REJECTED")
    daemon.replace_child()
    daemon.stop()
    for raw in daemon.log_path.read_text().splitlines():
        parts = json.loads(raw)
        assert list(parts)[:5] == ["time", "name", "role", "pid", "id"]
        assert isinstance(parts["pid"], int) and parts["role"] in ("", "REG")
        if parts["id"] != "UDPP-888-I":
            assert list(parts)[5:] == ["message"]
            continue
        expected = FIELDS + OUR_FIELDS + (["COUNT"] if parts["status"] == "REJECTED" else [])
        assert [key.upper() for key in list(parts)[5:]] == expected
        assert isinstance(parts["bytes-cin"], int) and isinstance(parts["client"], str)
        assert isinstance(parts["duration"], (int, float))
    assert len(daemon.records()) == 2


def test_payload_is_shown_at_the_highest_level_only(serve, peer):
    """[K-69] And no more of it than configured."""
    payload = bytes(range(64, 96))
    for arguments, shown in ((("-d", "-vv"), False), (("-d", "-vvv"), True)):
        daemon, listener, _ = serve(arguments=arguments, log={"dump-limit": 4},
                                    rule={"limits": {"server-datagrams": 1}})
        peer().ask(payload, listener)
        daemon.wait_records(1)
        text = daemon.log_path.read_text()
        assert ("40 41 42 43" in text) == shown
        assert "40 41 42 43 44" not in text and payload.decode() not in text


def test_a_file_is_not_for_everybody(serve):
    """[K-69] Mode 0640, and appended to."""
    daemon, _, _ = serve()
    assert daemon.log_path.stat().st_mode & 0o777 & ~0o640 == 0
    daemon.stop()
    before = daemon.log_path.read_text()
    daemon.start(ready=False)
    wait_for(lambda: daemon.log_path.read_text().count("UDPS-210-K") == 2, what=daemon.tail)
    assert daemon.log_path.read_text().startswith(before)


# --- syslog

def test_syslog_gets_everything_and_no_file_does(serve, syslog, peer):
    """[K-69] Priority from facility and severity, no time of ours; parent and REG, also the next REG."""
    daemon, listener, _ = serve(log={"to": "syslog"}, environment=syslog.environment, ready=False,
                                rule={"limits": {"server-datagrams": 1}})
    assert syslog.wait("UDPS-210-K").startswith(f"<{20 * 8 + 6}>proxyd[{daemon.pid}]: ")  # local4, info
    peer().ask(b"x", listener)
    record = parse_line("0 name[REG] 0 " + syslog.wait("UDPP-888-I").split("[REG] ")[1])
    assert list(record.fields) == FIELDS + OUR_FIELDS
    os.kill(daemon.child(), signal.SIGKILL)
    assert syslog.wait("UDPS-222-E").startswith(f"<{20 * 8 + 3}>")
    peer().ask(b"x", listener)
    wait_for(lambda: sum("UDPP-888-I" in line for line in syslog.all()) == 2, what="the new REG's record")
    daemon.send_signal(signal.SIGWINCH)  # nothing to reopen
    daemon.stop()
    syslog.wait("UDPS-212-K")
    assert not any("LOGS-21" in line for line in syslog.all())
    assert not daemon.log_path.exists() and daemon.error_text() == ""


def test_facility_and_format_of_syslog(serve, syslog):
    """[K-69]"""
    serve(log={"to": "syslog", "facility": "daemon", "format": "json"}, environment=syslog.environment, ready=False)
    line = syslog.wait("UDPS-210-K")
    assert line.startswith("<30>proxyd[")
    assert json.loads(line.split(": ", 1)[1])["id"] == "UDPS-210-K"


def test_a_daemon_logs_to_syslog_unless_told_otherwise(tmp_path, syslog):
    """[K-69] And what stays in the foreground, on stderr."""
    tmp_path.chmod(0o755)
    text = ("name: x\nudpserver: {max-sessions: 10}\nlisten-on: [{address: 127.0.0.1, port: %d}]\n"
            "session-acl: [{action: accept, plug-to: '127.0.0.1:9'}]\n")
    daemon = Proxyd(tmp_path, text % free_port(), (), syslog.environment)
    try:
        assert daemon.start_daemon() == 0
        syslog.wait("UDPS-210-K")
        daemon.stop()
        assert daemon.error_text() == ""
    finally:
        daemon.discard()
    before = len(syslog.all())
    daemon = Proxyd(tmp_path, text % free_port(), ("-d",), syslog.environment)
    try:
        daemon.start().stop()
    finally:
        daemon.discard()
    assert "UDPS-210-K" in daemon.error_text() and len(syslog.all()) == before


def test_a_missing_syslog_is_ignored_by_default(serve, tmp_path, peer):
    """[K-69] `ignore`: traffic goes on without a log, and the terminal of the start is told."""
    daemon, listener, _ = serve(log={"to": "syslog"}, environment={"PROXYD_SYSLOG_SOCKET": str(tmp_path / "none")},
                                ready=False)
    wait_for(lambda: listener_is_bound(listener), what="the listener")
    assert peer().ask(b"x", listener) == b"x"
    assert f"syslog at {tmp_path / 'none'} cannot be reached" in daemon.error_text()
    daemon.stop()


def test_a_syslog_that_comes_back_is_used_again(serve, syslog, peer):
    """[K-69]"""
    daemon, listener, _ = serve(log={"to": "syslog"}, environment=syslog.environment, ready=False,
                                rule={"limits": {"server-datagrams": 1}})
    syslog.wait("UDPS-210-K")
    syslog.close()
    with UdpPeer() as client:
        assert client.ask(b"x", listener) == b"x"
    syslog.open()

    def again():
        with UdpPeer() as client:
            client.ask(b"y", listener)
        return any("UDPP-888-I" in line for line in syslog.all())
    wait_for(again, what="a record in the new syslog", interval=0.1)
    daemon.stop()


def test_lines_go_to_a_file_while_syslog_is_away(serve, syslog, tmp_path, peer):
    """[K-69] `syslog-failure: PATH`, with a line that says why."""
    path = tmp_path / "emergency.log"
    daemon, listener, _ = serve(log={"to": "syslog", "syslog-failure": str(path)}, environment=syslog.environment,
                                ready=False, rule={"limits": {"server-datagrams": 1}})
    syslog.wait("UDPS-210-K")
    assert path.read_text() == ""
    syslog.close()
    peer().ask(b"x", listener)
    wait_for(lambda: "UDPP-888-I" in path.read_text(), what="the record in the file")
    assert "LOGS-231-E" in path.read_text() and syslog.path in path.read_text()
    daemon.stop()
    assert "UDPS-212-K" in path.read_text()


def test_stop_without_syslog(serve, syslog, tmp_path, peer):
    """[K-69] `syslog-failure: stop`: no start without it, and an end in order, with a status that says that lines are
    missing, when it goes away."""
    log = {"to": "syslog", "syslog-failure": "stop"}
    missing = Proxyd(tmp_path, configuration(("127.0.0.1", free_port()), "127.0.0.1:9", log=log),
                     environment={"PROXYD_SYSLOG_SOCKET": str(tmp_path / "none")})
    missing.start(ready=False)
    assert missing.wait() == 1
    assert str(tmp_path / "none") in missing.error_text()
    daemon, listener, _ = serve(log=log, environment=syslog.environment, ready=False)
    syslog.wait("UDPS-210-K")
    syslog.close()
    daemon.send_signal(signal.SIGUSR1)  # something to log
    assert daemon.wait() == 1


def test_stop_without_syslog_when_reg_notices_it_first(serve, syslog, peer):
    """[K-69] The whole proxy ends, not REG alone again and again."""
    daemon, listener, _ = serve(log={"to": "syslog", "syslog-failure": "stop"}, environment=syslog.environment,
                                ready=False, rule={"limits": {"server-datagrams": 1}})
    syslog.wait("UDPS-210-K")
    syslog.close()
    peer().ask(b"x", listener)
    assert daemon.wait() == 1


# --- targets that fail

def test_a_full_disk_stops_no_traffic(serve, peer):
    """[K-69] /dev/full as the log: sessions continue, and REG restarts."""
    daemon, listener, _ = serve(log={"to": "/dev/full"}, ready=False)
    wait_for(lambda: listener_is_bound(listener), what="the listener")
    client = peer()
    for _ in range(50):
        assert client.ask(b"x", listener) == b"x"
    old = daemon.kill_child()
    daemon.child(other_than=old)
    assert client.ask(b"y", listener) == b"y"
    daemon.stop(status=1)  # the records are lost
    assert "the log is not complete: " in daemon.error_text() and "No space left on device" in daemon.error_text()


def read_all(pipe):
    """What is in it now; it is not waited for, because the writer need not have written anything yet."""
    os.set_blocking(pipe, False)
    got = b""
    try:
        while part := os.read(pipe, 1 << 16):
            got += part
    except BlockingIOError:
        pass
    return got


def test_a_reader_of_stderr_that_stands_still_stops_no_traffic(tmp_path, peer, udp_echo):
    """[K-69] A full pipe costs lines, never time; the number of lost lines is logged when there is room again."""
    reader, writer = os.pipe()
    listener = ("127.0.0.1", free_port())
    text = json.dumps(configuration(listener, udp_echo().text, {"limits": {"server-datagrams": 1}}, name="x",
                                    log={"to": "stderr", "level": "full"}))
    daemon = Proxyd(tmp_path, text)
    daemon.command = ["/bin/sh", "-c", f'exec "$@" 2>/proc/{os.getpid()}/fd/{writer}', "sh", *daemon.command]
    try:
        daemon.start(ready=False)
        wait_for(lambda: listener_is_bound(listener), what="the listener")
        os.close(writer)
        for _ in range(1500):  # more than pipe and sockets hold
            with UdpPeer() as client:
                assert client.ask(b"x", listener) == b"x"
        got = read_all(reader)

        def told():
            nonlocal got
            with UdpPeer() as client:
                client.ask(b"x", listener)
            got += read_all(reader)
            return b"LOGS-230-W" in got
        wait_for(told, what="the line that tells how many were lost")
        os.close(reader)
        reader = -1
        with UdpPeer() as client:
            assert client.ask(b"x", listener) == b"x", "nor does the end of the reader"
        daemon.stop(status=1)
    finally:
        daemon.discard()
        if reader >= 0:
            os.close(reader)


def test_suppressed_lines_are_told(serve, peer):
    """[K-65] Each id has a budget in each process; a line says how many were left out."""
    daemon, _, _ = serve()
    child = daemon.child()

    def told():
        for _ in range(100):  # UDPS-230-K has 10 a second, and 50 at once
            daemon.send_signal(signal.SIGUSR1)
            daemon.send_signal(signal.SIGUSR2)
        daemon.send_signal(signal.SIGWINCH)
        return daemon.lines("LOGS-220-N", "UDPS-230-K")
    line = wait_for(told, what=daemon.tail, interval=0.1)[0]
    assert re.fullmatch(r"UDPS-230-K: [1-9]\d* suppressed", line.text) and line.pid == daemon.pid
    assert daemon.child() == child
