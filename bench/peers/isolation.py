"""Runs a function as the first process of new PID, mount and network namespaces. When it returns, is interrupted or killed,
every process, network, mount and file that it made disappears with them."""
import ctypes
import os
import signal
import sys
import traceback

CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWNET = 0x00020000, 0x20000000, 0x40000000
MS_REC, MS_PRIVATE = 1 << 14, 1 << 18
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)


def _check(status, what):
    if status != 0:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def _mount(kind, where):
    _check(_libc.mount(kind.encode(), where.encode(), kind.encode(), 0, None), f"mount {kind} on {where}")


def _private_mounts():
    """/proc of the new PID namespace, and an empty /run for the names of network namespaces, pid files and logs."""
    _check(_libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "make mounts private")
    _mount("proc", "/proc")
    _mount("tmpfs", "/run")


def die_with_parent():
    """The kernel kills the calling process when its parent exits."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _interrupted(number, _):
    for other in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)
    sys.exit(128 + number)


def _first_process(function):
    die_with_parent()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupted)
    status = 1
    try:
        _private_mounts()
        status = function()
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 1
        if isinstance(end.code, str):
            print(f"bench: {end.code}", file=sys.stderr)
    except Exception:  # the process ends below, so nobody else prints it
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)  # the outer process has the same buffers and exit handlers


def run_isolated(function):
    """Returns the status that `function` returns or exits with. Needs root."""
    _check(_libc.unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET), "unshare (needs root)")
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        _first_process(function)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: os.kill(child, signal.SIGTERM))
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)
