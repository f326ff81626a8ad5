"""When samples are taken, and that the peak needs no luck."""

import sys

import pytest


def test_short_program_has_a_true_sample(mprof):
    for _ in range(20):
        assert mprof("run", "-q", "-o", "x.dat", "true").returncode == 0
        dat = mprof.dat("x.dat")
        assert len(dat.memory) == 1 and dat.memory[0] > 0
        # The program itself needs about a MiB; what it inherited from mprof must not count.
        assert 0.3 < dat.peaks[dat.pid] < 8


def test_interval_of_a_millisecond(mprof):
    mprof("run", "-q", "-T", "0.001", "-o", "x.dat", "sleep", "3")
    dat = mprof.dat("x.dat")
    missed = sum(int(count) for count, _, _ in dat.of("MISSED"))
    took = dat.moments[-1] - dat.moments[0]
    # How many are missed is for the benchmark: it depends on what else runs, as does when it ends.
    assert 2.5 < took < 5 and dat.memory
    assert len(dat.memory) + missed == pytest.approx(took * 1000, abs=200)


def test_no_drift(mprof):
    """Any sample may be late where others are at work; not the most punctual of the last ten."""
    mprof("run", "-q", "-T", "0.1", "-o", "x.dat", "sleep", "3.02")
    moments = mprof.dat("x.dat").moments
    late = [(moment - moments[0] + 0.05) % 0.1 for moment in moments]
    assert len(late) > 20
    assert min(late[-10:]) - min(late[:10]) < 0.002


def test_end_is_noticed_at_once(mprof):
    result = mprof("run", "-T", "5", "sleep", "0.2")
    assert float(result.stderr.split("real ")[1].split()[0]) < 3  # long before a sample is due


SPIKE = """
import mmap, time
time.sleep(0.15)
block = mmap.mmap(-1, 100 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
for i in range(0, 100 << 20, 4096):
    block[i] = 1
block.close()
time.sleep(0.25)
"""


def test_peak_between_two_samples(mprof, script):
    result = mprof("run", "-T", "10", "-o", "x.dat", *script(SPIKE))
    dat = mprof.dat("x.dat")
    assert max(dat.memory) < 60
    assert 100 < dat.peaks[dat.pid] < 160
    assert f"peak {dat.peaks[dat.pid]:.2f} MiB" in result.stderr


def test_spikes_are_told_to_who_would_set_the_mark_back(mprof, script):
    program = script("import os; print(os.environ.get('MPROF_SPIKES'))")
    assert mprof("run", "-q", "--spikes", "--nopython", *program).stdout.splitlines()[-1] == "1"
    assert mprof("run", "-q", "--nopython", *program).stdout.splitlines()[-1] == "None"
    line = "import sys; sys.argv[1:] = []; import memory_profiler.__main__ as m; sys.exit(m.main(['--peak', '-c', '1']))"
    result = mprof("run", "-q", "-E", "--spikes", "--nopython", *script(line, "other.txt"))
    if "No module named" not in result.stderr:
        assert result.returncode == 2 and "both set back the kernel's mark" in result.stderr


def test_spikes(mprof, script):
    mprof("run", "-q", "--spikes", "-T", "0.1", "-o", "x.dat", *script(SPIKE))
    dat = mprof.dat("x.dat")
    spikes = [float(memory) for _, memory, _ in dat.of("SPIKE")]
    assert max(spikes) > 100
    # Each interval on its own: the last is low again.
    assert spikes[-1] < 60
    assert dat.peaks[dat.pid] == max(spikes)


def test_no_marks_with_other_backends(mprof, script):
    for backend in ["pss", "uss", "psutil_pss", "psutil_uss"]:
        mprof("run", "-q", "--backend", backend, "-o", "x.dat", *script(SPIKE))
        dat = mprof.dat("x.dat")
        assert dat.of("RUN")[0][1] == backend[-3:]
        assert dat.of("PEAK") == [] and max(dat.memory) > 0


def test_peak_does_not_come_from_who_started_mprof(mprof):
    """ru_maxrss carries what the spawner held; here that is a lot."""
    block = bytearray(200 << 20)
    mprof("run", "-q", "-o", "x.dat", "true")
    del block
    dat = mprof.dat("x.dat")
    assert dat.peaks[dat.pid] < 8


def test_peak_of_children_is_not_the_programs(mprof, script):
    """ru_maxrss of a collected child counts its children, too."""
    big = "x = bytearray(100 << 20); import time; time.sleep(0.3)"
    mprof("run", "-q", "-o", "x.dat", "sh", "-c", f'"{sys.executable}" -c "{big}"; true')
    dat = mprof.dat("x.dat")
    assert dat.peaks[dat.pid] < 8


def test_timeout_ends_the_sampling_alone(mprof):
    result = mprof("run", "-q", "-t", "0.25", "-T", "0.05", "-E", "sh", "-c", "sleep 1; exit 4")
    assert result.returncode == 4
    moments = mprof.dat().moments
    assert 1 <= len(moments) <= 6
    assert moments[-1] - moments[0] < 0.6  # the program goes on for longer


def test_program_whose_first_thread_has_ended(mprof, script):
    """Threads live on after pthread_exit of the first; statm of the process is empty then."""
    program = script("""
import ctypes, threading, time
block = bytearray(50 << 20)
def work():
    time.sleep(0.6)
    import os
    os._exit(6)
threading.Thread(target=work).start()
ctypes.CDLL(None).syscall(60, 0)  # exit of this thread alone (ctypes lets go of the GIL)
""")
    result = mprof("run", "-q", "-E", "-T", "0.05", "-o", "x.dat", *program)
    assert result.returncode == 6
    dat = mprof.dat("x.dat")
    assert len(dat.memory) >= 11
    assert dat.memory[-1] > 50
