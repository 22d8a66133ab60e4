"""Files made to harm: nothing is executed, no path is followed, a tiny file never asks for much memory."""

import io
import json
import os
import pickle
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gensar_lite.identify.formats import FormatError, read_identifiers
from gensar_lite.identify.formats.files import read_npy
from gensar_lite.identify.formats.pickles import plain_pickle, tensor_file
from gensar_lite.identify.table import IdentifierTable, write_table


class Bomb:
    """Leaves a file behind if it is ever unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (os.mkdir, (self.path,))


@pytest.fixture
def trap(tmp_path):
    place = tmp_path / "executed"
    yield place
    assert not place.exists(), "the file was executed"


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("wrap", ["bare", "row", "code", "key"])
def test_no_pickle_executes(tmp_path, trap, protocol, wrap):
    bomb = Bomb(trap)
    value = {
        "bare": bomb,
        "row": [bomb],
        "code": [{"item_id": 1, "cluster_ids": [1, bomb]}],
        "key": [{"item_id": bomb, "cluster_ids": [1, 2]}],
    }[wrap]
    path = tmp_path / "x.pkl"
    path.write_bytes(pickle.dumps(value, protocol=protocol))
    with pytest.raises(FormatError):
        read_identifiers(path)


def test_the_refusal_names_the_code_and_the_way_out(tmp_path, trap):
    path = tmp_path / "x.pkl"
    path.write_bytes(pickle.dumps([{"item_id": 1, "cluster_ids": Bomb(trap)}]))
    with pytest.raises(FormatError, match=r"(posix|nt|os)\.mkdir.*nothing was run.*JSON"):
        read_identifiers(path)


def test_no_object_array_executes(tmp_path, trap):
    np.save(tmp_path / "x.npy", np.array([Bomb(trap)], dtype=object), allow_pickle=True)
    with pytest.raises(FormatError, match="Python objects"):
        read_identifiers(tmp_path / "x.npy")


def test_no_tensor_file_executes(tmp_path, trap):
    torch = pytest.importorskip("torch")
    torch.save({"codes": torch.zeros(3, 4, dtype=torch.long), "extra": Bomb(trap)}, tmp_path / "mixed.pt")
    assert tensor_file(tmp_path / "mixed.pt").shape == (3, 4)  # the tensor is read, the rest is not run
    torch.save(Bomb(trap), tmp_path / "x.pt")
    with pytest.raises(FormatError, match="nothing was run"):
        read_identifiers(tmp_path / "x.pt")


@settings(max_examples=60, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
        lambda inner: (
            st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4) | st.tuples(inner, inner)
        ),
        max_leaves=12,
    ),
    st.integers(3, 5),  # protocol 2 makes bytes by a call
)
def test_plain_pickles_are_read_as_pickle_would(value, protocol):
    assert plain_pickle(pickle.dumps(value, protocol=protocol), Path("x.pkl")) == value


@pytest.mark.parametrize("dtype", ["int64", "int32", "int16", "uint8", "float32"])
def test_tensors_are_read_as_torch_would(tmp_path, dtype):
    torch = pytest.importorskip("torch")
    whole = torch.arange(60).reshape(5, 12).to(getattr(torch, dtype))
    for name, tensor in (("plain", whole), ("turned", whole.T), ("part", whole[1:4, 2:9]), ("steps", whole[::2, ::3])):
        torch.save(tensor, tmp_path / f"{name}.pt")
        loaded = torch.load(tmp_path / f"{name}.pt", weights_only=True)
        np.testing.assert_array_equal(tensor_file(tmp_path / f"{name}.pt"), loaded.numpy())


def fake_tensor(path, shape, strides, numbers=8, key="0", compress=zipfile.ZIP_STORED):
    """A .pt file with a claimed shape over a storage of a few numbers."""
    torch = pytest.importorskip("torch")
    honest = io.BytesIO()
    torch.save(torch.arange(numbers).reshape(2, -1), honest)
    with zipfile.ZipFile(honest) as source, zipfile.ZipFile(path, "w", compress) as target:
        for name in source.namelist():
            data = source.read(name)
            if name.endswith("data.pkl"):
                sizes = pickle.dumps((shape, strides), protocol=2)[2:-1]
                begin, end = data.index(b"K\x02K\x04\x86"), data.index(b"\x89")
                data = data[:begin] + sizes_only(sizes) + data[end:]
            target.writestr(name, data)


def sizes_only(pickled):
    """The two tuples of a pickled pair, without the pair itself and without memo numbers that clash."""
    shape, strides = pickle.loads(b"\x80\x02" + pickled + b".")
    parts = []
    for numbers in (shape, strides):
        parts.append(b"(" + b"".join(b"\x8a\x08" + struct.pack("<q", number) for number in numbers) + b"t")
    return b"".join(parts)


@pytest.mark.parametrize(
    ("shape", "strides"), [((10**9, 10**9), (0, 0)), ((2, 10**12), (1, 1)), ((10**6, 4), (4, 1)), ((2, 4), (10**15, 1))]
)
def test_a_tensor_that_claims_more_than_the_file_holds(tmp_path, shape, strides):
    fake_tensor(tmp_path / "x.pt", shape, strides)
    with pytest.raises(FormatError, match="holds only 8 numbers"):
        read_identifiers(tmp_path / "x.pt")


def test_a_fake_tensor_of_honest_size_is_read(tmp_path):
    fake_tensor(tmp_path / "x.pt", (2, 4), (4, 1))
    np.testing.assert_array_equal(tensor_file(tmp_path / "x.pt"), np.arange(8).reshape(2, 4))


def test_zip_bombs_and_other_zips(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\0" * 10**7)
    with pytest.raises(FormatError, match="uncompressed"):
        read_identifiers(tmp_path / "bomb.pt")
    with zipfile.ZipFile(tmp_path / "other.pt", "w") as archive:
        archive.writestr("../../escape.txt", b"x")
    with pytest.raises(FormatError, match="without data.pkl"):
        read_identifiers(tmp_path / "other.pt")
    assert not (tmp_path.parent / "escape.txt").exists()
    whole = (tmp_path / "other.pt").read_bytes()
    (tmp_path / "cut.pt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FormatError, match="cut off"):
        read_identifiers(tmp_path / "cut.pt")


@pytest.mark.parametrize("shape", [(10**9, 4), (10**15, 10**15), (3, 10**17)])
def test_an_array_header_that_claims_more_than_the_file_holds(tmp_path, shape):
    header = f"{{'descr': '<i8', 'fortran_order': False, 'shape': {shape}, }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    data = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + b"\0" * 64
    (tmp_path / "x.npy").write_bytes(data)
    with pytest.raises(FormatError, match="claims"):
        read_identifiers(tmp_path / "x.npy")


def test_a_small_parquet_file_of_very_many_rows(tmp_path):
    rows = 40_000_000
    column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, dtype=np.int8)), pa.array([7], pa.int64()))
    pq.write_table(pa.table({"item_id": column, "sid_level_0": column}), tmp_path / "x.parquet", compression="zstd")
    del column
    assert (tmp_path / "x.parquet").stat().st_size < 10**6
    with pytest.raises(FormatError, match="no honest table"):
        read_identifiers(tmp_path / "x.parquet")


MEMORY = """
import resource, sys
from gensar_lite.identify.formats import FormatError, read_identifiers
pages = int(open("/proc/self/statm").read().split()[0])
limit = pages * resource.getpagesize() + 400 * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
try:
    read_identifiers(sys.argv[1])
except FormatError as error:
    print("refused:", str(error)[-200:])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits memory as Linux does")
@pytest.mark.parametrize(
    "name", ["huge code", "huge code as text", "one long identifier", "deep", "sizes", "shared row"]
)
def test_tiny_files_never_ask_for_much_memory(tmp_path, name):
    """At most 400 MiB more than the imports took; anything beyond ends in a MemoryError."""
    path = tmp_path / "x.json"
    if name == "huge code":
        path.write_text(json.dumps({"0": [1, 10**15], "1": [2, 3]}))
    elif name == "huge code as text":
        path.write_text(json.dumps({"0": ["<a_1>", f"<b_{10**15}>"], "1": ["<a_1>", "<b_2>"]}))
    elif name == "one long identifier":
        path.write_text("1 " + "w " * 100_000 + "\n" + "".join(f"{key} w\n" for key in range(2, 100_000)))
    elif name == "deep":
        path.write_text('{"0": ' + "[" * 100_000 + "]" * 100_000 + "}")
    elif name == "sizes":
        ids = np.array(["a", "b"], dtype=object)
        write_table(IdentifierTable("x", ids, {"semantic": np.array([[0], [1]])}, {"semantic": (10**15,)}, 1), path)
    else:
        row = [1] * 200_000  # one row, referred to from every entry
        path.write_bytes(pickle.dumps([{"item_id": key, "cluster_ids": row} for key in range(100_000)]))
    done = subprocess.run([sys.executable, "-c", MEMORY, str(path)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "refused" in done.stdout


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b'{"0": ["<a_1>", "<b_2>"], "1": ["<a_1>', "cut off.*'1'"),
        (b'{"0": [1, 2], "1": [3', "cut off"),
        (b'{"0": [1, 2],, "1": [3]}', "line 1, column 14"),
        (b"{}", "no items|where its codes"),
        (b"[]", "not of identifiers"),
        (b'{"0": []}', "without codes"),
        (b'{"0": 5}', "instead of|where its codes"),
        (b'{"0": [true, false]}', "a bool instead of a code"),
        (b'{"0": [{"x": 1}]}', "objects with x instead of a code"),
        (b'{"0": ["tent", "red_shirt"]}', "tent"),
        (b'{"0": [1, 2], "1": "x"}', "a str instead of"),
        (b'{"0": [1' + b"0" * 5000 + b"]}", "not readable as JSON"),
        (b"item_id,title\n1,Tent\n", "no column of codes"),
        (b"\x00\x01\x02\x03" * 50, "no kind of file"),
        (b"\x1f\x8b\x08\x00" * 9, "compressed"),
        (b"just\nwords\n", "not one item and its words"),
        (b"PAR1 but not really", "cannot be read as parquet"),
        (b"\x93NUMPY\x01\x00\x10\x00nonsense", "damaged NumPy header"),
        (b"\x80\x04]\x94(", "cut off|no complete pickle"),
        (b"<a_1><b_2>\tTent\t0\n<a_1><b_", "cut off|not one item"),
    ],
)
def test_wrong_files_get_a_clear_error(tmp_path, content, word):
    path = tmp_path / "x.bin"
    path.write_bytes(content)
    with pytest.raises(FormatError, match=word) as caught:
        read_identifiers(path)
    message = str(caught.value)
    assert str(path) in message and len(message) < 600 and message.rstrip().endswith((".", ")"))


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(FormatError, match="Check the path"):
        read_identifiers(tmp_path / "nothing.json")
    with pytest.raises(FormatError, match="is a folder"):
        read_identifiers(tmp_path)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damaged_files_raise_nothing_but_format_errors(tmp_path, data):
    """Bytes of good files of several kinds, cut off and changed: read or refused, never anything else."""
    kind = data.draw(st.sampled_from(["json", "npy", "pkl", "tsv", "parquet"]))
    codes = [[1, 2], [3, 4], [1, 2]]
    buffer = io.BytesIO()
    if kind == "npy":
        np.save(buffer, np.array(codes))
    elif kind == "pkl":
        pickle.dump([{"item_id": place, "cluster_ids": row} for place, row in enumerate(codes)], buffer)
    elif kind == "tsv":
        buffer.write(b"<a_1><b_2>\tTent\t0\n<a_3><b_4>\tLamp\t1\n")
    elif kind == "parquet":
        pd.DataFrame({"item_id": ["a", "b", "c"], "codes": codes}).to_parquet(buffer)
    else:
        buffer.write(json.dumps({str(place): row for place, row in enumerate(codes)}).encode())
    raw = bytearray(buffer.getvalue())
    for _ in range(data.draw(st.integers(0, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(1, len(raw)))
    path = tmp_path / "x"
    path.write_bytes(bytes(raw[:cut]))
    try:
        foreign = read_identifiers(path)
    except FormatError:
        return
    assert foreign.as_table().n_items >= 1


@pytest.mark.parametrize("dtype", [">i8", "<i4", "|u1", "<f4", ">f8", "|b1"])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_arrays_are_read_as_numpy_would(tmp_path, dtype, order, version):
    values = np.arange(12).reshape(4, 3).astype(dtype, order=order)
    with open(tmp_path / "x.npy", "wb") as file:
        np.lib.format.write_array(file, values, version=version)
    np.testing.assert_array_equal(read_npy(tmp_path / "x.npy"), values)
