"""The whole way once: start, forward, report, replace, stop. New tests may begin as copies of these."""
from free_ports import free_port
from programs import udp_load
from proxyd_process import configuration


def test_a_datagram_goes_to_the_server_and_its_answer_comes_back(proxyd, peer):
    server, client = peer(), peer()
    listener = ("127.0.0.1", free_port())
    proxyd(configuration(listener, server.text))

    client.send(b"question", listener)
    question, source = server.receive()
    assert question == b"question"
    assert source != client.address, "the server sees the proxy, not the client"
    server.send(b"answer", source)
    assert client.receive() == (b"answer", listener)


def test_every_session_has_its_record_when_the_proxy_ends(proxyd, udp_echo):
    echo, listener = udp_echo(), ("127.0.0.1", free_port())
    daemon = proxyd(configuration(listener, echo.text))
    status, figures = udp_load("--to", f"{listener[0]}:{listener[1]}", "--clients", 5, "--count", 20)
    assert status == 0, figures
    assert echo.counts()["sources"] == 5
    daemon.stop()
    assert len(daemon.records()) == 5


def test_sessions_go_on_when_reg_dies(proxyd, udp_echo, peer):
    echo, client, listener = udp_echo(), peer(), ("127.0.0.1", free_port())
    daemon = proxyd(configuration(listener, echo.text))
    assert client.ask(b"before", listener) == b"before"
    daemon.replace_child("REG")
    assert client.ask(b"after", listener) == b"after"
    assert echo.counts()["sources"] == 1, "the server must not see another source port"


def test_two_workers_share_the_clients_and_lose_nothing_when_reg_dies(proxyd, udp_echo, background_load):
    echo, listener = udp_echo(), ("127.0.0.1", free_port())
    daemon = proxyd(configuration(listener, echo.text, udpserver={"max-sessions": 1000, "workers": 2}))
    load = background_load("--to", f"{listener[0]}:{listener[1]}", "--clients", 50, "--rate", 1000, "--seconds", 3)
    daemon.replace_child("REG")
    status, figures = load.finish()
    assert status == 0, figures
    assert echo.counts()["sources"] == 50
