"""REG's counters, as it logs them on SIGPWR."""
import os
import re
import signal

from deadline import wait_for

INFO = "UDPS-240-I"
_PARTS = re.compile(r"(\d+) ([a-z ]+?)(?=[,;:]|$| of \d)")


def counters(daemon):
    """{"open": 3, "created": 5, "refused": 1, "foreign": 0, "refused by acl": 1, "closed by idle": 2, …}"""
    before = len(_lines(daemon))
    os.kill(daemon.child(), signal.SIGPWR)
    lines = wait_for(lambda: _complete(_lines(daemon)[before:]), what="REG's information")
    found = {}
    for line in lines:
        text = line.text.strip()
        reason = re.fullmatch(r"reason (\S+): (\d+) sessions closed, (\d+) datagrams refused", text)
        if reason:
            found[f"closed by {reason[1]}"], found[f"refused by {reason[1]}"] = int(reason[2]), int(reason[3])
        elif text.startswith(("sessions:", "dropped:")):
            found.update({name: int(number) for number, name in _PARTS.findall(text.split(":", 1)[1])})
    return found


def _lines(daemon):
    return daemon.lines(INFO, role="REG")


def _complete(lines):
    """Lines of one answer are written together; the one about drops follows those about sessions."""
    closed = _number(lines, "sessions:", r"(\d+) closed")
    refused = _number(lines, "dropped:", r"(\d+) refused")
    if closed is None or refused is None:
        return None
    reasons = sum(int(a) + int(b) for line in lines
                  for a, b in re.findall(r"reason \S+: (\d+) sessions closed, (\d+) datagrams", line.raw))
    return lines if reasons >= closed + refused else None


def _number(lines, start, pattern):
    for line in lines:
        if line.text.strip().startswith(start):
            return int(re.search(pattern, line.raw)[1])
    return None
