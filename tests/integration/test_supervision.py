"""The parent and its child: who is there, who is replaced, who ends, and what is left of it (process control)."""
import collections
import os
import pathlib
import re
import resource
import signal
import time

import pytest

from deadline import SLOWNESS, wait_for
from free_ports import free_port
from processes import children_of, descriptors_of, is_alive, status_of, title_of
from proxyd_process import Proxyd, configuration
from udp_peer import UdpPeer

DIED, ENDED, KILLED, CRASH_LOOP = "UDPS-222-E", "UDPS-223-K", "UDPS-226-W", "UDPS-510-C"
CHILD_STARTED, CHILD_READY = "UDPS-220-K", "UDPS-221-K"
# A sanitizer would take the signals that tests use to crash a child for bugs.
CRASH_QUIETLY = {name: "handle_segv=0:handle_abort=0:handle_sigill=0"
                 for name in ("ASAN_OPTIONS", "TSAN_OPTIONS", "UBSAN_OPTIONS")}
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can change the user of a process")


@pytest.fixture
def serve(proxyd, udp_echo):
    """`serve(**sections)` starts an echo server and a proxy in front of it: (proxyd, listener, echo)."""
    def start(rule=None, arguments=("-d",), environment=None, daemon=False, **sections):
        echo, listener = udp_echo(), ("127.0.0.1", free_port())
        sections = {"udpserver": {"max-sessions": 1000, **sections.pop("udpserver", {})}, **sections}
        config = configuration(listener, echo.text, rule, **sections)
        return proxyd(config, arguments, environment=environment, daemon=daemon), listener, echo
    return start


LEFT = "exit status 10 (its work is left to the next one)"


def crash_loop_config(listener, deaths):
    return configuration(listener, "127.0.0.1:9", user="nobody",
                         udpserver={"max-sessions": 10, "max-restarts": {"count": deaths - 1, "within": "10m"},
                                    "on-crash-loop": "end"})


def forbid_threads():
    """For a new process: users other than root can start no thread, so that REG, as nobody, fails at its start."""
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))


class Slow:
    """What takes long: started with the first test of this file, looked at in the last ones."""

    def __init__(self, folder):
        folder.chmod(0o755)
        self.client, self.server = UdpPeer(), UdpPeer()
        self.listener = ("127.0.0.1", free_port())
        self.aged = Proxyd(folder, configuration(self.listener, self.server.text, udpserver={
            "max-sessions": 10, "heartbeat": "1s"}), environment=CRASH_QUIETLY).start()
        self.client.send(b"first", self.listener)
        self.source = self.server.receive()[1]
        self.ready_at = time.monotonic()
        self.looping = Proxyd(folder, crash_loop_config(("127.0.0.1", free_port()), 20)).start()
        self.looping.replace_child()  # a good start, so that what follows is not the first one
        resource.prlimit(self.looping.pid, resource.RLIMIT_NPROC, (0, 0))
        self.looping.kill_child()
        self.busy = self.start_busy(folder)

    def start_busy(self, folder):
        """A proxy with a little traffic: two unanswered sessions, one refused client."""
        listener = ("127.0.0.1", free_port())
        config = configuration(listener, self.server.text, {"limits": {"unanswered": "1s"}})
        config["session-acl"].insert(0, {"name": "closed", "from": ["127.7.7.7"], "action": "deny"})
        busy = Proxyd(folder, config).start()
        with UdpPeer() as one, UdpPeer() as two, UdpPeer("127.7.7.7") as denied:
            for client in (one, two, denied):
                client.send(b"x", listener)
            busy.wait_records(1, STATUS="REJECTED")
            for _ in range(2):
                self.server.receive()
        return busy

    def close(self):
        for thing in (self.aged, self.looping, self.busy):
            thing.discard()
        self.client.close()
        self.server.close()


@pytest.fixture(scope="module", autouse=True)
def slow(tmp_path_factory):
    if os.geteuid() != 0:
        yield None
        return
    things = Slow(tmp_path_factory.mktemp("slow"))
    yield things
    things.close()


def test_one_supervisor_and_one_reg(serve):
    """[K-1]"""
    daemon, _, _ = serve()
    assert list(daemon.children()) == ["REG"]
    assert set(children_of(daemon.pid)) == {daemon.child(), daemon.log_process()}
    assert children_of(daemon.child()) == []
    name = re.search(r"name: (\S+)", daemon.file.read_text())[1]
    assert title_of(daemon.pid) == f"proxyd: {name}"
    assert title_of(daemon.child()) == f"proxyd: {name} [REG]"


def test_the_parent_has_no_part_in_the_traffic(serve, peer):
    """[K-2] A parent that stands still holds up neither running sessions nor new ones."""
    daemon, listener, _ = serve()
    old, new = peer(), peer()
    old.ask(b"1", listener)
    daemon.send_signal(signal.SIGSTOP)
    try:
        assert old.ask(b"2", listener) == b"2"
        assert new.ask(b"3", listener) == b"3"
    finally:
        daemon.send_signal(signal.SIGCONT)


@pytest.mark.parametrize("number, told", [
    (signal.SIGKILL, "signal 9 (Killed)"), (signal.SIGTERM, LEFT), (signal.SIGINT, LEFT), (signal.SIGQUIT, LEFT),
    (signal.SIGHUP, LEFT),
    (signal.SIGSEGV, "signal 11 (Segmentation fault)"), (signal.SIGABRT, "signal 6 (Aborted)")])
def test_a_child_that_ends_is_replaced_at_once(serve, peer, number, told):
    """[K-4][K-6][K-22] Whatever ended it; and the line has its role, pid and status."""
    daemon, listener, _ = serve(environment=CRASH_QUIETLY)
    old = daemon.child()
    at = time.monotonic()
    new = daemon.replace_child(number=number)
    assert time.monotonic() - at < 1 * SLOWNESS
    assert new != old
    line = daemon.wait_line(DIED)
    assert line.text == f"REG: exited unexpectedly, pid {old}: {told}"
    assert line.pid == daemon.pid
    assert peer().ask(b"hello", listener) == b"hello", "new sessions work on the same address"


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_sessions_outlive_reg(serve, peer, number):
    """[K-6] Adoption: same session, same source port towards the server, counters are kept."""
    daemon, listener, echo = serve()
    clients, witness = [peer() for _ in range(5)], peer()
    for client in [*clients, witness]:  # when the last one has its answer, those of the others are counted
        client.ask(b"before", listener)
    daemon.replace_child(number=number)
    assert "6 sessions adopted, 0 aborted" in daemon.wait_line("UDPP-210-K").text
    for client in clients:
        assert client.ask(b"after", listener) == b"after"
    assert echo.counts()["sources"] == 6
    daemon.stop()
    records = {record["CLIENT-PORT"]: record for record in daemon.records()}
    assert len(records) == len(daemon.records()) == 6
    for client in clients:
        record = records[str(client.address[1])]
        assert (record["DATAGRAMS-CIN"], record["BYTES-COUT"]) == ("2", "11")


def test_datagrams_that_come_while_no_reg_is_there_wait(serve, peer):
    """[K-6] They lie in the socket's buffer until the next REG reads them."""
    daemon, listener, _ = serve()
    clients = [peer() for _ in range(20)]
    pid = daemon.kill_child(number=signal.SIGSTOP)
    wait_for(lambda: stands_still(pid), what="REG stands still, and reads no datagram any more")
    for client in clients:
        client.send(b"waits", listener)
    os.kill(pid, signal.SIGKILL)
    for client in clients:
        assert client.receive() == (b"waits", listener)


def test_a_session_that_may_have_crashed_reg_is_reported_and_not_adopted(serve, peer):
    """[K-6] Ten crashes in a row soon after the adoption: the next REG starts afresh, the sessions are reported as
    ABORTED. Fewer prove nothing against them."""
    daemon, listener, _ = serve(environment=CRASH_QUIETLY,
                                udpserver={"max-restarts": {"count": 100, "within": "60s"}})
    client = peer()
    client.ask(b"x", listener)
    for _ in range(10):
        daemon.replace_child(number=signal.SIGSEGV)
    assert client.ask(b"adopted", listener) == b"adopted"
    assert not daemon.records()
    daemon.replace_child(number=signal.SIGSEGV)
    record, = daemon.wait_records(1)
    assert (record["STATUS"], record["RESULT"], record["REASON"]) == ("ACCEPTED", "ABORTED", "adoption")
    assert record["CLIENT-PORT"] == str(client.address[1])
    daemon.wait_line("UDPP-212-W")
    assert client.ask(b"y", listener) == b"y"


def test_a_crash_loop_ends_the_proxy(serve, peer):
    """[K-5][K-23] By configuration: one critical line, all children stopped, exit status 1."""
    daemon, listener, _ = serve(udpserver={"max-restarts": {"count": 3, "within": "60s"}, "on-crash-loop": "end"})
    peer().ask(b"x", listener)
    for _ in range(3):
        daemon.replace_child()
    assert daemon.running
    daemon.kill_child()
    assert daemon.wait() == 1
    line, = daemon.lines(CRASH_LOOP)
    assert "more than 3 crashes" in line.text and line.pid == daemon.pid
    assert [(record["RESULT"], record["DATAGRAMS-CIN"]) for record in daemon.records()] == [("ABORTED", "1")]
    assert len(daemon.lines(DIED)) == 4
    assert len(daemon.lines(CHILD_STARTED)) == 4


def test_deaths_long_ago_are_forgotten(serve):
    """[K-5] Only those within the configured time count."""
    daemon, _, _ = serve(udpserver={"max-restarts": {"count": 1, "within": "1s"}})
    for _ in range(3):
        at = time.monotonic()
        daemon.replace_child()
        wait_for(lambda: time.monotonic() - at > 1.1, 2, "the next death to be far enough from the last")
    assert not daemon.lines(CRASH_LOOP)


def test_orders_to_a_child_count_as_deaths(serve):
    """[K-22][K-5] A child that a user ends by a signal is restarted, but also counted."""
    daemon, _, _ = serve(udpserver={"max-restarts": {"count": 1, "within": "60s"}, "on-crash-loop": "end"})
    daemon.replace_child(number=signal.SIGTERM)
    daemon.kill_child(number=signal.SIGHUP)
    assert daemon.wait() == 1


def test_the_end_waits_for_the_children(serve):
    """[K-7] When the parent is gone all others are gone: no orphan, no zombie."""
    daemon, _, _ = serve()
    child = daemon.child()
    daemon.send_signal(signal.SIGTERM)
    assert daemon.wait() == 0
    assert not os.path.exists(f"/proc/{child}")
    daemon.wait_line(ENDED, f"REG: stopped, pid {child}: exit status 0")
    assert daemon.lines()[-1].id == "UDPS-212-K"


def test_a_child_that_does_not_stop_is_killed(serve, peer):
    """[K-7][K-23] After stop-timeout; the proxy's exit status stays 0, and the sessions get their records all the same."""
    daemon, listener, _ = serve(udpserver={"stop-timeout": "200ms"})
    child = daemon.child()
    peer().ask(b"x", listener)
    os.kill(child, signal.SIGSTOP)
    at = time.monotonic()
    daemon.stop()
    assert 0.2 <= time.monotonic() - at < 3 * SLOWNESS
    assert [line.text.split(": ")[-1] for line in daemon.lines(KILLED)] == ["SIGTERM", "SIGKILL"]
    daemon.wait_line(ENDED, f"REG: stopped, pid {child}: signal 9")
    assert not daemon.lines(DIED)
    assert [(r["RESULT"], r["REASON"]) for r in daemon.records()] == [("ABORTED", "adoption")]


def test_a_second_term_kills_at_once(serve, peer):
    """[K-7][K-23]"""
    daemon, listener, _ = serve(udpserver={"stop-timeout": "60s"})
    peer().ask(b"x", listener)
    os.kill(daemon.child(), signal.SIGSTOP)
    daemon.send_signal(signal.SIGTERM)
    daemon.wait_line("UDPS-211-K")
    daemon.stop()
    assert [line.text.split(": ")[-1] for line in daemon.lines(KILLED)] == ["SIGKILL"]
    assert [record["RESULT"] for record in daemon.records()] == ["ABORTED"]


def test_children_end_when_the_parent_is_killed(serve, peer):
    """[K-8] Within a second, and they report their sessions."""
    daemon, listener, _ = serve()
    peer().ask(b"x", listener)
    child = daemon.child()
    daemon.send_signal(signal.SIGKILL)
    wait_for(lambda: not is_alive(child), 1, "the child's end")
    assert daemon.wait() == -signal.SIGKILL
    assert [record["REASON"] for record in daemon.records()] == ["process-end"]
    wait_for(lambda: is_free(listener[1]), 1, "the end of REG's last thread frees the port")


def is_free(port):
    try:
        UdpPeer(port=port).close()
        return True
    except OSError:
        return False


def test_a_death_during_the_end_is_not_counted(serve):
    """[K-9] Neither restarted nor a crash loop."""
    daemon, _, _ = serve(udpserver={"max-restarts": {"count": 1, "within": "60s"}, "stop-timeout": "60s"})
    child = daemon.replace_child()
    os.kill(child, signal.SIGSTOP)
    daemon.send_signal(signal.SIGTERM)
    daemon.wait_line("UDPS-211-K")
    os.kill(child, signal.SIGKILL)
    assert daemon.wait() == 0
    assert len(daemon.lines(CHILD_STARTED)) == 2
    assert not daemon.lines(CRASH_LOOP)
    assert len(daemon.lines(DIED)) == 1


@pytest.mark.parametrize("arguments, sections", [(("-d", "-s"), {}), (("-d",), {"singleproc": True}),
                                                 (("-s",), {"nodaemon": True})])
def test_single_process(serve, peer, arguments, sections):
    """[K-10][K-11] One process, no fork, a warning; the same traffic, records and signals."""
    daemon, listener, _ = serve(arguments=arguments, **sections)
    assert daemon.children() == {}
    daemon.wait_line("UDPS-123-W")
    client = peer()
    assert client.ask(b"x", listener) == b"x"
    daemon.send_signal(signal.SIGUSR1)
    assert "log level 7 (debug), was 6" in daemon.wait_line("LOGS-210-K").text
    daemon.send_signal(signal.SIGPWR)
    daemon.wait_line("UDPS-240-I", "1 open of 1000")
    daemon.stop()
    assert [record["REASON"] for record in daemon.records()] == ["process-end"]


def test_single_process_as_a_daemon(serve, peer):
    """[K-11] singleproc and the background are independent."""
    daemon, listener, _ = serve(daemon=True, singleproc=True)
    assert daemon.children() == {}
    assert os.getsid(daemon.pid) != os.getsid(0)
    assert peer().ask(b"x", listener) == b"x"


def test_nodaemon_in_the_configuration(serve, peer):
    """[K-11] The same as -d."""
    daemon, listener, _ = serve(arguments=(), nodaemon=True)
    assert daemon.running and list(daemon.children()) == ["REG"]
    assert peer().ask(b"x", listener) == b"x"


@root_only
def test_reg_has_no_privileges(proxyd, peer):
    """[K-12] Another user, without capabilities, for good; one that replaces it serves a low port, too."""
    server, client = peer(), peer()
    listener = (f"127.53.{os.getpid() >> 8 & 255}.{os.getpid() & 255}", 53)
    daemon = proxyd(configuration(listener, server.text, user="nobody"))
    assert status_of(daemon.pid)["Uid"].split() == ["0"] * 4
    for _ in range(2):
        status = status_of(daemon.child())
        assert status["Uid"].split() == status["Gid"].split() == ["65534"] * 4
        assert status["Groups"].split() in ([], ["65534"])
        assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {"0" * 16}
        assert status["NoNewPrivs"] == "1"
        client.send(b"question", listener)
        server.send(b"answer", server.receive()[1])
        assert client.receive() == (b"answer", listener)
        daemon.replace_child()
    assert not daemon.lines("UDPS-120-W")


@root_only
def test_without_a_user_there_is_a_warning(serve):
    """[K-12]"""
    daemon, _, _ = serve()
    daemon.wait_line("UDPS-120-W")
    assert status_of(daemon.child())["NoNewPrivs"] == "1"


def stands_still(pid):
    """Whether all its threads are stopped."""
    return all("State:\tT" in task.read_text() for task in pathlib.Path(f"/proc/{pid}/task").glob("*/status"))


def kinds(pid):
    """How many descriptors of which kind: socket, anon_inode:[eventfd], path."""
    return collections.Counter(re.sub(r"^(socket|pipe):.*", r"\1", target) for target in descriptors_of(pid).values())


def sockets(pid):
    return {target for target in descriptors_of(pid).values() if target.startswith("socket:")}


@pytest.mark.parametrize("workers", [1, 2])
def test_reg_has_only_its_own_descriptors(serve, workers, tmp_path):
    """[K-2] Sockets of the traffic, arena, link, standard ones, and those of its loops; nothing of the parent. [F-5] Of
    the log it has the socket to LOG, which writes the file."""
    daemon, _, _ = serve(udpserver={"workers": workers}, **{"pid-file": str(tmp_path / "pid")})
    child = daemon.child()
    own = 5  # its end of the link, netlink for changes of addresses and for questions, a probe of routes for each family
    assert len(sockets(child) - sockets(daemon.pid)) == own
    assert len(sockets(daemon.pid) - sockets(child)) == 12, "the parent's ends of the links to REG and LOG, LOG's ends"
    found = kinds(child)
    assert found.pop("socket") == len(sockets(child))
    assert found.pop("/memfd:proxyd-sessions (deleted)") == 1
    assert found.pop("anon_inode:bpf-prog", 1) == 1, "the filter of idle sockets"
    assert str(daemon.log_path) not in found
    assert str(daemon.log_path) in descriptors_of(daemon.log_process()).values()
    assert str(daemon.log_path) not in descriptors_of(daemon.pid).values()
    assert found.pop("anon_inode:[pidfd]") == 1, "the parent, whose exit it waits for"
    assert found.pop("/dev/null") == 3 and str(daemon.error_path) not in found
    loops = 1 + workers
    assert found.pop("anon_inode:[eventpoll]") <= loops + workers, "one of each loop, one for the pool of each worker"
    assert found.pop("anon_inode:[timerfd]") <= loops
    assert found.pop("anon_inode:[eventfd]") <= 2 * loops
    assert not found


@pytest.mark.seconds(90)
def test_nothing_grows(serve):
    """[K-4] 20 deaths in a row and 500 sessions: descriptors of parent and REG and the parent's memory stay."""
    daemon, listener, echo = serve(rule={"limits": {"server-datagrams": 1}},
                                   udpserver={"max-restarts": {"count": 100, "within": "60s"}, "quarantine": "0s",
                                              "quarantine-answered": "0s"})
    before, memory = daemon.descriptor_counts(), status_of(daemon.pid)["VmRSS"]
    descriptors = kinds(daemon.child())
    for number in range(20):
        for _ in range(25):
            with UdpPeer() as client:
                client.ask(b"x", listener)
        daemon.wait_records(25 * (number + 1), REASON="server-datagrams")
        daemon.replace_child(number=signal.SIGTERM if number % 2 else signal.SIGKILL)
    assert daemon.descriptor_counts() == before
    assert kinds(daemon.child()) == descriptors
    grown = int(status_of(daemon.pid)["VmRSS"].split()[0]) - int(memory.split()[0])
    assert SLOWNESS > 1 or grown < 2048, f"{grown} KiB"
    assert not daemon.lines("UDPP-211-W")


def test_a_silent_child_is_replaced(serve, peer):
    """[K-4] Heartbeat: it is killed and restarted; its sessions continue."""
    daemon, listener, _ = serve(environment=CRASH_QUIETLY, udpserver={"heartbeat": "500ms"})
    client = peer()
    client.ask(b"x", listener)
    old = daemon.kill_child(number=signal.SIGSTOP)
    new = daemon.child(other_than=old, seconds=8)
    assert new != old
    daemon.wait_line("UDPS-225-E", f"REG: hangs, pid {old}")
    assert "after no heartbeat" in daemon.wait_line(DIED).text
    assert client.ask(b"y", listener, seconds=4) == b"y"


def test_an_idle_child_is_not_silent(serve):
    """[K-4] Heartbeat: a child without traffic answers; a parent that was stopped blames no child."""
    daemon, _, _ = serve(udpserver={"heartbeat": "1s"})
    child = daemon.child()
    daemon.send_signal(signal.SIGSTOP)
    time.sleep(2.5)  # longer than the heartbeat: that is what is tested
    daemon.send_signal(signal.SIGCONT)
    time.sleep(1.5)
    assert daemon.child() == child and not daemon.lines("UDPS-225-E")


@root_only
def test_the_start_fails_when_no_child_comes_up(tmp_path):
    """[O-14][E-13] The start command of a daemon whose REG fails ends with 1 at once, leaves nothing, and has told why
    on the terminal."""
    tmp_path.chmod(0o755)
    instance = Proxyd(tmp_path, crash_loop_config(("127.0.0.1", free_port()), 2), ("-d",))
    instance.command = ["/usr/bin/prlimit", "--nproc=0", *instance.command]
    instance.start(ready=False)
    assert instance.wait() == 1
    assert len(instance.lines(DIED, "exited unexpectedly, pid")) == 1
    assert instance.lines("UDPS-228-C"), "the reason is logged"
    assert "cannot start: REG: Resource temporarily unavailable" in instance.error_text()
    daemon = Proxyd(tmp_path, crash_loop_config(("127.0.0.1", free_port()), 2), ())
    daemon.command = ["/usr/bin/prlimit", "--nproc=0", *daemon.command]
    assert daemon.start_daemon() == 1
    assert "cannot start: REG: Resource temporarily unavailable" in daemon.error_text()


@root_only
def test_an_old_child_that_falls_silent_loses_nothing(slow):
    """[K-4][K-6] Heartbeat of a REG that ran for more than ten seconds: its sessions continue."""
    wait_for(lambda: time.monotonic() - slow.ready_at > 10.5, 11 / SLOWNESS, "a REG that is old enough")
    old = slow.aged.kill_child(number=signal.SIGSTOP)
    slow.aged.child(other_than=old, seconds=10)
    slow.client.send(b"again", slow.listener)
    data, source = slow.server.receive(4)
    assert (data, source) == (b"again", slow.source)
    slow.aged.stop()


@root_only
@pytest.mark.seconds(120)
def test_a_child_that_fails_at_each_start_is_tried_ever_more_rarely(slow):
    """[K-5][O-12] 20 deaths in a row: pauses from 100 ms doubling to 5 s, then the end: status 1, one critical line."""
    assert slow.looping.wait(90) == 1
    deaths = slow.looping.lines(DIED, "exited unexpectedly, pid")
    assert len(deaths) == 20
    assert all("exit status 1" in line.text for line in deaths[2:]), "two were killed, the rest failed"
    assert len(slow.looping.lines(CRASH_LOOP)) == 1
    pauses = [line.text.split(" in ")[1] for line in slow.looping.lines("UDPS-224-N")]
    assert pauses == ["100ms", "200ms", "400ms", "800ms", "1600ms", "3200ms"] + ["5s"] * 11
    assert len(slow.looping.lines(CHILD_STARTED)) == 20


@root_only
@pytest.mark.seconds(90)
def test_a_line_a_minute(slow):
    """[K-78] Sessions now and at most, created, ended and refused since the last one."""
    line = slow.busy.wait_line("UDPS-241-I", seconds=65)
    assert 58 < time.monotonic() - slow.ready_at
    assert line.text == ("sessions: 0 open, 0 to 2 since the last line, 2 created, 2 closed, 1 refused; "
                         "1 starts of REG")
    slow.busy.stop()
