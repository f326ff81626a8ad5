"""The house rules that a reader of the sources can check: who may include whom, and small things.

The floors of memprof are the groups in memprof/CMakeLists.txt (0 the machine, 1 the data, 2 the
acts); memprof/ext and plots are 3; mprof is 4. A lower floor never includes a higher one, and ext
and plots do not know each other.
"""

import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
MAX_LINES = 500
ALLOWED_LONGER = re.compile(r"longer than 500 lines because (\w+\W+){3,}", re.IGNORECASE)

HOUSE = [
    {"clock", "mem_reader", "process_tree"},
    {"line_table", "code_map", "profile"},
    {"gate", "meter", "line_profiler", "line_report", "sampler", "dat_writer", "dat_reader"},
]
PYTHON_HEADERS = re.compile(r"^(Python\.h|structmember\.h|frameobject\.h|cpython/|internal/pycore_)")


def tracked():
    """The files of the repository: what git knows, else (an unpacked sdist) what lies there."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    git = shutil.which("git") and subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True
    )
    if git and git.returncode == 0:
        names = [name for name in git.stdout.split("\0") if name]
    else:
        names = [str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if path.is_file()]
        made = re.compile(r"^(build|dist|\.hypothesis|\.pytest_cache|\.venv)/|(^|/)__pycache__/")
        names = [name for name in names if not made.search(name)]
    return sorted(name for name in names if (ROOT / name).is_file())


FILES = tracked()
SOURCES = [name for name in FILES if re.match(r"(memprof|plots|mprof)/.*\.[ch]$", name)]
HEADERS = [name for name in SOURCES if name.endswith(".h")]


def listed_floors():
    """Module -> floor, as memprof/CMakeLists.txt groups its sources under `# floor N:`."""
    floors, number = {}, None
    for line in (ROOT / "memprof/CMakeLists.txt").read_text(encoding="utf-8").splitlines():
        heading = re.match(r"\s*# floor (\d)", line)
        source = re.match(r"\s*(?:\$\{platform\}/)?(\w+)\.c\b", line)
        if heading:
            number = int(heading.group(1))
        elif source and number is not None:
            floors[source.group(1)] = number
        elif line.startswith(")"):
            number = None
    return floors


FLOORS = listed_floors()


def floor(name):
    """The floor that a source file or an included project header stands on."""
    path = pathlib.PurePosixPath(name)
    if path.parts[0] == "mprof":
        return 4
    if path.parts[0] == "plots" or path.parts[:2] == ("memprof", "ext"):
        return 3
    if path.parts[1] in ("linux", "darwin"):
        return 0
    assert path.stem in FLOORS, f"{name}: list {path.stem}.c under a floor of memprof/CMakeLists.txt"
    return FLOORS[path.stem]


def room(name):
    """Which part a file belongs to: parts of one floor do not know each other."""
    parts = pathlib.PurePosixPath(name).parts
    return "ext" if parts[:2] == ("memprof", "ext") else parts[0]


def includes(name):
    """(delimiter, name) of each #include."""
    return INCLUDE.findall((ROOT / name).read_text(encoding="utf-8"))


def project_includes(name):
    """The project headers that a file includes, as paths from the root."""
    found = []
    for delimiter, included in includes(name):
        beside = (ROOT / name).parent / included
        if (ROOT / included).is_file():
            found.append(included)
        elif beside.is_file():
            found.append(str(beside.relative_to(ROOT)))
        else:
            assert delimiter == "<", f'{name}: #include "{included}" is no file of ours'
    return found


def test_there_is_something_to_check():
    assert "memprof/mem_reader.h" in HEADERS
    assert any(project_includes(name) for name in SOURCES)


@pytest.mark.parametrize("number", range(len(HOUSE)))
def test_the_known_modules_stand_on_their_floors(number):
    found = {module: FLOORS[module] for module in HOUSE[number] & FLOORS.keys()}
    assert found and set(found.values()) == {number}, found


@pytest.mark.parametrize("name", SOURCES)
def test_a_lower_floor_never_includes_a_higher_one(name):
    for included in project_includes(name):
        assert floor(included) <= floor(name), f"{name} includes {included} from a higher floor"
        if floor(included) == floor(name) == 3:
            assert room(included) == room(name), f"{name} includes {included} next door"
        if room(name) == "mprof":
            assert room(included) != "ext", f"{name} includes {included}: the driver has no Python"


@pytest.mark.parametrize("name", SOURCES)
def test_only_ext_knows_python(name):
    python = [included for _, included in includes(name) if PYTHON_HEADERS.match(included)]
    assert room(name) == "ext" or not python, f"{name} includes {python}"


@pytest.mark.parametrize("name", SOURCES)
def test_callers_have_no_ifdef_for_a_system(name):
    """One interface, one file per system: only these may ask which one it is."""
    if floor(name) == 0:
        return
    text = (ROOT / name).read_text(encoding="utf-8")
    asked = re.findall(r"^\s*#\s*(?:el)?if.*\b(__linux__|__APPLE__|__MACH__)\b", text, re.MULTILINE)
    assert not asked, f"{name} asks for {asked}"


def test_linux_and_darwin_have_the_same_files():
    names = {
        system: {pathlib.PurePosixPath(n).name for n in SOURCES if n.startswith(f"memprof/{system}/")}
        for system in ("linux", "darwin")
    }
    assert {n for n in names["linux"] if n.endswith(".c")} == {
        n for n in names["darwin"] if n.endswith(".c")
    }


@pytest.mark.parametrize("name", [n for n in HEADERS if room(n) != "ext"])
def test_every_header_compiles_alone(name, tmp_path):
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    assert compiler, "no C compiler"
    source = tmp_path / "alone.c"
    # Twice: the guard is checked too. The declaration keeps -Wpedantic from seeing an empty unit.
    source.write_text(f'#include "{name}"\n#include "{name}"\nextern int not_empty;\n')
    command = [compiler, "-std=c11", "-D_GNU_SOURCE", "-fsyntax-only", "-Wall", "-Wextra", "-Werror"]
    done = subprocess.run(
        [*command, "-I", str(ROOT), str(source)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", [n for n in HEADERS if room(n) == "ext"])
def test_every_extension_header_compiles_alone(name, tmp_path):
    import sysconfig

    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    assert compiler, "no C compiler"
    source = tmp_path / "alone.c"
    source.write_text(f'#include "{name}"\n#include "{name}"\nextern int not_empty;\n')
    command = [compiler, "-std=c11", "-D_GNU_SOURCE", "-fsyntax-only", "-Wall", "-Werror"]
    command += ["-isystem", sysconfig.get_path("include"), "-I", str(ROOT)]
    done = subprocess.run([*command, str(source)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", [n for n in FILES if re.search(r"\.(c|h|py|pyi|sh)$", n)])
def test_files_stay_short(name):
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    if len(lines) >= MAX_LINES:
        reason = " ".join(" ".join(lines[:20]).replace("*", " ").replace("#", " ").split())
        assert ALLOWED_LONGER.search(reason), (
            f"{name} has {len(lines)} lines; split it, or say at its top that it is "
            "'longer than 500 lines because …'"
        )


# Written in two halves, so that this file does not name them itself.
FOREIGN = [
    re.compile(half_a + half_b)
    for half_a, half_b in [
        ("/wo", r"rk/"),
        ("/roo", r"t/"),
        ("/home", r"/[a-z]"),
        ("/tmp/", r"(wt|setup)/"),
        (r"\.\./sha", r"red/"),
        ("/opt/", r"(sid|wheels|pypi)"),
        (r"pythonhosted\.", "org"),
        (r"deb\.debian\.", "org"),
    ]
]


@pytest.mark.parametrize("name", FILES)
def test_no_file_names_a_machine(name):
    try:
        text = (ROOT / name).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return  # a picture, or a source file in another encoding
    if name.endswith((".dat", ".golden")):
        return  # recorded output of real runs holds the command lines of the recording
    for pattern in FOREIGN:
        found = pattern.search(text)
        assert not found, f"{name}: {found.group(0)} is a path or a host of one machine"
