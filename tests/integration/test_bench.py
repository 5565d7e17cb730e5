"""The load generator and the echo server can be trusted: each fault that a proxy might have is seen."""
import struct

import pytest

from free_ports import free_port
from programs import UdpLoad, run_program, udp_load


def answer_with(server, change, count):
    """Answers `count` datagrams with what change(data, source) gives: [(data, to)]."""
    for _ in range(count):
        for data, to in change(*server.receive()):
            server.send(data, to)


def load_against(peer, change, clients=2, count=10):
    server = peer()
    load = UdpLoad("--to", server.text, "--clients", clients, "--count", count, "--linger", 200)
    try:
        answer_with(server, change, clients * count)
        return load.finish()
    finally:
        load.close()


def test_good_answers_are_good(peer):
    status, figures = load_against(peer, lambda data, source: [(data, source)])
    assert status == 0
    assert (figures["sent"], figures["received"], figures["lost"]) == (20, 20, 0)


def test_an_answer_for_another_client_is_wrong(peer):
    sources = {}

    def swap(data, source):
        sources[struct.unpack_from("=I", data, 4)[0]] = source
        return [(data, sources.get(0, source))]
    status, figures = load_against(peer, swap)
    assert status == 1
    assert figures["wrong"] == 10


def test_an_answer_of_another_run_is_wrong(peer):
    status, figures = load_against(peer, lambda data, source: [(data[:8] + bytes(8) + data[16:], source)])
    assert status == 1
    assert figures["wrong"] == 20


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data + b"x", lambda data: data[:-1] + b"\x00",
                                    lambda data: b"", lambda data: data[:16] + b"\xff" * 8 + data[24:]])
def test_changed_bytes_are_corrupt(peer, change):
    # The filling's last byte is zero once in 256 times, so a single one may pass for equal.
    status, figures = load_against(peer, lambda data, source: [(change(data), source)])
    assert status == 1
    assert figures["corrupt"] >= 15
    assert figures["wrong"] == 0


def test_duplicates_are_counted_and_do_not_hide_a_loss(peer):
    status, figures = load_against(peer, lambda data, source: [(data, source)] * (2 if data[16] % 2 else 0))
    assert status == 1
    assert (figures["received"], figures["duplicates"], figures["lost"]) == (10, 10, 10)


def test_loss_is_judged_by_its_limit(udp_echo):
    echo = udp_echo("--drop-every", 10)
    arguments = ("--to", echo.text, "--clients", 2, "--count", 50, "--linger", 100)
    assert udp_load(*arguments)[0] == 1
    assert udp_load(*arguments, "--max-loss", 10)[0] == 0
    assert udp_load(*arguments, "--max-loss", 9.9)[0] == 1


def test_nobody_there_is_a_failure():
    status, figures = udp_load("--to", f"127.0.0.1:{free_port()}", "--count", 3, "--linger", 100)
    assert status == 1
    assert figures["lost"] == 3
    assert figures["unreachable"] > 0


def test_late_answers_and_large_datagrams_come_back(udp_echo):
    echo = udp_echo("--delay", "50-150")
    status, figures = udp_load("--to", echo.text, "--clients", 4, "--count", 5, "--size", 65507)
    assert status == 0, figures
    assert 50_000 <= figures["p50_us"] <= 250_000


def test_clients_are_spread_over_addresses_and_churn_takes_new_ports(udp_echo):
    echo = udp_echo()
    udp_load("--to", echo.text, "--clients", 10, "--count", 2, "--from", "127.77.0.0/24")
    assert echo.counts()["sources"] == 10
    udp_load("--to", echo.text, "--clients", 10, "--count", 3, "--from", "127.78.0.0/24", "--churn")
    assert echo.counts()["sources"] == 40


def test_answers_can_come_from_another_port(udp_echo, peer):
    echo, client = udp_echo("--other-port"), peer()
    client.send(b"x", echo.address)
    data, source = client.receive()
    assert data == b"x"
    assert source[0] == echo.address[0] and source[1] != echo.address[1]
    assert client.ask(b"y", source) == b"y", "the other port answers too"


@pytest.mark.parametrize("program, arguments", [
    ("udp-load", []), ("udp-load", ["--to", "x"]), ("udp-load", ["--to", "127.0.0.1:1", "--size", "31"]),
    ("udp-load", ["--to", "127.0.0.1:1", "--size", "65508"]), ("udp-load", ["--to", "127.0.0.1:1", "--rate", "0"]),
    ("udp-load", ["--to", "127.0.0.1:1", "--count", "1", "--seconds", "1"]),
    ("udp-load", ["--to", "127.0.0.1:1", "--from", "::1"]), ("udp-load", ["--to", "127.0.0.1:1", "rest"]),
    ("udp-echo", []), ("udp-echo", ["127.0.0.1"]), ("udp-echo", ["--delay", "5-1", "127.0.0.1:1"]),
    ("udp-echo", ["--drop-every", "0", "127.0.0.1:1"]), ("udp-echo", ["--unknown", "127.0.0.1:1"]),
])
def test_wrong_usage_ends_with_status_2(program, arguments):
    result = run_program(program, *arguments)
    assert result.returncode == 2
    assert f"{program}: " in result.stderr
