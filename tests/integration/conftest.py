"""What the integration tests share. Run them with ./dev test, or one with

    PROXYD_BIN=build/bin /usr/bin/python3 -m pytest tests/integration/test_smoke.py -k NAME
"""
import faulthandler
import os
import pathlib
import signal
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from deadline import SLOWNESS  # noqa: E402
from evil_dns import EvilDns  # noqa: E402
from free_ports import free_port  # noqa: E402
from namespace import enter_own_network  # noqa: E402
from processes import adopt_orphans, stop_ignoring_signals  # noqa: E402
from programs import UdpEcho, UdpLoad  # noqa: E402
from proxyd_process import SERVER_SIDE, Proxyd, clear_orphans  # noqa: E402
from real_dns import RealDns  # noqa: E402
from tagged_server import TaggedServer  # noqa: E402
from udp_peer import UdpPeer  # noqa: E402

# With a shared server side these say nothing, because they are about sockets of sessions, or another test about it says it.
OWN_SIDE_ONLY = {
    "test_sessions_beyond_the_descriptors_are_refused_and_the_others_go_on": "sessions have no descriptors",
    "test_too_many_listeners_for_the_limit_of_files": "sessions have no descriptors",
    "test_a_limit_of_files_below_max_sessions_is_told": "sessions have no descriptors",
    "test_reg_has_only_its_own_descriptors": "it counts the sockets of both processes",
    "test_listening_sockets_are_one_for_each_worker": "it counts the sockets of both processes",
    "test_the_last_ports_are_left_to_others": "the ports are not ephemeral ones",
    "test_new_clients_wait_while_the_parent_cannot_run": "the parent is asked for nothing",
    "test_a_server_without_a_route_is_skipped": "the error is another one",
    "test_where_the_level_is_shown": "the sandbox is off",
    "test_without_a_sandbox_children_have_no_capabilities": "the sandbox is off",
    "test_no_child_may_use_the_control_socket": "the sandbox is off",
    "test_what_each_process_has_given_up": "REG has one filter more",
    "test_an_upgrade_chain": "REG has one filter more",
    "test_what_a_server_sends_while_reg_is_busy_waits_and_the_rest_is_counted": "the buffer holds all of it",
    "test_all_of_many_sessions_are_listed": "a test has 2,048 ports, and each worker a third of them",
    "test_tftp_gets_files": "tftpd does not serve without a network card",
    "test_tftp_puts_files": "tftpd does not serve without a network card",
    "test_tftp_survives_the_death_of_reg": "tftpd does not serve without a network card",
}
TEST_SECONDS = 60  # of one test, unless it has a marker: @pytest.mark.seconds(120)


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="the load tests in their long form")


def pytest_configure(config):
    config.addinivalue_line("markers", "seconds(n): the longest time the test may take, in a release build")
    config.addinivalue_line("markers", "load: measures; has a long form (--long) and prints figures")
    os.environ["PROXYD_STRICT_SANDBOX"] = "1"  # [Z-7] a call that the table does not have kills the child
    if SERVER_SIDE == "shared":
        enter_own_network()  # a proxy would take the ports of another one
    stop_ignoring_signals()
    adopt_orphans()


def pytest_collection_modifyitems(items):
    if SERVER_SIDE == "own":
        return
    for item in items:
        if reason := OWN_SIDE_ONLY.get(item.originalname):
            item.add_marker(pytest.mark.skip(reason=f"server-side: shared: {reason}"))


@pytest.fixture
def long_run(request):
    """Whether the long form of a load test is wanted: --long, or PROXYD_LONG=1 in the environment."""
    return request.config.getoption("--long") or os.environ.get("PROXYD_LONG") == "1"


@pytest.fixture(autouse=True)
def bounded_time(request):
    """Ends a test that takes too long: with an exception, and if that does not help, with the whole run."""
    marker = request.node.get_closest_marker("seconds")
    seconds = int((marker.args[0] if marker else TEST_SECONDS) * SLOWNESS)

    def too_long(*_):
        raise AssertionError(f"the test takes longer than {seconds} s")
    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(seconds)
    faulthandler.dump_traceback_later(seconds + 30, exit=True)
    yield
    signal.alarm(0)
    faulthandler.cancel_dump_traceback_later()


@pytest.fixture
def started(bounded_time):
    """A list of what must be closed after the test, last first."""
    things = []
    yield things
    for thing in reversed(things):
        thing.close()


@pytest.fixture
def proxyd(tmp_path, bounded_time):
    """`proxyd(config, arguments=("-d",), ready=True)` starts a proxyd and returns it (class Proxyd). Each that
    still runs at the end of the test is stopped and must end well: status 0, no process left, no sanitizer report.
    `daemon=True` starts it without -d: then the object stands for the daemon, ended start commands raise.
    `binary="proxyd-test"` is the program with the proxies of tests/proxies."""
    tmp_path.chmod(0o755)
    instances = []

    def start(config, arguments=("-d",), ready=True, environment=None, daemon=False, binary="proxyd"):
        instance = Proxyd(tmp_path, config, () if daemon else arguments, environment, binary)
        instances.append(instance)
        if not daemon:
            return instance.start(ready)
        status = instance.start_daemon()
        assert status == 0, f"the start command ended with status {status}\n{instance.tail()}"
        return instance
    yield start
    try:
        for instance in instances:
            if instance.running:
                instance.stop()
            else:
                instance.check_sanitizers()
            instance.check_sandbox()
    finally:
        for instance in instances:
            instance.discard()
        clear_orphans()


@pytest.fixture
def udp_echo(tmp_path, started):
    """`udp_echo(*options, address="127.0.0.1")` starts bench/udp_echo on a free port (class UdpEcho)."""
    def start(*options, address="127.0.0.1"):
        started.append(UdpEcho(address, free_port(), tmp_path, *options))
        return started[-1]
    return start


@pytest.fixture
def background_load(started):
    """`background_load(*options)` starts bench/udp_load and returns at once (class UdpLoad)."""
    def start(*options):
        started.append(UdpLoad(*options))
        return started[-1]
    return start


@pytest.fixture
def peer(started):
    """`peer(address="127.0.0.1", port=0)` opens a UDP socket (class UdpPeer): a client, or a scripted server."""
    def start(address="127.0.0.1", port=0):
        started.append(UdpPeer(address, port))
        return started[-1]
    return start


@pytest.fixture
def evil_dns(started):
    """A name server that does what the test says (class EvilDns)."""
    started.append(EvilDns())
    return started[-1]


@pytest.fixture
def real_dns(tmp_path, started):
    """knotd with zones that the test changes (class RealDns)."""
    started.append(RealDns(tmp_path))
    return started[-1]


@pytest.fixture
def tagged(started):
    """`tagged("A", "B")` are servers at 127.0.0.21, 127.0.0.22, … with one port, which answer with their tags."""
    def start(*tags):
        port = free_port()
        servers = [TaggedServer(tag, f"127.0.0.{21 + number}", port) for number, tag in enumerate(tags)]
        started.extend(servers)
        return servers
    return start
