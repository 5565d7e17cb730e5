"""The name servers of the tests can be trusted: each answers what a test tells it, and tells what it was asked."""
import os
import socket
import struct
import subprocess

import pytest

from deadline import wait_for
from dns_packet import Record, make_question, read_answer
from dns_sprayer import Sprayer, asking_ports
from evil_dns import addresses, alias, garbage, nodata, nxdomain, refused, servfail, silence

NAME = "srv.example.test"


def ask(dns, name=NAME, type_name="A", number=7, seconds=1.0):
    """(id, rcode, truncated, values) of the answer, and the packet; nothing when there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(seconds)
        asker.sendto(make_question(name, type_name, number), dns.address)
        try:
            packet, source = asker.recvfrom(65536)
        except socket.timeout:
            return None
        number, rcode, truncated, found = read_answer(packet)
        return number, rcode, truncated, [record.value for record in found], packet, source


def ask_tcp(dns, name=NAME):
    """All bytes until the server ends the connection or has sent a whole message."""
    with socket.create_connection(dns.address, 2) as asker:
        question = make_question(name, "A")
        asker.sendall(struct.pack("!H", len(question)) + question)
        data = b""
        while len(data) < 2 or len(data) < 2 + struct.unpack_from("!H", data)[0]:
            more = asker.recv(65536)
            if not more:
                break
            data += more
        return data


def test_dig_understands_the_evil_server(evil_dns):
    evil_dns.host(NAME, "127.0.0.21", "2001:db8::1", ttl=2)
    evil_dns.set("www.example.test", "A", alias(NAME, Record(NAME, "A", "127.0.0.21")))
    evil_dns.set("many.example.test", "A", addresses(*[f"10.0.{i // 250}.{i % 250 + 1}" for i in range(1000)]))
    evil_dns.client("127.7.0.1", "host.example.test")

    def dig(*arguments):
        command = ["dig", "@127.0.0.1", "-p", str(evil_dns.address[1]), "+tries=1", "+time=3", "+short", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.split()
    assert dig("SRV.example.test") == ["127.0.0.21"]
    assert dig("+tcp", NAME, "AAAA") == ["2001:db8::1"]
    assert dig("www.example.test") == [f"{NAME}.", "127.0.0.21"]
    assert len(dig("many.example.test")) == 1000, "by TCP, after a truncated answer"
    assert dig("-x", "127.7.0.1") == ["host.example.test."]
    assert [query.transport for query in evil_dns.asked("many.example.test")] == ["udp", "tcp"]


def test_the_question_comes_back_as_it_was_asked(evil_dns):
    evil_dns.host(NAME, "127.0.0.21")
    question = make_question("sRv.ExAmPlE.TeSt", "A", 7)
    packet = ask(evil_dns, "sRv.ExAmPlE.TeSt")[4]
    assert packet[12:len(question)] == question[12:]
    query = evil_dns.wait_query(NAME, "A")
    assert (query.id, query.question.name, query.transport) == (7, "sRv.ExAmPlE.TeSt", "udp")


@pytest.mark.parametrize("behaviour, rcode", [(nxdomain(), 3), (nodata(), 0), (servfail(), 2), (refused(), 5)])
def test_denials_and_failures(evil_dns, behaviour, rcode):
    evil_dns.set(NAME, "A", behaviour)
    assert ask(evil_dns)[:4] == (7, rcode, False, [])


def test_what_is_wrong_is_wrong(evil_dns):
    good = addresses("127.0.0.21")
    evil_dns.set(NAME, "A", good.but(other_id=True), good.but(letter_case="swap"), good.but(other_port=True),
                 good.but(other_question="b.example.test"), good.but(truncated=True), garbage(b"xyz"), silence(), good)
    assert ask(evil_dns)[0] == 7 ^ 0x5555
    assert b"\x03SRV\x07EXAMPLE" in ask(evil_dns)[4]
    assert ask(evil_dns)[5] != evil_dns.address
    assert b"\x01b\x07example" in ask(evil_dns)[4]
    assert ask(evil_dns)[2:4] == (True, [])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.sendto(make_question(NAME, "A"), evil_dns.address)
        assert asker.recv(100) == b"xyz"
    assert ask(evil_dns, seconds=0.3) is None
    assert ask(evil_dns)[3] == ["127.0.0.21"]
    assert ask(evil_dns)[3] == ["127.0.0.21"], "the last behaviour stays"


def test_delays_do_not_hold_up_others(evil_dns):
    evil_dns.host(NAME, "127.0.0.21", delay=0.5)
    evil_dns.host("b.example.test", "127.0.0.22")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(2)
        for name in (NAME, "b.example.test"):
            asker.sendto(make_question(name, "A"), evil_dns.address)
        assert [read_answer(asker.recv(999))[3][0].value for _ in range(2)] == ["127.0.0.22", "127.0.0.21"]


def test_half_a_message_by_tcp(evil_dns):
    good = addresses("127.0.0.21")
    evil_dns.set(NAME, "A", good.but(tcp_bytes=10), good.but(close=True), good)
    assert len(ask_tcp(evil_dns)) == 10
    assert ask_tcp(evil_dns) == b""
    assert len(ask_tcp(evil_dns)) > 40


def test_the_sprayer_finds_the_port_and_its_forgeries_are_well_formed(evil_dns):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.connect(evil_dns.address)
        assert asking_ports(os.getpid(), evil_dns.address) == {asker.getsockname()[1]}
        sprayer = Sprayer(evil_dns, os.getpid(), NAME, "A", addresses("127.0.0.66"), 200)
        sprayer.wait()
        found = [read_answer(asker.recv(999)) for _ in range(200)]
    assert [number for number, *_ in found] == list(range(200))
    assert all([record.value for record in records] == ["127.0.0.66"] for *_, records in found)


def test_knot_serves_what_it_is_given(real_dns):
    real_dns.set(NAME, "A", "127.0.0.21", "127.0.0.22")
    assert sorted(real_dns.ask(NAME, "A")) == ["127.0.0.21", "127.0.0.22"]
    real_dns.set(NAME, "A", "127.0.0.23")
    assert real_dns.ask(NAME, "A") == ["127.0.0.23"]
    real_dns.client("127.7.0.1", "host.example.test")
    assert real_dns.ask("1.0.7.127.in-addr.arpa", "PTR") == ["host.example.test"]
    real_dns.kill()
    assert real_dns.ask(NAME, "A") == []
    real_dns.set(NAME, "A", "127.0.0.24")
    real_dns.start()
    assert real_dns.ask(NAME, "A") == ["127.0.0.24"]
    real_dns.set(NAME, "A")
    assert real_dns.ask(NAME, "A") == []


def test_a_tagged_server_tells_who_it_is(tagged, peer):
    (a, b), client = tagged("A", "B"), peer()
    assert a.address[1] == b.address[1] and a.address[0] != b.address[0]
    assert client.ask(b"x", a.address) == b"A x"
    assert client.ask(b"", b.address) == b"B "
    wait_for(lambda: a.data == [b"x"] and b.data == [b""])
