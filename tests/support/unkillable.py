"""A process that SIGKILL does not remove, as one that hangs in a disk."""
import ctypes
import os
import signal

from deadline import wait_for

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
_DETACH, _SEIZE, _TRACE_EXIT, _WALL = 17, 0x4206, 0x40, 0x40000000


class Unkillable:
    """`with Unkillable(pid) as held:` when the process exits or is killed, the kernel stops it on its way out. From
    then on it does nothing, but has its descriptors and memory, and its parent cannot reap it. release(), and the end
    of the block, let it go; it is killed if it still runs. The thread that enters the block must leave it."""

    def __init__(self, pid):
        self.pid, self._held, self._dying = pid, False, False

    def __enter__(self):
        self._ptrace(_SEIZE, _TRACE_EXIT)
        self._held = True
        return self

    def __exit__(self, *_):
        self.release()

    def is_dying(self):
        """It has exited or was killed, and stands still."""
        self._dying = self._dying or os.waitpid(self.pid, os.WNOHANG | _WALL)[0] == self.pid
        return self._dying

    def release(self):
        if not self._held:
            return
        self._held = False
        if not self.is_dying():
            os.kill(self.pid, signal.SIGKILL)
            wait_for(self.is_dying, what=f"the end of {self.pid}")
        self._ptrace(_DETACH, 0)

    def _ptrace(self, request, data):
        if _libc.ptrace(request, self.pid, None, data) != 0:
            raise OSError(ctypes.get_errno(), "ptrace")
