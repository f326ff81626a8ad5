"""The house rules that a reader of the sources can check: who may include whom, and small things.

The layers are folders, from below: memprof/machine, memprof/profile, memprof/lines, memprof/heap and
memprof/sampling, the extension (memprof/ext) and plots, mprof. One result for each rule: it lists
every file that breaks it.
"""

import ast
import pathlib
import re
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
MAX_LINES = 500
MAX_FUNCTION = 40
ALLOWED_LONGER = re.compile(r"longer than 500 lines because (\w+\W+){3,}", re.IGNORECASE)

# Which rooms a room may include; itself always.
CORE = ["memprof/machine", "memprof/profile", "memprof/lines", "memprof/heap", "memprof/sampling"]
MAY_INCLUDE = {
    "memprof/machine": [],
    "memprof/profile": ["memprof/machine"],
    "memprof/lines": ["memprof/machine"],
    "memprof/heap": ["memprof/machine"],
    "memprof/sampling": ["memprof/machine", "memprof/profile"],
    "memprof/ext/base": CORE,
    "memprof/ext/trace": [*CORE, "memprof/ext/base"],
    "memprof/ext/heap": [*CORE, "memprof/ext/base"],
    "memprof/ext": [*CORE, "memprof/ext/base", "memprof/ext/trace", "memprof/ext/heap", "plots"],
    "plots": ["memprof/profile", "memprof/heap"],
    "mprof": [*CORE, "plots"],
}
PYTHON_HEADERS = re.compile(
    r"^(Python\.h|structmember\.h|frameobject\.h|cpython/|internal/pycore_)"
)


def tracked():
    """The files of the repository: what git knows, else (an unpacked sdist) what lies there."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    git = shutil.which("git") and subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
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


def room(name):
    """The room of a file: the longest of the folders above that holds it, or None."""
    inside = [folder for folder in MAY_INCLUDE if name.startswith(f"{folder}/")]
    return max(inside, key=len, default=None)


def is_ext(name):
    return name.startswith("memprof/ext/")


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
    assert "memprof/machine/mem_reader.h" in HEADERS
    assert {room(name) for name in SOURCES} == set(MAY_INCLUDE)
    assert any(project_includes(name) for name in SOURCES)


def test_every_source_stands_in_a_room():
    assert [name for name in SOURCES if room(name) is None] == []


def test_a_room_includes_only_those_it_may():
    wrong = [
        f"{name} includes {included}"
        for name in SOURCES
        for included in project_includes(name)
        if room(included) not in (room(name), *MAY_INCLUDE[room(name)])
    ]
    assert wrong == []


def test_includes_say_the_room():
    wrong = [
        f'{name}: "{included}"'
        for name in SOURCES
        for delimiter, included in includes(name)
        if delimiter == '"' and not (ROOT / included).is_file()
    ]
    assert wrong == []


def circles(edges):
    """The groups of nodes that reach each other: {node: set of nodes} -> list of sets (Tarjan)."""
    index, low, stack, found = {}, {}, [], []

    def visit(node):
        index[node] = low[node] = len(index)
        stack.append(node)
        for after in edges[node]:
            if after not in index:
                visit(after)
            if after in stack:
                low[node] = min(low[node], low[after])
        if low[node] == index[node]:
            at = stack.index(node)
            found.append(set(stack[at:]))
            del stack[at:]

    for node in edges:
        if node not in index:
            visit(node)
    return [group for group in found if len(group) > 1]


def test_circles_are_found():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}}) == [{"a", "b", "c"}]
    assert circles({"a": {"b"}, "b": set(), "d": {"a"}}) == []


def test_no_two_files_need_each_other():
    """A module is a header and the sources of its name; it needs those whose headers they include."""

    def module(name):
        return re.sub(r"(/linux|/darwin)?/([^/]+)\.[ch]$", r"/\2", name)

    edges = {module(name): set() for name in SOURCES}
    for name in SOURCES:
        edges[module(name)] |= {module(included) for included in project_includes(name)}
    assert [sorted(group) for group in circles(edges)] == []


MODULES = {
    re.sub(r"(/__init__)?\.py$", "", name.removeprefix("python/")).replace("/", "."): name
    for name in FILES
    if re.match(r"python/.*\.py$", name)
}

NATIVE = "memory_profiler._memprof"  # in C: it imports none of them


def imported_by(module):
    """The modules of ours that one imports, also inside functions, and what its _LATER names."""
    is_package = MODULES[module].endswith("/__init__.py")
    package = module if is_package else module.rpartition(".")[0]
    found = set()
    for node in ast.walk(ast.parse((ROOT / MODULES[module]).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            where = ".".join(filter(None, [package if node.level else "", node.module]))
            inside = {f"{where}.{alias.name}" for alias in node.names}
            found |= inside if inside <= {*MODULES, NATIVE} else {*inside, where}
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "_LATER":
            found |= {f"{package}.{name}" for name in ast.literal_eval(node.value).values()}
    return found & set(MODULES) - {module}


def test_imports_of_python_are_seen():
    assert "memory_profiler._decorator" in imported_by("memory_profiler")  # at its top
    assert "memory_profiler._usage" in imported_by("memory_profiler")  # in _LATER
    assert "memory_profiler._timestamps" in imported_by("memory_profiler._decorator")  # inside
    assert "memory_profiler._files" in imported_by("memory_profiler.__main__")  # from . import
    assert "mprof" in imported_by("mprof.__main__")  # by its full name


def test_no_two_python_modules_need_each_other():
    edges = {module: imported_by(module) for module in MODULES}
    assert [sorted(group) for group in circles(edges)] == []


def test_only_ext_knows_python():
    wrong = [
        f"{name} includes {included}"
        for name in SOURCES
        if not is_ext(name)
        for _, included in includes(name)
        if PYTHON_HEADERS.match(included)
    ]
    assert wrong == []


def test_callers_have_no_ifdef_for_a_system():
    """One interface, one file per system: only these may ask which one it is."""
    asks = re.compile(r"^\s*#\s*(?:el)?if.*\b(__linux__|__APPLE__|__MACH__)\b", re.MULTILINE)
    wrong = [
        name
        for name in SOURCES
        if room(name) != "memprof/machine"
        and asks.search((ROOT / name).read_text(encoding="utf-8"))
    ]
    assert wrong == []


def test_linux_and_darwin_have_the_same_files():
    linux, darwin = (
        {
            pathlib.PurePosixPath(name).name
            for name in SOURCES
            if name.startswith(f"memprof/machine/{system}/") and name.endswith(".c")
        }
        for system in ("linux", "darwin")
    )
    assert linux == darwin != set()


def compile_alone(headers, folder, *flags):
    """Each header in a source of its own, twice: the guard is checked too."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    assert compiler, "no C compiler"
    sources = []
    for name in headers:
        source = folder / name.replace("/", "-").replace(".h", ".c")
        # The declaration keeps -Wpedantic from seeing an empty unit.
        source.write_text(f'#include "{name}"\n#include "{name}"\nextern int not_empty;\n')
        sources.append(str(source))
    command = [compiler, "-std=c11", "-D_GNU_SOURCE", "-fsyntax-only", "-Wall", "-Werror", *flags]
    return subprocess.run([*command, "-I", str(ROOT), *sources], capture_output=True, text=True)


def test_every_header_compiles_alone(tmp_path):
    done = compile_alone([name for name in HEADERS if not is_ext(name)], tmp_path, "-Wextra")
    assert done.returncode == 0, done.stderr


def test_every_extension_header_compiles_alone(tmp_path):
    import sysconfig

    done = compile_alone(
        [name for name in HEADERS if is_ext(name)],
        tmp_path,
        "-isystem",
        sysconfig.get_path("include"),
    )
    assert done.returncode == 0, done.stderr


def is_too_long(name):
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    reason = " ".join(" ".join(lines[:20]).replace("*", " ").replace("#", " ").split())
    return len(lines) >= MAX_LINES and not ALLOWED_LONGER.search(reason)


def test_files_stay_short():
    """Or say at their top that they are 'longer than 500 lines because ...'."""
    wrong = [
        name
        for name in FILES
        if re.search(r"\.(c|h|py|pyi|sh|js|css)$", name) and is_too_long(name)
    ]
    assert wrong == []


def long_functions(name):
    """(line, length) of functions of C whose body has more than MAX_FUNCTION lines."""
    begin = 0
    for number, line in enumerate((ROOT / name).read_text(encoding="utf-8").splitlines(), 1):
        if line == "{":
            begin = number
        elif line == "}" and begin:
            if number - begin - 1 > MAX_FUNCTION:
                yield begin - 1, number - begin - 1
            begin = 0


def test_functions_stay_short():
    wrong = [
        f"{name}:{line}: {length} lines"
        for name in SOURCES
        for line, length in long_functions(name)
    ]
    assert wrong == []


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


def names_a_machine(name):
    """What of a file is a path or a host of one machine, or None."""
    if name.endswith((".dat", ".golden")):
        return None  # recorded output of real runs holds the command lines of the recording
    try:
        text = (ROOT / name).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None  # a picture, or a source file in another encoding
    found = next(filter(None, (pattern.search(text) for pattern in FOREIGN)), None)
    return found and found.group(0)


def test_no_file_names_a_machine():
    wrong = [f"{name}: {names_a_machine(name)}" for name in FILES if names_a_machine(name)]
    assert wrong == []
