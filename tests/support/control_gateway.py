"""A real proxyd with a control socket, and the real proxyctl before it. Test files import the fixtures `ctl` and `gw`."""
import pytest

from deadline import wait_for
from free_ports import free_port
from proxyctl_run import GOOD, ctl  # noqa: F401
from proxyd_process import configuration


class Gateway:
    """`gw(name)` runs behind the socket NAME.sock in the run folder of `ctl`."""

    def __init__(self, run, daemon, listener, name):
        self.ctl, self.daemon, self.listener, self.name = run, daemon, listener, name

    def __call__(self, *arguments, **keywords):
        return self.ctl(self.name, *arguments, **keywords)

    def rows(self, *arguments):
        return self.ctl.rows(self.name, *arguments)

    def row(self, *arguments):
        rows = self.rows(*arguments)
        assert len(rows) == 1, rows
        return rows[0]

    def wait_sessions(self, count, *filters, seconds=5):
        """Waits for this number of sessions and returns them."""
        def enough():
            rows = self.rows("sessions", *filters)
            return rows + [None] if len(rows) == count else None
        return wait_for(enough, seconds, lambda: f"{count} sessions\n{self.daemon.tail()}")[:-1]


@pytest.fixture
def gw(ctl, proxyd):  # noqa: F811
    """`gw(server, rules=None, name="gw", control={}, **sections)` starts one (class Gateway). `rules` replace the
    rule that lets everybody through."""
    def start(server, rules=None, name="gw", control=None, rule=None, listen="127.0.0.1", **sections):
        listener = (listen, free_port())
        control = {"socket": str(ctl.run_dir / f"{name}.sock"), **(control or {})}
        config = {"name": name, **configuration(listener, server, rule, control=control, **sections)}
        if rules:
            config["session-acl"] = rules
        gateway = Gateway(ctl, proxyd(config), listener, name)
        gateway.config = config
        return gateway
    return start


@pytest.fixture
def echo(udp_echo):
    """The address of an echo server, as configurations take it."""
    return "%s:%d" % udp_echo().address
