"""Whose lines they are: a daemon is another process than the one that opened its log."""
from free_ports import free_port
from proxyd_process import configuration


def test_the_lines_of_a_daemon_carry_its_own_pid(proxyd, udp_echo):
    """[K-65] The supervisor's lines have its pid, as the pid file has it, not that of the start command."""
    daemon = proxyd(configuration(("127.0.0.1", free_port()), udp_echo().text), daemon=True)
    started = daemon.wait_line("UDPS-210-K")
    assert (started.pid, started.role) == (daemon.pid, "")
    daemon.stop()
    assert {line.pid for line in daemon.lines() if line.id and not line.role} == {daemon.pid}
