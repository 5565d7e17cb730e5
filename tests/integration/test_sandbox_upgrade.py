"""The sandbox of the parent survives an upgrade: what the next release may do under it, and what it finds out in time."""
import pytest

from free_ports import free_port
from proxyctl_run import FAILED, NO_RIGHT, ctl  # noqa: F401
from proxyd_process import configuration
from programs import program
from test_sandbox import DIED, FORBIDDEN, pytestmark, status_of, tasks_of  # noqa: F401
from test_upgrade import UPGRADED, Upgradable, install, trip

# Numbers that are the same on each architecture.
NEWER_CALLS = {"pidfd_open": 434, "openat2": 437, "faccessat2": 439, "epoll_pwait2": 441, "landlock_create_ruleset": 444,
               "memfd_secret": 447, "process_mrelease": 448, "futex_waitv": 449, "cachestat": 451, "fchmodat2": 452,
               "map_shadow_stack": 453, "mseal": 462, "of the next kernel": 511}
DENIED_CALLS = {"io_uring_setup": 425, "move_mount": 429, "fsopen": 430}

# The next release, which makes calls in its trial and its start before it serves, and cannot do without them.
NEEDS = """#!/usr/bin/python3
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
stage = "trial" if "PROXYD_CANDIDATE" in os.environ else next((word for word in ("--handover", "-n") if word in sys.argv), "")
for number in {numbers!r}:
    libc.syscall(*(ctypes.c_long(value) for value in (number, -1, 0, 0, 0, 0)))
    if ctypes.get_errno() == 1 and stage in {stages!r}:
        sys.exit(9)
with open({seen!r}, "a") as file:
    file.write("called\\n")
os.execv({program!r}, sys.argv)
"""


def test_an_upgrade_chain(proxyd, ctl, peer, tmp_path):  # noqa: F811
    """[Z-8] The filter of the parent survives each exec and is not added again; sessions continue, and the new program
    can do what it must: open the control socket, start children, be upgraded again."""
    listener, server, client = ("127.0.0.1", free_port()), peer(), peer()
    proxy = Upgradable(proxyd, ctl, tmp_path, configuration(listener, server.text, user="nobody"))
    source = trip(client, server, listener)
    before = status_of(f"/proc/{proxy.daemon.pid}/status")
    for _ in range(3):
        install(proxy.program)
        assert proxy.upgrade()["sessions"] == "kept"
        assert trip(client, server, listener) == source
    after = status_of(f"/proc/{proxy.daemon.pid}/status")
    assert after["Seccomp_filters"] == before["Seccomp_filters"] and after["CapEff"] == before["CapEff"]
    assert after["CapPrm"] == before["CapPrm"] and after["NoNewPrivs"] == "1"
    reg, = tasks_of(proxy.daemon.child())[:1]
    assert int(reg["Seccomp_filters"]) == int(after["Seccomp_filters"]) + 1
    assert not proxy.daemon.lines(FORBIDDEN) and not proxy.daemon.lines(DIED)


def install_next(proxy, seen, calls, stages=("--handover", "-n", "trial", "")):
    install(proxy.program, NEEDS.format(numbers=list(calls.values()), stages=stages, seen=str(seen), program=program("proxyd")))


def test_the_next_release_may_use_other_calls(proxyd, ctl, peer, tmp_path):  # noqa: F811
    """[Z-8][Z-12] The filter of this release does not deny them, nor kill for them, although it has no row for them; the
    next release then is upgraded to a third one."""
    listener, server, client = ("127.0.0.1", free_port()), peer(), peer()
    proxy = Upgradable(proxyd, ctl, tmp_path, configuration(listener, server.text, user="nobody"))
    source, seen = trip(client, server, listener), tmp_path / "seen"
    install_next(proxy, seen, NEWER_CALLS)
    assert proxy.upgrade()["sessions"] == "kept"
    assert trip(client, server, listener) == source
    assert seen.read_text().count("called") >= 3  # asked, tried, started
    install(proxy.program)
    assert proxy.upgrade()["sessions"] == "kept"
    assert trip(client, server, listener) == source
    assert len(proxy.daemon.lines(UPGRADED)) == 2 and not proxy.daemon.lines(FORBIDDEN)


@pytest.mark.parametrize("stage, status, why", [("--handover", NO_RIGHT, "is not a working proxyd"),
                                                ("-n", NO_RIGHT, "rejects the running configuration"),
                                                ("trial", FAILED, "exit status 9")])
def test_a_filter_that_is_too_strict_for_the_next_release(proxyd, ctl, peer, tmp_path, stage, status, why):  # noqa: F811
    """[Z-8] Whenever the next release finds it out, by its probe, by -n or in its trial, nothing has changed yet: the
    upgrade is refused, and this release continues."""
    listener, server, client = ("127.0.0.1", free_port()), peer(), peer()
    proxy = Upgradable(proxyd, ctl, tmp_path, configuration(listener, server.text, user="nobody"))
    source, child = trip(client, server, listener), proxy.daemon.child()
    for name, number in DENIED_CALLS.items():
        install_next(proxy, tmp_path / "seen", {name: number}, [stage])
        assert why in proxy("upgrade", status=status).stderr
    assert not proxy.daemon.lines(UPGRADED)
    assert proxy.daemon.child() == child and trip(client, server, listener) == source
