"""Network namespaces that a test makes and leaves nothing of: hosts of their own on one machine."""
import ctypes
import os
import subprocess

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def _check(result):
    if result != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


class Namespace:
    """`with namespace:` what is started or opened there belongs to it for good; the test itself goes back."""

    def __init__(self, *settings):
        """`settings`: sysctls like "net/ipv4/conf/all/rp_filter=0"."""
        self._home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        _check(_libc.unshare(_CLONE_NEWNET))
        try:
            self._self = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            for setting in settings:
                name, value = setting.split("=")
                with open(f"/proc/sys/{name}", "w") as file:
                    file.write(value)
            self._ip("link", "set", "lo", "up")
        finally:
            _check(_libc.setns(self._home, _CLONE_NEWNET))

    def _ip(self, *arguments):
        subprocess.run(["ip", *map(str, arguments)], check=True, capture_output=True, text=True)

    def __enter__(self):
        _check(_libc.setns(self._self, _CLONE_NEWNET))
        return self

    def __exit__(self, *_):
        _check(_libc.setns(self._home, _CLONE_NEWNET))

    def ip(self, *arguments):
        """Runs `ip` with these arguments inside."""
        with self:
            self._ip(*arguments)

    def address(self, interface, *addresses):
        """Adds addresses like 10.1.0.1/24 and sets the interface up; IPv6 ones are usable at once."""
        for address in addresses:
            extra = ("nodad",) if ":" in address else ("broadcast", "+") if not address.endswith("/32") else ()
            self.ip("address", "add", address, "dev", interface, *extra)
        self.ip("link", "set", interface, "up")

    def connect(self, interface, other, other_interface):
        """A cable between two namespaces."""
        path = f"/proc/{os.getpid()}/fd/{other._self}"
        self.ip("link", "add", interface, "type", "veth", "peer", "name", other_interface, "netns", path)

    def close(self):
        os.close(self._self)
        os.close(self._home)


def enter_own_network():
    """For the whole process: a network with nothing but loopback."""
    Namespace().__enter__()
