"""mprof.read_mprofile_file: the dict that other programs rely on."""

import pathlib

import pytest

import mprof

DATS = sorted((pathlib.Path(__file__).resolve().parent.parent / "dats").glob("*.dat"))


@pytest.mark.parametrize("path", DATS, ids=lambda path: path.stem)
def test_recorded_files(path):
    profile = mprof.read_mprofile_file(str(path))
    lines = [line.split(" ") for line in path.read_text().splitlines()]
    samples = [line for line in lines if line[0] == "MEM"]
    assert profile["mem_usage"] == [float(line[1]) for line in samples]
    assert profile["timestamp"] == [float(line[2]) for line in samples]
    children, calls = {}, {}
    for keyword, name, *numbers in lines:
        if keyword == "CHLD":
            children.setdefault(name, []).append(tuple(map(float, numbers)))
        elif keyword == "FUNC":
            memory, start, memory_end, end = map(float, numbers[:4])
            call = [start, end, memory, memory_end, int(numbers[4])]
            calls.setdefault(name, []).append(call)
    assert profile["children"] == children
    assert profile["func_timestamp"] == calls
    assert profile["filename"] == str(path)
    (command,) = [line for line in path.read_text().splitlines() if line.startswith("CMDLINE ")]
    assert profile["cmd_line"] == command[len("CMDLINE ") :] + "\n"


def test_hostile_lines(tmp_path):
    path = tmp_path / "x.dat"
    path.write_bytes(
        b"NEW fact\nMEM 1.0 2.0\nMEM nan 3.0\nMEM 4\n"
        b"FUNC .my \xff block 1.0 2.0 3.0 4.0 1\n"
        b"FUNC old 1.0 2.0 3.0 4.0\n\0\0\nMEM 5.0 6."
    )
    profile = mprof.read_mprofile_file(path)
    assert (profile["mem_usage"], profile["timestamp"]) == ([1.0], [2.0])
    assert profile["func_timestamp"] == {
        ".my \udcff block": [[2.0, 4.0, 1.0, 3.0, 1]],
        "old": [[2.0, 4.0, 1.0, 3.0]],
    }
    assert profile["cmd_line"] is None
    assert profile["children"]["7"] == []


def test_missing_file():
    with pytest.raises(FileNotFoundError) as caught:
        mprof.read_mprofile_file("/nowhere.dat")
    assert caught.value.filename == "/nowhere.dat"
