"""The memory of the sessions is damaged while proxyd runs: the next REG believes none of it blindly."""
import os
import random
import signal

import pytest

from deadline import wait_for
from free_ports import free_port
from proxyd_process import configuration


def arena_of(pid):
    """The path through which a test can write to the parent's memory of the sessions."""
    folder = f"/proc/{pid}/fd"
    found = [number for number in os.listdir(folder) if "proxyd-sessions" in os.readlink(f"{folder}/{number}")]
    assert len(found) == 1
    return f"{folder}/{found[0]}"


@pytest.mark.parametrize("share", [1, 20], ids=["everything", "one byte in twenty"])
@pytest.mark.parametrize("value", ["random", 0, 0xff])
def test_the_next_reg_serves_with_a_damaged_arena(proxyd, udp_echo, peer, share, value):
    """[E-3] Random bytes, zeros or ones over the whole arena, then REG dies: the next one serves."""
    echo, listener = udp_echo(), ("127.0.0.1", free_port())
    daemon = proxyd(configuration(listener, echo.text, udpserver={"max-sessions": 100}))
    clients = [peer() for _ in range(20)]
    for client in clients:
        assert client.ask(b"before", listener) == b"before"
    os.kill(daemon.child(), signal.SIGSTOP)
    dice = random.Random(7)
    with open(arena_of(daemon.pid), "r+b", buffering=0) as arena:
        content = bytearray(arena.read())
        for place in range(0, len(content), share):
            content[place] = dice.randrange(256) if value == "random" else value
        arena.seek(0)
        arena.write(content)
    daemon.replace_child()

    def is_served():
        with_new_port = peer()
        with_new_port.send(b"after", listener)
        with_new_port.socket.settimeout(0.2)
        try:
            return with_new_port.socket.recv(100) == b"after"
        except TimeoutError:
            return False
    wait_for(is_served, 10, "a new session is served")
    assert daemon.running


def test_sessions_survive_a_damaged_header(proxyd, udp_echo, peer):
    """[E-3] One changed byte of the header: sessions and source ports are kept."""
    echo, listener = udp_echo(), ("127.0.0.1", free_port())
    daemon = proxyd(configuration(listener, echo.text))
    client = peer()
    assert client.ask(b"before", listener) == b"before"
    for place in (0, 7, 8, 40):
        with open(arena_of(daemon.pid), "r+b", buffering=0) as arena:
            arena.seek(place)
            byte = arena.read(1)[0]
            arena.seek(place)
            arena.write(bytes([byte ^ 0xff]))
        daemon.replace_child()
        assert client.ask(b"after", listener) == b"after"
        with open(arena_of(daemon.pid), "r+b", buffering=0) as arena:
            arena.seek(place)
            arena.write(bytes([byte]))
    assert echo.counts()["sources"] == 1
