"""A UDP server that identifies itself: it answers each datagram with its tag, a space and the datagram."""
import collections
import socket
import threading

from udp_peer import UdpPeer


class TaggedServer(UdpPeer):
    """`TaggedServer("A", "127.0.0.21", port)`; `seen` are the datagrams it got, in their order: (data, source)."""

    def __init__(self, tag, address, port):
        super().__init__(address, port)
        self.tag = tag
        self.seen = collections.deque()
        self.socket.settimeout(None)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while True:
            try:
                data, source = self.socket.recvfrom(65536)
            except OSError:
                return
            if not data and source == self.address:
                return
            self.seen.append((data, source))
            try:
                self.socket.sendto(f"{self.tag} ".encode() + data, source)
            except OSError:
                pass

    @property
    def data(self):
        return [data for data, _ in self.seen]

    @property
    def sources(self):
        return {source for _, source in self.seen}

    def close(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM):
            self.socket.sendto(b"", self.address)
        self._thread.join(2)
        self.socket.close()
