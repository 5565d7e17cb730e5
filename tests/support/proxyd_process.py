"""The real proxyd, started from a test with a configuration of its own."""
import itertools
import os
import pathlib
import re
import signal
import subprocess

import yaml

from deadline import SLOWNESS, wait_for
from free_ports import SERVER_PORTS
from log_file import LogFile
from processes import (AdoptedProcess, children_of, descriptors_of, die_with_parent, is_alive, program_of,
                       title_of)
from programs import program

STARTED, CHILD_READY, RECORD, FORBIDDEN = "UDPS-210-K", "UDPS-221-K", "UDPP-888-I", "UDPS-330-E"
SANITIZER_REPORT = re.compile(r"(Address|Leak|Thread|Memory|UndefinedBehavior)Sanitizer|runtime error:")

SERVER_SIDE = os.environ.get("PROXYD_TEST_SERVER_SIDE", "own")

_free_ranges = list(SERVER_PORTS[::2048])
_numbers = itertools.count(1)
_running = set()  # pids of the parents that tests have started
_programs = set()  # what they were started from


def configuration(listen, server, rule=None, **sections):
    """The smallest useful configuration as a dictionary: one listener (address, port), one rule that lets everybody
    through to `server` (`address:port`, or a list). `rule` adds keys to the rule, further keywords are sections."""
    address, port = listen
    accept = {"name": "everybody", "from": ["*"], "action": "accept", "udp-session-type": "normal",
              "plug-to": [server] if isinstance(server, str) else list(server)}
    accept.update(rule or {})
    return {"proxy": "udp", "udpserver": {"max-sessions": 1000}, "listen-on": [{"address": address, "port": port}],
            "session-acl": [accept], **sections}


def resolver(*servers, **settings):
    """The `resolver` section of tests: only these name servers (EvilDns, RealDns), over UDP, loopback addresses are
    good ones, and denials take effect at once. A `_` in a keyword stands for `-`."""
    section = {"servers": [server.text for server in servers], "allow-private": True, "hosts-file": "none",
               "conf-transport": "udp", "negative-grace": "0s"}
    section.update({key.replace("_", "-"): value for key, value in settings.items()})
    return section


class Proxyd:
    """proxyd in the foreground (-d). `config` is a dictionary, to which a unique name and the log file are added
    unless it has them, or the text of a file, which is taken as it is (its log then goes to stderr, which is read
    too). `arguments` are added to the command line. `binary` may be proxyd-test, which has the proxies of
    tests/proxies, or a path."""

    def __init__(self, folder, config, arguments=("-d",), environment=None, binary="proxyd"):
        self.number = next(_numbers)
        self.folder = pathlib.Path(folder) / f"proxyd-{self.number}"
        self.folder.mkdir()
        self.folder.chmod(0o777)  # children that run as another user reopen the log here
        self.file = self.folder / "proxyd.yaml"
        self.log_path = self.folder / "proxyd.log"
        self.error_path = self.folder / "stderr"
        self._ports = []
        self.write_configuration(config)
        self._logs = [LogFile(self.log_path), LogFile(self.error_path)]
        _programs.add(os.path.realpath(program(binary)))
        self.command = [program(binary), *arguments, "-f", str(self.file)]
        self._environment = {**os.environ, **self._sanitizer_options(), **(environment or {})}
        self.process = None
        self.may_be_killed = False  # for forbidden system calls

    def write_configuration(self, config):
        if isinstance(config, dict):
            log = {"to": str(self.log_path), **config.get("log", {})}
            config = {"name": f"test{os.getpid()}-{self.number}", "control": {"socket": "none"}, **config, "log": log}
            config["udpserver"] = {**self._server_side(), **config.get("udpserver", {})}
            config = yaml.safe_dump(config, sort_keys=False)
        self.file.write_text(config)

    def _server_side(self):
        """Of all tests, if PROXYD_TEST_SERVER_SIDE is set; then proxies that run together have other ports."""
        if SERVER_SIDE != "shared":
            return {}
        if not self._ports:
            self._ports.append(_free_ranges.pop(0))
        first = self._ports[0]
        return {"server-side": "shared", "server-ports": f"{first}-{first + 2047}"}

    def _sanitizer_options(self):
        report = f"log_path={self.folder}/sanitizer:log_exe_name=0"
        return {"ASAN_OPTIONS": f"{report}:detect_leaks=1", "TSAN_OPTIONS": report,
                "UBSAN_OPTIONS": f"{report}:print_stacktrace=1"}

    # --- start and end

    def start(self, ready=True, seconds=10):
        """Starts it, and waits until it says that it serves."""
        with self.error_path.open("ab") as errors:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=errors, stderr=errors,
                                            env=self._environment, preexec_fn=die_with_parent)
        _running.add(self.pid)
        if ready:
            wait_for(self._has_started, seconds, lambda: f"proxyd serves\n{self.tail()}")
        return self

    def start_daemon(self, seconds=15):
        """For `arguments` without -d: runs the start command to its end; from then on this object stands for the
        daemon. Returns the command's exit status; when it is not 0 there is no daemon."""
        self.start(ready=False)
        status = self.process.wait(seconds * SLOWNESS)
        _running.discard(self.pid)
        if status == 0:
            self.process = AdoptedProcess(wait_for(orphans, what=lambda: f"the daemon\n{self.tail()}")[0])
            _running.add(self.pid)
        return status

    def _has_started(self):
        assert self.process.poll() is None, f"proxyd ended with status {self.process.returncode}\n{self.tail()}"
        return self.lines(STARTED)

    @property
    def pid(self):
        return self.process.pid

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    def send_signal(self, number):
        self.process.send_signal(number)

    def wait(self, seconds=15):
        """Waits until it ends by itself or by a signal sent before, checks that nothing is left, and returns the
        exit status (negative: killed by that signal)."""
        try:
            status = self.process.wait(seconds * SLOWNESS)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"proxyd does not end within {seconds * SLOWNESS:g} s\n{self.tail()}") from None
        _running.discard(self.pid)
        _free_ranges.extend(self._ports)
        self._ports.clear()
        wait_for(lambda: not orphans(), 3, lambda: f"left over: {[(p, title_of(p)) for p in orphans()]}\n{self.tail()}")
        self.check_sanitizers()
        return status

    def stop(self, number=signal.SIGTERM, status=0):
        """Ends it with a signal and checks the exit status, that no process is left and that no sanitizer spoke."""
        self.send_signal(number)
        ended = self.wait()
        assert ended == status, f"proxyd ended with status {ended}, not {status}\n{self.tail()}"

    def discard(self):
        """Ends it without asking anything, for clearing up after a failed test."""
        if self.running:
            tree = [self.pid, *children_of(self.pid)]
            for pid in tree:
                _kill(pid)
            self.process.wait(5)
        if self.process:
            _running.discard(self.pid)

    def check_sanitizers(self):
        reports = [path.read_text(errors="replace") for path in self.folder.glob("sanitizer*")]
        reports += [text for text in [self.error_text()] if SANITIZER_REPORT.search(text)]
        assert not reports, "a sanitizer reports:\n" + "\n".join(reports)

    def check_sandbox(self):
        """[Z-7] No process made a call that is not in the table, unless the test is about that."""
        found = [] if self.may_be_killed else self.lines(FORBIDDEN)
        assert not found, "forbidden system calls:\n" + "\n".join(line.raw for line in found)

    # --- processes

    def children(self):
        """{role: [pids]} of the living children, by their titles `proxyd: NAME [ROLE]`; without LOG, which always runs
        and of which there may be two for a moment."""
        found = self._children_and_log()
        found.pop("LOG", None)
        return found

    def _children_and_log(self):
        found = {}
        for pid in children_of(self.pid):
            match = re.fullmatch(r"proxyd: \S+ \[(\w+)\]", title_of(pid))
            found.setdefault(match[1] if match else "?", []).append(pid)
        return found

    def log_process(self, other_than=None, seconds=5):
        """The pid of LOG, as soon as there is one (another one than the given)."""
        def only():
            pids = [pid for pid in self._children_and_log().get("LOG", []) if pid != other_than]
            return pids[0] if len(pids) == 1 else None
        return wait_for(only, seconds, lambda: f"one LOG; there are {self._children_and_log()}\n{self.tail()}")

    def child(self, role="REG", other_than=None, seconds=5):
        """The pid of the one child with that role, as soon as there is one (another one than the given)."""
        def only():
            pids = [pid for pid in self.children().get(role, []) if pid != other_than]
            return pids[0] if len(pids) == 1 else None
        return wait_for(only, seconds, lambda: f"one {role}; there are {self.children()}\n{self.tail()}")

    def kill_child(self, role="REG", number=signal.SIGKILL):
        """Sends the signal to the child; returns its pid."""
        pid = self.child(role)
        os.kill(pid, number)
        return pid

    def replace_child(self, role="REG", number=signal.SIGKILL, seconds=5):
        """Kills the child and waits until the next one has said that it is ready; returns its pid."""
        ready = len(self.lines(CHILD_READY, text=role))
        old = self.kill_child(role, number)
        self.wait_line(CHILD_READY, text=role, count=ready + 1, seconds=seconds)
        return self.child(role, other_than=old, seconds=seconds)

    def descriptor_counts(self):
        """(parent's, REG's) numbers of open descriptors."""
        return len(descriptors_of(self.pid)), len(descriptors_of(self.child()))

    # --- log

    def lines(self, message_id=None, text="", role=None):
        """Lines of the log (and of stderr) with that id, that text in them, from that role."""
        return [line for log in self._logs for line in log.lines()
                if message_id in (None, line.id) and text in line.raw and role in (None, line.role)]

    def wait_line(self, message_id, text="", count=1, seconds=5):
        """The count-th line with that id and text, as soon as it is there."""
        def enough():
            found = self.lines(message_id, text)
            return found if len(found) >= count else None
        return wait_for(enough, seconds, lambda: f"line {message_id} '{text}' x{count}\n{self.tail()}")[count - 1]

    def records(self, **fields):
        """The statistics records as dictionaries; keywords choose those with these values, for example
        RESULT="OK"; a `_` in a keyword stands for `-`."""
        wanted = {key.replace("_", "-"): str(value) for key, value in fields.items()}
        found = [line.fields for line in self.lines(RECORD)]
        return [record for record in found if all(record.get(key) == value for key, value in wanted.items())]

    def wait_records(self, count=1, seconds=5, **fields):
        """Waits for this number of records and returns them."""
        def enough():
            found = self.records(**fields)
            return found if len(found) >= count else None
        return wait_for(enough, seconds, lambda: f"{count} records with {fields}\n{self.tail()}")

    def error_text(self):
        return self.error_path.read_text(errors="replace") if self.error_path.exists() else ""

    def tail(self, count=30):
        """The last lines, for messages about failures."""
        return "\n".join(line.raw for line in self.lines()[-count:]) or "(the log is empty)"


def _kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def orphans():
    """Processes of proxyd whose parent has died; they have become children of the test run."""
    ours = {os.path.realpath(program("proxyd")), *_programs}
    return [pid for pid in children_of(os.getpid()) if program_of(pid) in ours and pid not in _running]


def clear_orphans():
    """Kills them, so that one failed test does not spoil the next; a daemon that a test started is one too."""
    for pid in orphans():
        _kill(pid)
        wait_for(lambda pid=pid: not is_alive(pid), what=f"the end of {pid}")
        os.waitpid(pid, os.WNOHANG)
