"""`without_sandbox.py LACK PROGRAM ARGUMENT...` runs a program as a kernel would that lacks something: `seccomp`,
`landlock`, or `seccomp,landlock`. A filter of its own answers these calls with ENOSYS."""
import ctypes
import os
import struct
import sys

SECCOMP, LANDLOCK_CREATE_RULESET = {"x86_64": (317, 444), "aarch64": (277, 444)}[os.uname().machine]
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, MODE_FILTER = 38, 22, 2
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, ERRNO, ENOSYS = 0x7FFF0000, 0x00050000, 38


def instruction(code, value, if_true=0, if_false=0):
    return struct.pack("HBBI", code, if_true, if_false, value)


def answer(number, error):
    """Two instructions: the system call `number` fails with this error."""
    return [instruction(JUMP_IF_EQUAL, number, 0, 1), instruction(RETURN, ERRNO | error)]


def program_without(lack):
    code = [instruction(LOAD, 0)]
    if "landlock" in lack:
        code += answer(LANDLOCK_CREATE_RULESET, ENOSYS)
    if "seccomp" in lack:
        code += answer(SECCOMP, ENOSYS)
    return code + [instruction(RETURN, ALLOW)]


def install(code):
    text = ctypes.create_string_buffer(b"".join(code))
    filter_program = ctypes.create_string_buffer(struct.pack("HP", len(code), ctypes.addressof(text)))
    libc = ctypes.CDLL(None, use_errno=True)
    for arguments in ((PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
                      (PR_SET_SECCOMP, MODE_FILTER, ctypes.c_void_p(ctypes.addressof(filter_program)), 0, 0)):
        if libc.prctl(*arguments) != 0:
            sys.exit(f"without_sandbox: prctl{arguments}: {os.strerror(ctypes.get_errno())}")


if __name__ == "__main__":
    install(program_without(sys.argv[1].split(",")))
    os.execv(sys.argv[2], sys.argv[2:])
