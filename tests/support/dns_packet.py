"""DNS messages: questions are read and made, answers made and read. Only what tests need, and nothing is checked
twice: for a wrong message a test changes the bytes."""
import dataclasses
import ipaddress
import struct

A, NS, CNAME, SOA, PTR, AAAA = 1, 2, 5, 6, 12, 28
TYPES = {"A": A, "NS": NS, "CNAME": CNAME, "SOA": SOA, "PTR": PTR, "AAAA": AAAA}
TYPE_NAMES = {number: name for name, number in TYPES.items()}
NOERROR, SERVFAIL, NXDOMAIN, REFUSED = 0, 2, 3, 5
_RESPONSE, _AUTHORITATIVE, _TRUNCATED, _RECURSION = 0x8000, 0x0400, 0x0200, 0x0080


@dataclasses.dataclass(frozen=True)
class Record:
    """One resource record; `value` is an address or a name as text."""
    name: str
    type: str
    value: str
    ttl: int = 60


@dataclasses.dataclass(frozen=True)
class Question:
    id: int
    name: str       # as it was written, in mixed case perhaps, without the last dot
    type: str
    flags: int
    raw: bytes      # the question section

    @property
    def key(self):
        return self.name.lower(), self.type


def reverse_name(address):
    return ipaddress.ip_address(address).reverse_pointer


def pack_name(name):
    labels = [label.encode() for label in name.rstrip(".").split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def unpack_name(packet, offset):
    """(name, offset behind it)"""
    labels, end, jumps = [], None, 0
    while packet[offset]:
        if packet[offset] >= 0xc0:
            end = end or offset + 2
            offset = struct.unpack_from("!H", packet, offset)[0] & 0x3fff
            jumps += 1
            if jumps > 20:
                raise ValueError("a loop of pointers")
            continue
        labels.append(packet[offset + 1:offset + 1 + packet[offset]].decode())
        offset += 1 + packet[offset]
    return ".".join(labels), end or offset + 1


def read_question(packet):
    """The one question of a query. ValueError, struct.error or IndexError for what is none."""
    number, flags, questions = struct.unpack_from("!HHH", packet)
    if flags & _RESPONSE or questions != 1:
        raise ValueError("no query")
    name, offset = unpack_name(packet, 12)
    kind = struct.unpack_from("!H", packet, offset)[0]
    return Question(number, name, TYPE_NAMES.get(kind, str(kind)), flags, packet[12:offset + 4])


def make_question(name, type_name, number=1):
    return struct.pack("!HHHHHH", number, 0x0100, 1, 0, 0, 0) + pack_name(name) + struct.pack("!HH", TYPES[type_name], 1)


def _value(record):
    if record.type in ("A", "AAAA"):
        return ipaddress.ip_address(record.value).packed
    if record.type == "SOA":
        names = pack_name("ns." + record.value) + pack_name("admin." + record.value)
        return names + struct.pack("!IIIII", 1, 3600, 600, 86400, record.ttl)
    return pack_name(record.value)


def _pack(record, question):
    # The most frequent owner is compressed, so that many records fit into one message.
    owner = b"\xc0\x0c" if record.name.lower() == question.name.lower() else pack_name(record.name)
    value = _value(record)
    return owner + struct.pack("!HHIH", TYPES[record.type], 1, record.ttl, len(value)) + value


def make_answer(question, answers=(), authority=(), additional=(), rcode=NOERROR, number=None, section=None,
                truncated=False):
    """The answer to `question`, which it repeats byte by byte unless `section` is another question section;
    `number` is another id."""
    flags = (_RESPONSE | _AUTHORITATIVE | _RECURSION | (question.flags & 0x0100) | rcode
             | (_TRUNCATED if truncated else 0))
    parts = [answers, authority, additional]
    head = struct.pack("!HHHHHH", question.id if number is None else number, flags, 1, *map(len, parts))
    return head + (section or question.raw) + b"".join(_pack(record, question) for part in parts for record in part)


def read_answer(packet):
    """(id, rcode, truncated, [Record] of the answer section)"""
    number, flags, questions, answers = struct.unpack_from("!HHHH", packet)
    offset, found = 12, []
    for _ in range(questions):
        offset = unpack_name(packet, offset)[1] + 4
    for _ in range(answers):
        name, offset = unpack_name(packet, offset)
        kind, _, ttl, length = struct.unpack_from("!HHIH", packet, offset)
        offset += 10
        found.append(Record(name, TYPE_NAMES.get(kind, str(kind)), _value_text(packet, offset, kind, length), ttl))
        offset += length
    return number, flags & 15, bool(flags & _TRUNCATED), found


def _value_text(packet, offset, kind, length):
    if kind in (A, AAAA):
        return str(ipaddress.ip_address(packet[offset:offset + length]))
    if kind == SOA:
        end = unpack_name(packet, unpack_name(packet, offset)[1])[1]
        return str(struct.unpack_from("!I", packet, end)[0])  # the serial
    return unpack_name(packet, offset)[0]
