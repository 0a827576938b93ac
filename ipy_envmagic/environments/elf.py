"""What an ELF file says of itself: the machine it is for, whether it is whole, what it needs of other libraries.

After the "System V ABI" (gabi) and, for versions of symbols, the "Linux Standard Base, Symbol Versioning". Only the
heads and the tables that are asked for are read, never the whole of a large library; nothing here raises for a damaged
file.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import BinaryIO

__all__ = ["MACHINES", "Elf", "is_cut_short", "read"]

MACHINES = {3: "x86", 8: "mips", 20: "ppc", 21: "ppc64", 22: "s390x", 40: "arm", 62: "x86_64", 183: "aarch64"}
MACHINES |= {243: "riscv64", 258: "loongarch64"}

_LOAD, _DYNAMIC = 1, 2  # p_type
_NEEDED, _STRTAB, _STRSZ, _RPATH, _RUNPATH = 1, 5, 10, 15, 29  # d_tag
_VERNEED, _VERNEEDNUM, _VERDEF, _VERDEFNUM = 0x6FFFFFFE, 0x6FFFFFFF, 0x6FFFFFFC, 0x6FFFFFFD
_LARGEST = 1 << 22  # bytes of one table
_MOST = 4096  # entries of one table


@dataclass(frozen=True, slots=True)
class Elf:
    """The head of an ELF file.

    Parameters
    ----------
    machine : str
        "x86_64", "aarch64", ..., or "machine N" for one that has no name here.
    bits : int
        32 or 64.
    needed : tuple of str
        The libraries that it is linked with (DT_NEEDED).
    search : tuple of str
        Where they are to be looked for first (DT_RUNPATH, else DT_RPATH), as written.
    versions : tuple of (str, str)
        The symbol versions that it needs, each with the library: ("libc.so.6", "GLIBC_2.34").
    defines : tuple of str
        The symbol versions that it has itself.
    """

    machine: str
    bits: int
    needed: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    versions: tuple[tuple[str, str], ...] = ()
    defines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Head:
    """What locates the tables."""

    bits: int
    order: str
    machine: int
    segments: tuple[tuple[int, int, int, int], ...]  # type, offset, address, size in the file
    end: int  # where the last segment and the table of sections end


def read(path: str) -> Elf | None:
    """Read what a library or an extension module needs.

    Parameters
    ----------
    path : str
        A file.

    Returns
    -------
    Elf or None
        None where it is no ELF file, cannot be read or makes no sense.
    """
    try:
        with open(path, "rb") as file:
            head = _head(file)
            return _elf(file, head) if head else None
    except (OSError, ValueError, struct.error, IndexError, OverflowError, MemoryError):
        return None


def is_cut_short(path: str) -> bool | None:
    """Whether a file ends before what its own head says is in it: importing such a library can end the process.

    Parameters
    ----------
    path : str
        A file.

    Returns
    -------
    bool or None
        None where it is no ELF file at all, or not enough of one is left to tell.
    """
    try:
        with open(path, "rb") as file:
            head = _head(file)
            return None if head is None else os.fstat(file.fileno()).st_size < head.end
    except (OSError, ValueError, struct.error, OverflowError):
        return None


def _head(file: BinaryIO) -> _Head | None:
    ident = file.read(16)
    if ident[:4] != b"\x7fELF" or ident[4] not in {1, 2} or ident[5] not in {1, 2}:
        return None
    bits, order = 32 * ident[4], "<" if ident[5] == 1 else ">"
    wide = bits == 64  # noqa: PLR2004 (the other of two)
    form = order + ("HHIQQQIHHHHHH" if wide else "HHIIIIIHHHHHH")
    fields = struct.unpack(form, file.read(struct.calcsize(form)))
    machine, at, sections_at = fields[1], fields[4], fields[5]
    segment_size, count, section_size, sections = fields[8], fields[9], fields[10], fields[11]
    file.seek(at)
    table = file.read(min(segment_size * count, _LARGEST))
    segments = []
    for start in range(0, len(table) - segment_size + 1, segment_size or 1):
        if wide:
            kind, _, offset, address, _, size = struct.unpack_from(order + "IIQQQQ", table, start)
        else:
            kind, offset, address, _, size = struct.unpack_from(order + "IIIII", table, start)
        segments.append((kind, offset, address, size))
    ends = [offset + size for kind, offset, _, size in segments if kind == _LOAD]
    end = max([at + segment_size * count, sections_at + section_size * sections if sections_at else 0, *ends])
    return _Head(bits, order, machine, tuple(segments), end)


def _elf(file: BinaryIO, head: _Head) -> Elf:
    machine = MACHINES.get(head.machine, f"machine {head.machine}")
    tags = _dynamic(file, head)
    strings = _strings(file, head, tags)

    def text(offset: int) -> str:
        return strings[offset : strings.index(b"\0", offset)].decode("utf-8", "replace")

    values: dict[int, list[int]] = {}
    for tag, value in tags:
        values.setdefault(tag, []).append(value)
    search = values.get(_RUNPATH) or values.get(_RPATH) or []
    return Elf(
        machine,
        head.bits,
        tuple(text(offset) for offset in values.get(_NEEDED, ())),
        tuple(part for offset in search for part in text(offset).split(":") if part),
        tuple(
            (text(library), text(version))
            for library, version in _needs(file, head, _first(values, _VERNEED, _VERNEEDNUM))
        ),
        tuple(text(version) for version in _definitions(file, head, _first(values, _VERDEF, _VERDEFNUM))),
    )


def _first(values: dict[int, list[int]], address: int, count: int) -> tuple[int, int]:
    return values.get(address, [0])[0], min(values.get(count, [0])[0], _MOST)


def _dynamic(file: BinaryIO, head: _Head) -> list[tuple[int, int]]:
    segment = next((one for one in head.segments if one[0] == _DYNAMIC), None)
    if segment is None:
        return []
    file.seek(segment[1])
    table = file.read(min(segment[3], _LARGEST))
    form = head.order + ("qQ" if head.bits == 64 else "iI")  # noqa: PLR2004 (the other of two)
    whole = len(table) - len(table) % struct.calcsize(form)
    tags = []
    for tag, value in struct.iter_unpack(form, table[:whole]):
        if tag == 0:
            break
        tags.append((tag, value))
    return tags


def _strings(file: BinaryIO, head: _Head, tags: list[tuple[int, int]]) -> bytes:
    values = dict(reversed(tags))
    if _STRTAB not in values:
        return b"\0"
    file.seek(_offset(head, values[_STRTAB]))
    return file.read(min(values.get(_STRSZ, 0), _LARGEST)) + b"\0"


def _offset(head: _Head, address: int) -> int:
    """Return where in the file what is loaded at an address stands."""
    for kind, offset, start, size in head.segments:
        if kind == _LOAD and start <= address < start + size:
            return address - start + offset
    raise ValueError("an address outside of all segments")


def _needs(file: BinaryIO, head: _Head, table: tuple[int, int]) -> list[tuple[int, int]]:
    """Return pairs of offsets of names: the library, and the version of its symbols."""
    address, count = table
    found: list[tuple[int, int]] = []
    at = _offset(head, address) if address else 0
    for _ in range(count):
        _, entries, library, first, following = _unpack(file, head, at, "HHIII")
        where = at + first
        for _ in range(min(entries, _MOST)):
            _, _, _, name, step = _unpack(file, head, where, "IHHII")
            found.append((library, name))
            where += step
            if not step:
                break
        at += following
        if not following:
            break
    return found


def _definitions(file: BinaryIO, head: _Head, table: tuple[int, int]) -> list[int]:
    """Return the offsets of the names of the versions that are defined."""
    address, count = table
    found: list[int] = []
    at = _offset(head, address) if address else 0
    for _ in range(count):
        _, _, _, _, _, first, following = _unpack(file, head, at, "HHHHIII")
        found.append(_unpack(file, head, at + first, "II")[0])
        at += following
        if not following:
            break
    return found


def _unpack(file: BinaryIO, head: _Head, at: int, form: str) -> tuple[int, ...]:
    file.seek(at)
    return struct.unpack(head.order + form, file.read(struct.calcsize(head.order + form)))
