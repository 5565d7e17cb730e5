"""Datagrams with a source of the test's choice."""
import socket
import struct


def forged(source, destination, payload):
    """An IPv4 packet with this source; the kernel computes the checksum of the header."""
    udp = struct.pack("!HHHH", source[1], destination[1], 8 + len(payload), 0) + payload
    return struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, socket.IPPROTO_UDP, 0,
                       socket.inet_aton(source[0]), socket.inet_aton(destination[0])) + udp
