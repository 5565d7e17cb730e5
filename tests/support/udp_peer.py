"""A UDP socket for tests that script each datagram: a client, or a server with scripted answers."""
import socket

from deadline import SLOWNESS


class UdpPeer:
    """`UdpPeer()` is a client on 127.0.0.1; `UdpPeer(port=p)` is a server. For IPv6: `UdpPeer("::1")`."""

    def __init__(self, address="127.0.0.1", port=0):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.socket = socket.socket(family, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.socket.bind((address, port))

    @property
    def address(self):
        """(address, port), as the other functions take it."""
        return self.socket.getsockname()[:2]

    @property
    def text(self):
        """`127.0.0.1:53`, as configurations take it."""
        host, port = self.address
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def send(self, data, to):
        self.socket.sendto(data, to)

    def receive(self, seconds=2.0):
        """(data, from); AssertionError on a timeout."""
        self.socket.settimeout(seconds * SLOWNESS)
        try:
            data, source = self.socket.recvfrom(65536)
        except socket.timeout:
            raise AssertionError(f"no datagram within {seconds * SLOWNESS:g} s at {self.text}") from None
        return data, source[:2]

    def receive_nothing(self, seconds=0.3):
        """AssertionError when a datagram is received within that time."""
        self.socket.settimeout(seconds)
        try:
            data, source = self.socket.recvfrom(65536)
        except socket.timeout:
            return
        raise AssertionError(f"unexpected datagram of {len(data)} bytes from {source}: {data[:40]!r}")

    def ask(self, data, to, seconds=2.0):
        """Sends, and returns the data of the answer, which must be from the address it was sent to."""
        self.send(data, to)
        answer, source = self.receive(seconds)
        assert source == tuple(to), f"the answer came from {source}, not from {to}"
        return answer

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
