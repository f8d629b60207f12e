"""No network, no programs, no processes for a child that unpacks (design 4.4), by seccomp(2).

A parser that was taken over can reach nobody.  It needs no privilege and works in containers; on a
machine that is not listed here, or where the kernel forbids it, nothing is confined.

Source: linux/filter.h, linux/seccomp.h, linux/audit.h, the system call tables of the kernel.
"""

import ctypes
import platform
from collections.abc import Sequence
from dataclasses import dataclass

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _MODE_FILTER = 38, 22, 2  # prctl(2)
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _DENY = 0x7FFF0000, 0x00050001  # the second: the call fails with EPERM
_NUMBER, _ARCHITECTURE = 0, 4  # offsets in struct seccomp_data
_FOREIGN = 0x40000000  # calls of the x32 interface, which are the others once more


@dataclass(frozen=True, slots=True)
class _Machine:
    """`architecture`: its AUDIT_ARCH; the numbers of the calls that are denied."""

    architecture: int
    denied: Sequence[int]


# socket bind listen connect clone fork vfork execve ptrace unshare setns process_vm_readv
# process_vm_writev bpf execveat io_uring_setup clone3 pidfd_getfd
_X86_64 = (41, 49, 50, 42, 56, 57, 58, 59, 101, 272, 308, 310, 311, 321, 322, 425, 435, 438)
_AARCH64 = (198, 200, 201, 203, 220, 221, 117, 97, 268, 270, 271, 280, 281, 425, 435, 438)
_MACHINES = {
    "x86_64": _Machine(0xC000003E, _X86_64),
    "aarch64": _Machine(0xC00000B7, _AARCH64),
}


class _Instruction(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_ushort),
        ("if_true", ctypes.c_ubyte),
        ("if_false", ctypes.c_ubyte),
        ("operand", ctypes.c_uint),
    )


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("first", ctypes.POINTER(_Instruction)))


def confine() -> bool:
    """Deny this process those calls, for ever.  Return False where that is not possible."""
    machine = _MACHINES.get(platform.machine())
    if machine is None:
        return False
    instructions = _instructions(machine)
    program = _Program(len(instructions), instructions)
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    return bool(prctl(_PR_SET_SECCOMP, _MODE_FILTER, ctypes.byref(program), 0, 0) == 0)


def _instructions(machine: _Machine) -> ctypes.Array[_Instruction]:
    """Return the filter: denied are other architectures and the calls that are listed."""
    denied = machine.denied
    listing = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, machine.architecture),
        (_RETURN, 0, 0, _DENY),
        (_LOAD, 0, 0, _NUMBER),
        (_AT_LEAST, len(denied) + 1, 0, _FOREIGN),
        *((_EQUAL, len(denied) - index, 0, call) for index, call in enumerate(denied)),
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _DENY),
    ]
    return (_Instruction * len(listing))(*(_Instruction(*one) for one in listing))
