"""mprof mark: what a program of any language marks while it runs under mprof."""

import pytest


def marked(mprof, shell):
    shell = shell.replace("mark", f"'{mprof.binary}' mark")
    result = mprof("run", "-q", "-E", "-o", "x.dat", "sh", "-c", shell)
    return result, mprof.dat("x.dat")


def test_begin_and_end(mprof):
    result, dat = marked(mprof, "mark begin 'my block'; sleep 0.3; mark end 'my block'")
    assert (result.returncode, result.stderr) == (0, "")
    (begin,) = dat.of("BEGIN")
    (func,) = dat.of("FUNC")
    assert begin[1] == func[0] == "my\u00a0block"
    assert begin[2:4] == func[1:3] and begin[0] == func[5] == "0"
    assert 0.29 < float(func[4]) - float(func[2]) < 5
    assert 0.5 < float(func[1]) < 6  # of the program, not of mark
    assert dat.moments[0] - 0.1 < float(func[2]) < float(func[4]) < dat.moments[-1] + 0.2


@pytest.mark.parametrize("label", ["a/b", "100%", "%2F", "a\tb  c", "a\u00a0b", "caf\u00e9"])
def test_a_label_finds_its_end(mprof, label):
    result, dat = marked(mprof, f"mark begin '{label}'; mark end '{label}'")
    assert (result.returncode, result.stderr) == (0, "")
    ((_, begun, *_),) = dat.of("BEGIN")
    ((ended, *_),) = dat.of("FUNC")
    assert begun.replace("%2F", "/").replace("%25", "%") == ended
    assert ended == label.replace("\t", "\u00a0").replace(" ", "\u00a0")


def test_nested_marks_have_levels(mprof):
    _, dat = marked(
        mprof,
        "mark begin a; mark begin b; mark begin a; mark end a; mark end b; "
        "mark begin c; mark end c; mark end a",
    )
    assert [(func[0], func[-1]) for func in dat.of("FUNC")] == [
        ("a", "2"),
        ("b", "1"),
        ("c", "1"),
        ("a", "0"),
    ]


def test_open_mark_survives_a_kill(mprof):
    result, dat = marked(mprof, "mark begin guilty; kill -9 $$")
    assert result.returncode == 137
    assert dat.of("BEGIN")[0][1] == "guilty" and dat.of("FUNC") == []


def test_mark_after_chdir_and_under_a_sum(mprof):
    result = mprof(
        *["run", "-q", "-E", "-C", "-T", "0.02", "-o", "x.dat", "sh", "-c"],
        f"cd /; sleep 0.1; '{mprof.binary}' mark begin x; '{mprof.binary}' mark end x",
    )
    assert result.returncode == 0
    assert len(mprof.dat("x.dat").of("FUNC")) == 1


def test_end_without_begin(mprof):
    result, dat = marked(mprof, "mark end nothing")
    assert result.returncode == 1
    assert result.stderr.startswith("mprof mark: no mark 'nothing' is open in /")
    assert dat.of("FUNC") == []


def test_outside_of_a_run(mprof):
    result = mprof("mark", "begin", "x", env={})
    assert result.returncode == 1
    assert result.stderr == "mprof mark: MPROF_OUTPUT is not set: this is not under mprof run\n"


@pytest.mark.parametrize("arguments", [[], ["begin"], ["middle", "x"], ["begin", "a\nb"]])
def test_wrong_arguments(mprof, arguments):
    assert mprof("mark", *arguments, env={"MPROF_OUTPUT": "/nowhere"}).returncode == 2


def test_file_that_is_gone(mprof):
    result = mprof("mark", "begin", "x", env={"MPROF_OUTPUT": "/nowhere/x.dat"})
    assert result.returncode == 1 and result.stderr.count("\n") == 1
