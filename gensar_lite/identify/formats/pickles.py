"""Pickled data without unpickling: lists, dicts, numbers, texts, and the tensor of a ``.pt`` file. Nothing is executed.

A pickle is a program for a small stack machine, two of whose instructions import and call anything. Here the program
is only *read* (``pickletools.genops``): the instructions that build plain data are carried out, names of code become
inert ``Name`` objects, a call becomes an inert ``Call`` object, and the one call that a tensor needs is understood
from its arguments. Whatever needs more is refused by name. torch is not needed, and every size that a file claims is
held against the bytes that are there before anything is allocated.

It does not know what the data mean.
"""

from __future__ import annotations

import io
import math
import pickletools
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from gensar_lite.identify.formats.findings import FormatError

_CONVERT = "Load it where it was made and write the codes as JSON, {item: [codes]}, or with numpy.save."
_AXES = 8  # more axes than any table of codes has
_PUSHED = {"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"}
_PUSHED |= {"UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_NEW = {"EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_TUPLE": tuple}
_STORAGES = {
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
}


class Name(NamedTuple):
    """The name of a piece of code; never looked up."""

    module: str
    name: str


class Call(NamedTuple):
    """A call that was not made."""

    function: object
    arguments: object


class Storage(NamedTuple):
    """The pointer from a tensor to the bytes of its storage, as ``.pt`` files hold it."""

    reference: object


class _Mark:
    """Marks the bottom of a group of values on the stack."""


def plain_pickle(data: bytes, path: Path) -> Any:
    """The plain data in a pickle: lists, tuples, dicts, numbers, texts.

    Raises:
        FormatError: truncated, or it needs code to be run.
    """
    return _read(data, path)


def tensor_file(path: Path) -> np.ndarray:
    """The one tensor of a ``.pt`` file (or of a dict with one tensor in it) as an array of its own.

    Raises:
        FormatError: torch's old form, no or several tensors, code in it, or sizes that the file cannot hold.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            size = Path(path).stat().st_size
            entries = {info.filename: info for info in archive.infolist()}
            if any(info.file_size > size or info.compress_type != zipfile.ZIP_STORED for info in entries.values()):
                raise FormatError(f"{path}: a .pt file holds its numbers uncompressed; this one does not. {_CONVERT}")
            program = next((name for name in entries if name == "data.pkl" or name.endswith("/data.pkl")), None)
            if program is None:
                raise FormatError(f"{path}: a zip file without data.pkl, so nothing that torch.save wrote. {_CONVERT}")
            folder = program.removesuffix("data.pkl")
            if folder + "byteorder" in entries and archive.read(folder + "byteorder").strip() == b"big":
                raise FormatError(f"{path}: numbers in big-endian order. {_CONVERT}")
            found = _read(archive.read(program), path)
            call = _only_tensor(found, path)
            return _tensor(call, lambda name: archive.read(folder + "data/" + name), set(entries), folder, path)
    except zipfile.BadZipFile as error:
        raise FormatError(f"{path}: cut off or damaged ({error}). Copy it again.") from None


def _read(data: bytes, path: Path) -> Any:
    """Carry out the harmless part of a pickle program."""
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    try:
        for opcode, argument, _ in pickletools.genops(io.BytesIO(data)):
            if opcode.name == "STOP":
                return stack.pop()
            _step(opcode.name, argument, stack, memo, path)
    except FormatError:
        raise
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        text = " ".join(str(error).split())[:120]
        raise FormatError(f"{path}: no complete pickle ({text or type(error).__name__}). Copy it again.") from None
    raise FormatError(f"{path}: the pickle is cut off. Copy it again.")


def _step(name: str, argument: Any, stack: list[Any], memo: dict[int, Any], path: Path) -> None:
    if name in ("PROTO", "FRAME"):
        return
    if name in _PUSHED:
        stack.append(argument)
    elif name in _CONSTANTS:
        stack.append(_CONSTANTS[name])
    elif name in _NEW:
        stack.append(_NEW[name]())
    elif name == "MARK":
        stack.append(_Mark)
    elif name in ("BINPUT", "LONG_BINPUT", "PUT", "MEMOIZE"):
        memo[len(memo) if name == "MEMOIZE" else int(argument)] = stack[-1]
    elif name in ("BINGET", "LONG_BINGET", "GET"):
        stack.append(memo[int(argument)])
    elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
        count = int(name[-1])
        stack[-count:] = [tuple(stack[-count:])]
    elif name in ("TUPLE", "LIST", "DICT"):
        values = _above_mark(stack)
        make = {"TUPLE": tuple, "LIST": list, "DICT": lambda pairs: dict(zip(pairs[::2], pairs[1::2]))}
        stack.append(make[name](values))
    elif name in ("APPEND", "APPENDS", "SETITEM", "SETITEMS"):
        _fill(name, stack)
    elif name in ("GLOBAL", "STACK_GLOBAL"):
        module, attribute = argument.split(" ", 1) if name == "GLOBAL" else (stack.pop(-2), stack.pop())
        stack.append(Name(str(module), str(attribute)))
    elif name == "REDUCE":
        arguments, function = stack.pop(), stack.pop()
        stack.append(
            {} if function == Name("collections", "OrderedDict") and arguments == () else Call(function, arguments)
        )
    elif name == "BINPERSID":
        stack.append(Storage(stack.pop()))
    else:
        raise FormatError(f"{path}: the pickle needs the instruction {name}, which only code needs. {_CONVERT}")


def _above_mark(stack: list[Any]) -> list[Any]:
    place = len(stack) - 1
    while stack[place] is not _Mark:
        place -= 1
        if place < 0:
            raise ValueError("a group without its beginning")
    values = stack[place + 1 :]
    del stack[place:]
    return values


def _fill(name: str, stack: list[Any]) -> None:
    """APPEND(S) and SETITEM(S): put what lies on the stack into the list or dict below it."""
    if name.endswith("S"):
        values = _above_mark(stack)
    else:
        count = 1 if name == "APPEND" else 2
        values = stack[-count:]
        del stack[-count:]
    if name.startswith("APPEND"):
        stack[-1].extend(values)
    else:
        stack[-1].update(zip(values[::2], values[1::2]))


def refuse_code(value: Any, path: Path) -> None:
    """Refuse a value that is no plain data, by the name of the code it would need.

    Raises:
        FormatError: it is a name, a call or a storage.
    """
    while isinstance(value, Call):
        value = value.function
    if isinstance(value, Name):
        raise FormatError(
            f"{path}: the pickle wants to run {value.module[:40]}.{value.name[:40]} when it is loaded; nothing was "
            f"run. {_CONVERT}"
        )
    if isinstance(value, Storage):
        raise FormatError(f"{path}: the pickle points to data outside itself. {_CONVERT}")


def _only_tensor(found: Any, path: Path) -> Call:
    if isinstance(found, dict):
        tensors = [value for value in found.values() if _is_tensor(value)]
        if len(tensors) != 1:
            raise FormatError(f"{path}: {len(tensors)} tensors where one of codes is expected. {_CONVERT}")
        return tensors[0]
    if not _is_tensor(found):
        refuse_code(found, path)
        raise FormatError(f"{path}: holds a {type(found).__name__}, not a tensor of codes. {_CONVERT}")
    return found


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Call) and value.function == Name("torch._utils", "_rebuild_tensor_v2")


def _tensor(call: Call, read: Callable[[str], bytes], entries: set[str], folder: str, path: Path) -> np.ndarray:
    """The array that ``torch._utils._rebuild_tensor_v2(storage, offset, shape, strides, ...)`` would give."""
    try:
        storage, offset, shape, strides = call.arguments[:4]
        kind, key = storage.reference[1], storage.reference[2]
        whole = [offset, *shape, *strides]
        if not all(isinstance(number, int) and not isinstance(number, bool) and number >= 0 for number in whole):
            raise ValueError("sizes that are no whole numbers")
        if (
            len(shape) != len(strides)
            or len(shape) > _AXES
            or kind.module != "torch"
            or folder + "data/" + key not in entries
        ):
            raise ValueError("a storage that is not in the file")
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise FormatError(f"{path}: a tensor that cannot be understood ({error}). {_CONVERT}") from None
    if kind.name not in _STORAGES:
        raise FormatError(f"{path}: numbers of type {kind.name}; codes are whole numbers (torch.long). {_CONVERT}")
    numbers = np.frombuffer(_whole(read(key), kind.name), dtype=_STORAGES[kind.name])
    count = math.prod(shape)
    last = offset + sum((length - 1) * stride for length, stride in zip(shape, strides))
    if count > len(numbers) or (count and last >= len(numbers)):
        raise FormatError(
            f"{path}: claims a tensor of shape {_shape(shape)}, but holds only {len(numbers):,} numbers. The file is "
            "damaged or made to mislead; get it again."
        )
    if count == 0:
        return np.zeros(shape, dtype=numbers.dtype)
    steps = [stride * numbers.itemsize for stride in strides]
    return np.lib.stride_tricks.as_strided(numbers[offset:], shape, steps).copy()


def _whole(data: bytes, kind: str) -> bytes:
    return data[: len(data) - len(data) % int(_STORAGES[kind][-1])]


def _shape(shape: tuple) -> str:
    return " × ".join(str(length) if length < 10**12 else "more than 10^12" for length in shape) or "()"
