"""Too few descriptors, too little memory, files that may not grow, system calls that are not there."""

import ctypes
import os
import re
import resource
import struct
import time

import pytest
from faulty import FULL, SAID

CLOSES = """
import os, sys
{imports}
@profile
def work(n):
    x = bytearray(n << 20)
    return len(x)
work(3)
os.closerange(3, 4096)
work(3)
taken = [os.open("mine", os.O_RDWR | os.O_CREAT) for _ in range(900)]
work(3)
{last}
"""


def limited(what, amount):
    return lambda: resource.setrlimit(what, (amount, amount))


def test_with_24_descriptors_everything_works(faults):
    few = {"preexec_fn": limited(resource.RLIMIT_NOFILE, 24)}
    children = 200 if FULL else 40
    run = faults.run(
        faults.mprof,
        "run",
        "-qEM",
        "-T",
        "0.01",
        "-o",
        "x.dat",
        "sh",
        "-c",
        f"for i in $(seq {children}); do sleep 0.5 & done; wait; exit 6",
        status=6,
        **few,
    )
    assert run.stderr == ""
    assert faults.peak("x.dat") > 0.5
    pids = {
        line.split(" ")[1] for line in faults.dat("x.dat").splitlines() if line.startswith("CHLD")
    }
    assert len(pids) >= children
    assert faults.run(faults.mprof, "plot", "-o", "x.html", "x.dat", **few).stderr == ""
    for options in ["--peak"], ["--functions", "--json", "r.json"], ["--timestamp", "-o", "t.dat"]:
        lines = faults.run(*faults.profiler, *options, "script.py", status=7, **few)
        assert lines.stdout.startswith(SAID) and lines.stderr == ""
    python = faults.run(faults.mprof, "run", "-qE", "-o", "y.dat", "script.py", status=7, **few)
    assert (python.stdout, python.stderr) == (SAID, "")
    assert faults.dat("y.dat").count("\nFUNC ") == 3


@pytest.mark.parametrize("descriptors", range(4, 13))
def test_with_fewer_descriptors_one_line_says_so(faults, descriptors):
    result = faults.run(
        "sh",
        "-c",
        f'ulimit -n {descriptors}; "$1" run -qE -o x.dat sh -c "exit 6"; echo $?',
        "sh",
        faults.mprof,
    )
    assert result.stdout in ("6\n", "1\n")
    assert result.stderr in (
        "",
        *(
            f"mprof: cannot {what}: Too many open files\n"
            for what in ("run sh", "read the memory of the program")
        ),
    )
    assert result.stdout == "6\n" or result.stderr != ""


@pytest.mark.parametrize("form", ["command", "import", "timestamp"])
def test_a_program_that_closes_all_descriptors_is_measured_on(faults, form):
    imports = "from memory_profiler import profile" if form == "import" else ""
    (faults.folder / "closes.py").write_text(CLOSES.format(imports=imports, last="sys.exit(7)"))
    if form == "timestamp":
        run = faults.run(faults.mprof, "run", "-qE", "-o", "x.dat", "closes.py", status=7)
        assert faults.dat("x.dat").count("\nFUNC ") == 3
    elif form == "import":
        run = faults.run(faults.python, "closes.py", status=7)
        assert run.stdout.count("Line #") == 3
    else:
        run = faults.run(*faults.profiler, "--peak", "closes.py", status=7)
        assert re.search(r"^ +\d+ .* 3 .* return len\(x\)$", run.stdout, re.M)
        assert run.stdout.count("Line #") == 1
    assert run.stderr == ""
    assert (faults.folder / "mine").read_bytes() == b""


def test_a_program_that_closes_its_standard_streams_ends_as_it_would(faults):
    (faults.folder / "quiet.py").write_text(
        "import os\n@profile\ndef f():\n    return [0] * 1000\nf()\nfor n in 0, 1, 2: os.close(n)\n"
    )
    plain = faults.run(faults.python, "-c", "import os\nfor n in 0, 1, 2: os.close(n)\n")
    run = faults.run(faults.mprof, "run", "-qE", "-o", "x.dat", "quiet.py", status=plain.returncode)
    assert (run.stdout, run.stderr) == ("", "")
    assert faults.dat("x.dat").count("\nFUNC ") == 1
    tables = faults.run(*faults.profiler, "-o", "t.txt", "quiet.py", status=plain.returncode)
    assert (tables.stdout, tables.stderr) == ("", "")
    assert "return [0] * 1000" in (faults.folder / "t.txt").read_text()


@pytest.mark.parametrize("mebibytes", [8, 16, 64])
def test_in_a_small_address_space_mprof_works_or_says_why(faults, mebibytes):
    little = {"preexec_fn": limited(resource.RLIMIT_AS, mebibytes << 20)}
    run = faults.run(
        faults.mprof, "run", "-qE", "-o", "x.dat", "sh", "-c", "exit 6", status=6, **little
    )
    assert run.stderr == ""
    (faults.folder / "big.dat").write_text(
        "CMDLINE x\n" + "".join(f"MEM {i % 777}.0 {i}.0000\n" for i in range(400000))
    )
    peak = faults.run(faults.mprof, "peak", "big.dat", **little)
    assert (peak.stdout, peak.stderr) == ("big.dat\t776.000 MiB\n", "")
    plot = faults.run(faults.mprof, "plot", "-o", "p.html", "big.dat", **little)
    assert plot.stderr == "" and (faults.folder / "p.html").stat().st_size > 1000


def test_a_program_out_of_memory_gets_its_error_and_its_table(faults):
    (faults.folder / "hungry.py").write_text(
        "@profile\ndef f():\n    try:\n        return bytearray(1 << 31)\n    except MemoryError:\n"
        "        print('none left')\nf()\n"
    )
    for options in [], ["--peak"], ["--line-time"]:
        run = faults.run(
            *faults.profiler,
            *options,
            "hungry.py",
            preexec_fn=limited(resource.RLIMIT_AS, 400 << 20),
        )
        assert run.stdout.startswith("none left\nFilename: hungry.py\n") and run.stderr == ""


def test_where_files_may_not_grow_the_program_ends_as_it_would(faults):
    small = {"preexec_fn": limited(resource.RLIMIT_FSIZE, 512)}
    run = faults.run(
        faults.mprof,
        "run",
        "-qE",
        "-T",
        "0.001",
        "-o",
        "x.dat",
        "sh",
        "-c",
        "sleep 0.2; exit 4",
        status=4,
        **small,
    )
    assert run.stderr.startswith("mprof: cannot write x.dat: File too large; ")
    assert run.stderr.count("\n") == 1
    assert faults.peak("x.dat") > 0.5
    for option in "-o", "--json", "--pstats":
        lines = faults.run(
            *faults.profiler,
            option,
            "out",
            "script.py",
            status=7,
            preexec_fn=limited(resource.RLIMIT_FSIZE, 100),
        )
        assert lines.stdout.startswith(SAID)
        said = lines.stderr.splitlines()
        assert all(line.startswith("memory_profiler: ") for line in said)
        # With --json first that there can be no file of live tables.
        assert len(said) == 1 + (option == "--json") and said[-1].endswith(": File too large")
    lines = faults.run(
        faults.mprof, "run", "-qE", "-T", "1", "-o", "y.dat", "script.py", status=7, **small
    )
    assert lines.stdout == SAID
    (faults.folder / "big.dat").write_text(
        "CMDLINE x\n" + "".join(f"MEM {i}.0 {i}.0000\n" for i in range(500))
    )
    plot = faults.run(faults.mprof, "plot", "-o", "p.html", "big.dat", status=1, **small)
    assert plot.stderr == "mprof plot: cannot write p.html: File too large\n"


PIDFD_OPEN = 434


def refuse(number, error):
    """A seccomp filter: this system call fails, all others are allowed."""
    steps = [
        (0x20, 0, 0, 0),
        (0x15, 0, 1, number),
        (0x06, 0, 0, 0x00050000 | error),
        (0x06, 0, 0, 0x7FFF0000),
    ]
    program = b"".join(struct.pack("HBBI", *step) for step in steps)
    kept = ctypes.create_string_buffer(program)
    header = ctypes.create_string_buffer(
        struct.pack("HxxxxxxP", len(steps), ctypes.addressof(kept))
    )
    libc = ctypes.CDLL(None, use_errno=True)

    def before():
        if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, ctypes.byref(header), 0, 0):
            os._exit(99)
        _ = kept.raw

    return before


@pytest.mark.skipif(
    os.uname().machine not in ("x86_64", "aarch64"), reason="numbers of other machines"
)
@pytest.mark.parametrize("error", [38, 1], ids=["ENOSYS", "EPERM"])
def test_without_pidfd_open_the_end_is_found_in_another_way(faults, error):
    run = faults.run(
        faults.mprof,
        "run",
        "-qE",
        "-T",
        "0.01",
        "-o",
        "x.dat",
        "sh",
        "-c",
        "sleep 0.2 & wait; exit 6",
        status=6,
        preexec_fn=refuse(PIDFD_OPEN, error),
    )
    assert run.stderr == ""
    assert faults.dat("x.dat").count("\nMEM ") >= 10
    process = faults.start("sh", "-c", "read line", stdin=-1)
    attach = faults.start(
        faults.mprof,
        "attach",
        "-o",
        "y.dat",
        "-T",
        "0.01",
        str(process.pid),
        preexec_fn=refuse(PIDFD_OPEN, error),
    )
    end = time.monotonic() + 30
    while not (faults.folder / "y.dat").exists() or faults.dat("y.dat").count("\nMEM ") < 3:
        assert time.monotonic() < end and attach.poll() is None
    process.communicate("go on\n", timeout=30)
    assert attach.wait(timeout=30) == 0


def test_a_profile_of_ten_gigabytes_without_a_line_is_refused_in_little_memory(
    faults, record_property
):
    size = 10 << 30 if FULL else 1 << 30
    with open(faults.folder / "x.dat", "wb") as file:
        file.truncate(size)
    begin = time.monotonic()
    result = faults.run(
        faults.mprof, "peak", "x.dat", status=1, preexec_fn=limited(resource.RLIMIT_AS, 64 << 20)
    )
    took = time.monotonic() - begin
    assert result.stderr == "mprof peak: x.dat holds no samples\n"
    plot = faults.run(
        faults.mprof,
        "plot",
        "-o",
        "p.html",
        "x.dat",
        status=1,
        preexec_fn=limited(resource.RLIMIT_AS, 64 << 20),
    )
    assert plot.stderr == (
        "mprof plot: x.dat: skipped 1 damaged or truncated line\n"
        "mprof plot: x.dat holds nothing to draw\n"
    )
    assert not (faults.folder / "p.html").exists()
    record_property(
        "campaign", f"{size >> 30} GiB without a line: refused in {took:.1f} s, within 64 MiB"
    )


def test_samples_in_ten_gigabytes_of_holes_are_found(faults, record_property):
    """A disk that ran full, or a file system after a crash: zeros between what was written."""
    size = 10 << 30 if FULL else 1 << 30
    with open(faults.folder / "x.dat", "wb") as file:
        file.write(b"CMDLINE x\nMEM 5.0 1.0000\n")
        file.seek(size)
        file.write(b"\nMEM 6.0 2.0000\n")
    begin = time.monotonic()
    result = faults.run(
        faults.mprof, "peak", "x.dat", status=1, preexec_fn=limited(resource.RLIMIT_AS, 64 << 20)
    )
    took = time.monotonic() - begin
    assert result.stdout == "x.dat\t6.000 MiB\n"
    assert result.stderr == "mprof peak: x.dat: skipped 1 damaged or truncated line\n"
    record_property(
        "campaign",
        f"{size >> 30} GiB of holes between samples: read in {took:.1f} s, within 64 MiB",
    )
