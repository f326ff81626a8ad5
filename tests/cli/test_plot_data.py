"""mprof plot -o FILE.json and FILE.prom: what other programs read, by the rules of their formats."""

import json
import math
import os

import pytest
from hypothesis import HealthCheck, example, given, settings
from test_plot_hostile import NAMES, as_bytes, draw, one_line, shown

from plots import ENVIRONMENT, SCENES, START, chld, func, mem, moment, run_line, wave, write_scene

parser = pytest.importorskip("prometheus_client.parser")


# ---- the trace event format, read strictly

PHASES = {
    "C": {"args", "ts"},
    "X": {"args", "cat", "dur", "tid", "ts"},
    "B": {"args", "cat", "tid", "ts"},
    "b": {"args", "cat", "id", "tid", "ts"},
    "e": {"cat", "id", "tid", "ts"},
    "i": {"s", "tid", "ts"},
    "M": {"args", "tid"},
}


def no_constant(text):
    raise AssertionError(f"{text} is not JSON")


def no_twins(pairs):
    assert len({key for key, _ in pairs}) == len(pairs), pairs
    return dict(pairs)


def is_whole(number):
    return isinstance(number, int) and not isinstance(number, bool)


def check_event(event):
    needed = PHASES[event["ph"]] | {"ph", "pid", "name"}
    assert set(event) == needed, event
    assert is_whole(event["pid"]) and isinstance(event["name"], str)
    assert all(is_whole(event[key]) and event[key] >= 0 for key in {"ts", "dur", "tid"} & needed)
    if event["ph"] == "C":
        assert event["args"]
        assert all(math.isfinite(value) for value in event["args"].values())
    if event["ph"] == "M":
        assert event["name"] in ("process_name", "thread_name")
        assert list(event["args"]) == ["name"] and isinstance(event["args"]["name"], str)
    if event["ph"] == "i":
        assert event["s"] in ("g", "p", "t")


def check_nesting(events):
    """Slices of a thread lie in each other or do not touch; asynchronous ones come in pairs."""
    threads = {}
    for event in events:
        if event["ph"] in "XB":
            end = event["ts"] + event["dur"] if event["ph"] == "X" else math.inf
            threads.setdefault((event["pid"], event["tid"]), []).append((event["ts"], -end))
    for slices in threads.values():
        open_ends = []
        for begin, end in sorted(slices):
            while open_ends and open_ends[-1] <= begin:
                open_ends.pop()
            assert not open_ends or -end <= open_ends[-1]
            open_ends.append(-end)
    begun = {event["id"] for event in events if event["ph"] == "b"}
    assert {event["id"] for event in events if event["ph"] == "e"} <= begun


def read_trace(data):
    trace = json.loads(data.decode("utf-8"), parse_constant=no_constant, object_pairs_hook=no_twins)
    assert set(trace) == {"traceEvents", "displayTimeUnit", "otherData"}
    for event in trace["traceEvents"]:
        check_event(event)
    check_nesting(trace["traceEvents"])
    return trace


def trace_of(mprof, text, *options):
    (mprof.folder / "x.dat").write_text(text)
    result = mprof("plot", "-o", "x.json", *options, "x.dat", env=ENVIRONMENT)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    return read_trace((mprof.folder / "x.json").read_bytes())


def of(trace, phase, name=None):
    return [
        event
        for event in trace["traceEvents"]
        if event["ph"] == phase and name in (None, event["name"])
    ]


def metrics_of(data):
    """(name, labels as a tuple) -> value; every line is one of the format."""
    text = data.decode("utf-8")
    found = {}
    for family in parser.text_string_to_metric_families(text):
        assert family.type == "gauge" and family.documentation and family.samples
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found
            found[key] = sample.value
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert len(found) == len(lines)
    return found


# ---- what they hold

CHILD = run_line("rss each") + mem(wave()) + chld(4001, [(1, 5), (2, 7.5)])


def test_a_trace_has_every_sample_of_every_process(mprof):
    trace = trace_of(mprof, CHILD + f"#END/4000/signal/9 20.0 {moment(10)}\n")
    memory = [event for event in of(trace, "C", "memory") if event["pid"] == 4000]
    assert [(event["ts"], event["args"]["MiB"]) for event in memory] == [
        (pytest.approx(time * 1e6, abs=51), pytest.approx(value, abs=1e-6))
        for time, value in wave()
    ]
    child = [(event["ts"], event["args"]) for event in of(trace, "C") if event["pid"] == 4001]
    assert child == [(1000000, {"MiB": 5}), (2000000, {"MiB": 7.5})]
    names = {event["pid"]: event["args"]["name"] for event in of(trace, "M", "process_name")}
    assert names == {4000: "", 4001: "child"}
    (end,) = of(trace, "i")
    assert end["name"] == "killed by signal 9 (SIGKILL)" and end["ts"] == 10000000
    assert trace["otherData"]["start"] == START


def test_a_long_run_is_not_thinned(mprof):
    trace = trace_of(mprof, mem((i / 100, 50 + i % 7) for i in range(50000)))
    assert len(of(trace, "C")) == 50000


def test_marks_are_slices(mprof):
    text = mem(wave()) + func("m.f", 1, 2, memory=(20, 31)) + func(".my\u00a0block", 1.5, 1.75, 1)
    trace = trace_of(mprof, text + f"#BEGIN/0/m.open 60.0 {moment(9)}\n")
    slices = {event["name"]: event for event in of(trace, "X")}
    assert set(slices) == {"m.f", "my block"}
    assert (slices["m.f"]["ts"], slices["m.f"]["dur"]) == (1000000, 1000000)
    assert slices["m.f"]["args"] == {"begin MiB": 20, "end MiB": 31}
    assert slices["my block"]["cat"] == "block"
    assert slices["my block"]["tid"] == slices["m.f"]["tid"]
    assert [event["name"] for event in of(trace, "B")] == ["m.open"]
    plain = trace_of(mprof, text, "-n", "-t", "a title")
    assert not of(plain, "X")
    assert of(plain, "M", "process_name")[0]["args"] == {"name": "a title"}


def test_a_trace_of_parts_and_limits(mprof):
    trace = trace_of(mprof, SCENES["parts"][0])
    assert len(of(trace, "C", "parts of memory")) == 40
    assert list(of(trace, "C", "parts of memory")[0]["args"]) == [
        *("anonymous", "file", "shared", "swap")
    ]
    assert [event["args"] for event in of(trace, "C", "cgroup limit")] == [{"MiB": 160}]


@pytest.mark.parametrize("scene", SCENES)
def test_every_scene(mprof, scene):
    name, _ = write_scene(mprof.folder, scene)
    for form in ("x.json", "x.prom"):
        result = mprof("plot", "-o", form, name, env=ENVIRONMENT)
        assert (result.returncode, result.stderr) == (0, "")
    read_trace((mprof.folder / "x.json").read_bytes())
    metrics = metrics_of((mprof.folder / "x.prom").read_bytes())
    assert metrics[("memprof_samples", ())] > 0


def test_metrics(mprof):
    text = 'CMDLINE a "b" \\n\n' + CHILD + f"#PEAK/4000 180.5 {moment(6)}\n"
    text += f"#LIMIT/cgroup/{1 << 30} 20.0 {moment(0)}\n#PARTS/1/2/3/4 20.0 {moment(1)}\n"
    (mprof.folder / "x.dat").write_text(text + f"#END/4000/exit/3 20.0 {moment(11)}\n")
    result = mprof("plot", "-o", "x.prom", "x.dat", env=ENVIRONMENT)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    metrics = metrics_of((mprof.folder / "x.prom").read_bytes())
    main, child = (("pid", "4000"), ("process", "main")), (("pid", "4001"), ("process", "child"))
    assert metrics[("memprof_memory_bytes", main)] == round(wave()[-1][1] * 2**20)
    assert metrics[("memprof_memory_bytes", child)] == 7.5 * 2**20
    assert metrics[("memprof_peak_bytes", main)] == 180.5 * 2**20
    assert metrics[("memprof_peak_bytes", child)] == 7.5 * 2**20
    assert metrics[("memprof_limit_bytes", (("limit", "cgroup"),))] == 1 << 30
    assert metrics[("memprof_part_bytes", (("part", "swap"),))] == 4
    assert metrics[("memprof_exit_status", ())] == 3
    assert metrics[("memprof_duration_seconds", ())] == 11
    assert metrics[("memprof_info", (("backend", "rss"), ("command", 'a "b" \\n')))] == 1


# ---- what is refused


@pytest.mark.parametrize("form", ["x.json", "x.prom"])
@pytest.mark.parametrize(
    "options, said",
    [
        (["-w", "1,2"], "--window is for charts, not for {}"),
        (["-f"], "--flame is for charts, not for {}"),
        (["-s"], "--slope is for charts, not for {}"),
        (["--size", "400x300"], "--size is for charts, not for {}"),
        (["scene.dat"], "{} holds one profile, not 2"),
    ],
)
def test_what_is_for_charts_alone(mprof, form, options, said):
    name, _ = write_scene(mprof.folder, "functions")
    result = mprof("plot", "-o", form, name, *options, env=ENVIRONMENT)
    assert (result.returncode, result.stderr) == (2, f"mprof plot: {said.format(form)}\n")
    assert not (mprof.folder / form).exists()


@pytest.mark.parametrize("form", ["x.json", "x.prom"])
def test_where_there_is_nothing(mprof, form):
    (mprof.folder / "x.dat").write_text("CMDLINE nothing\n")
    result = mprof("plot", "-o", form, "x.dat", env=ENVIRONMENT)
    assert (result.returncode, result.stderr) == (
        1,
        f"mprof plot: there is nothing to write to {form}\n",
    )
    assert not (mprof.folder / form).exists()


def test_metrics_have_no_title(mprof):
    name, _ = write_scene(mprof.folder, "functions")
    result = mprof("plot", "-o", "x.prom", "-t", "a title", name, env=ENVIRONMENT)
    assert result.returncode == 2
    assert result.stderr == "mprof plot: --title is for charts, not for x.prom\n"


# ---- names


@settings(
    max_examples=int(os.environ.get("MEMPROF_FUZZ_EXAMPLES", "40")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(command=NAMES, function=NAMES)
@example(command='\\"\\', function='"},{"ph":"X"')
@example(command='a"} 7\nevil{x="', function="\x00\x1b[31m")
def test_names_are_text(mprof, command, function):
    command, function = one_line(command), one_line(function).replace(" ", "\u00a0") or "f"
    data = as_bytes(f"CMDLINE {command}\n" + mem(wave(3)) + func(function, 1, 2))
    draw(mprof, mprof.folder, data, "-o", "x.json")
    trace = read_trace((mprof.folder / "x.json").read_bytes())
    draw(mprof, mprof.folder, data, "-o", "x.prom")
    metrics = metrics_of((mprof.folder / "x.prom").read_bytes())
    assert sorted({name for name, _ in metrics}) == [
        *("memprof_duration_seconds", "memprof_info", "memprof_last_sample_timestamp_seconds"),
        *("memprof_memory_bytes", "memprof_peak_bytes", "memprof_samples"),
    ]
    if shown(command) == command:
        assert trace["otherData"]["command"] == command
        assert ("memprof_info", (("backend", ""), ("command", command))) in metrics
