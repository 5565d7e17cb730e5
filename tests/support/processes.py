"""Reads /proc about processes."""
import ctypes
import os
import pathlib
import signal
import subprocess
import time

from deadline import wait_for

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36
_libc = ctypes.CDLL(None, use_errno=True)


def adopt_orphans():
    """From now on a process whose parent dies becomes a child of this one, so that none is overlooked."""
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def die_with_parent():
    """For a new process, before exec: it does not outlive the test run."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def stop_ignoring_signals():
    """A run under nohup, or in the background of a script, ignores signals and may block some, and the programs under
    test would inherit that. A handler is not inherited: the run still ignores them, the programs do not."""
    for number in signal.valid_signals() - {signal.SIGPIPE, signal.SIGKILL, signal.SIGSTOP}:
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])


def _stat(pid):
    """(state, parent pid), or nothing when the process is gone."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text[text.rindex(")") + 2:].split()
    return fields[0], int(fields[1])


def is_alive(pid):
    """A zombie is not."""
    stat = _stat(pid)
    return stat is not None and stat[0] not in "ZX"


def stop_process(pid):
    """SIGSTOP; it reads and sends nothing more when this returns. A thread may run on for a moment after the signal."""
    os.kill(pid, signal.SIGSTOP)
    wait_for(lambda: all(stat is None or stat[0] in "TtZX" for stat in map(_stat, threads_of(pid))),
             what=f"the stop of all threads of {pid}")


def threads_of(pid):
    return [f"{pid}/task/{task}" for task in os.listdir(f"/proc/{pid}/task")]


def children_of(pid):
    """Pids of the living children."""
    found = []
    for entry in os.listdir("/proc"):
        stat = _stat(entry) if entry.isdigit() else None
        if stat and stat[1] == pid and stat[0] not in "ZX":
            found.append(int(entry))
    return found


def title_of(pid):
    """The process title, which ps shows; empty when the process is gone."""
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").replace(b"\0", b" ").decode()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def program_of(pid):
    try:
        return os.path.realpath(os.readlink(f"/proc/{pid}/exe"))
    except OSError:
        return ""


def descriptors_of(pid):
    """{number: what it is} of the open descriptors."""
    found = {}
    for entry in os.listdir(f"/proc/{pid}/fd"):
        try:
            found[int(entry)] = os.readlink(f"/proc/{pid}/fd/{entry}")
        except FileNotFoundError:
            pass
    return found


def status_of(pid):
    """The fields of /proc/PID/status: `Uid`, `CapEff`, `VmRSS`, …"""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


class AdoptedProcess:
    """A daemon that became a child of this process (adopt_orphans), with the part of Popen that tests use."""

    def __init__(self, pid):
        self.pid = pid
        self.returncode = None

    def poll(self):
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    def wait(self, timeout):
        end = time.monotonic() + timeout
        while self.poll() is None:
            if time.monotonic() > end:
                raise subprocess.TimeoutExpired(f"pid {self.pid}", timeout)
            time.sleep(0.005)
        return self.returncode

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)
