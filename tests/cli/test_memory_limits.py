"""Limits of memory and what memory is made of: what `mprof run` says and writes of them."""

import re
import resource
import sys

import pytest

from plots import limited

pytestmark = pytest.mark.skipif(
    sys.platform == "darwin", reason="macOS has neither such limits nor such parts"
)
LIMIT = 1 << 16  # GiB: so much that sanitizers have room for their shadow


def last_line(result):
    assert result.returncode == 0
    return result.stderr.splitlines()[-1]


def test_the_last_line_and_the_profile_have_the_limit(mprof):
    result = mprof("run", "-o", "x.dat", "true", preexec_fn=limited(LIMIT << 10))
    assert re.search(
        rf" samples( · cgroup limit \S+ \wiB)? · RLIMIT_AS {LIMIT} GiB · x\.dat · next: mprof plot",
        last_line(result),
    )
    facts = [details[:2] for details in mprof.dat("x.dat").of("LIMIT")]
    assert ["address", str(LIMIT << 30)] in facts and len(facts) in (1, 2)
    assert mprof("run", "-q", "-o", "x.dat", "true", preexec_fn=limited(LIMIT << 10)).stderr == ""


@pytest.mark.skipif(
    resource.getrlimit(resource.RLIMIT_AS)[0] != resource.RLIM_INFINITY, reason="limited already"
)
def test_without_a_limit_nothing_is_said(mprof):
    assert "RLIMIT_AS" not in last_line(mprof("run", "-o", "x.dat", "true"))
    assert all(details[0] != "address" for details in mprof.dat("x.dat").of("LIMIT"))


def test_verbose(mprof):
    """-v of run and of attach: at the start, also where there is none."""
    result = mprof("run", "-v", "-o", "x.dat", "true", preexec_fn=limited(LIMIT << 10))
    lines = result.stderr.splitlines()
    assert result.returncode == 0
    assert lines[:2] == ["mprof: Sampling memory every 0.1s", "running new process"]
    assert re.fullmatch(rf"mprof: cgroup limit (none|.*iB); RLIMIT_AS {LIMIT} GiB", lines[2])
    process = mprof.start(
        "run", "-q", "-o", "y.dat", "sleep", "30", preexec_fn=limited(LIMIT << 10)
    )
    attached = mprof("attach", "--verbose", "-t", "0.2", "-o", "x.dat", str(process.pid))
    assert attached.returncode == 0
    assert re.search(rf"^mprof: cgroup .*; RLIMIT_AS {LIMIT} GiB$", attached.stderr, re.MULTILINE)
    both = mprof("run", "-qv", "true")
    assert (both.returncode, both.stderr) == (
        2,
        "mprof run: --quiet and --verbose exclude each other\n",
    )


def test_a_limit_that_the_program_sets_itself(mprof, script):
    """It is noticed within a second or so, and holds from then on."""
    source = f"""
import resource, time
resource.setrlimit(resource.RLIMIT_AS, ({LIMIT - 1} << 30, resource.getrlimit(resource.RLIMIT_AS)[1]))
while "#LIMIT/address/{(LIMIT - 1) << 30} " not in open("x.dat").read():
    time.sleep(0.05)
"""
    result = mprof("run", "--nopython", "-o", "x.dat", *script(source))
    assert f" · RLIMIT_AS {LIMIT - 1} GiB · " in last_line(result)


PARTS = """
import mmap, time
own = bytearray(b"x") * (30 << 20)
shared = mmap.mmap(-1, 20 << 20)
shared.write(b"y" * (20 << 20))
time.sleep(0.3)
"""


def test_parts(mprof, script):
    command = ["run", "-q", "--parts", "--nopython", "-T", "0.05", "-o", "x.dat", *script(PARTS)]
    done = mprof(*command)
    assert (done.returncode, done.stderr) == (0, "")
    dat = mprof.dat("x.dat")
    samples = list(zip(dat.memory, dat.moments))
    # Of each sample one, with its memory and moment; three of them add up to it.
    assert [(float(memory), float(moment)) for *_, memory, moment in dat.of("PARTS")] == samples
    for anonymous, file, shared, _, memory, _ in dat.of("PARTS"):
        total = int(anonymous) + int(file) + int(shared)
        assert total / 2**20 == pytest.approx(float(memory), abs=1e-5)
    anonymous, file, shared, *_ = max(dat.of("PARTS"), key=lambda parts: int(parts[2]))
    assert 30 < int(anonymous) / 2**20 < 90
    assert 19.5 < int(shared) / 2**20 < 22  # older kernels count in batches of pages
    assert 1 < int(file) / 2**20 < 30


def test_without_parts_there_are_none(mprof):
    assert mprof("run", "-q", "-o", "x.dat", "true").returncode == 0
    assert not mprof.dat("x.dat").of("PARTS")


@pytest.mark.parametrize("backend", ["pss", "uss"])
def test_parts_of_other_backends(mprof, backend):
    result = mprof("run", "--parts", "--backend", backend, "-o", "x.dat", "true")
    assert (result.returncode, result.stderr) == (
        2,
        "mprof run: --parts are parts of rss; other backends have none\n",
    )
    assert not (mprof.folder / "x.dat").exists()
