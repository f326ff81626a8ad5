"""What is installed: the wheel, in every order with memory_profiler 0.61, and `cmake --install`."""

import os
import pathlib
import shutil
import stat
import sys
import zipfile

import packages
import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
OTHER = "memory_profiler==0.61.0"


def run(*command, **options):
    done = packages.run(*command, **options)
    assert done.returncode == 0, f"{command}: {done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def pip(*arguments, python=None):
    where = [] if python is None else ["--python", python]
    return run(sys.executable, "-m", "pip", "--disable-pip-version-check", *where, *arguments)


def need(*modules):
    for module in modules:
        pytest.importorskip(module)
    if shutil.which("cmake") is None:
        pytest.skip("no cmake")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Built once, from what a checkout holds."""
    need("pip", "scikit_build_core")
    folder = tmp_path_factory.mktemp("wheel")
    pip(
        "wheel",
        "--no-build-isolation",
        "--no-deps",
        "-w",
        folder,
        f"--config-settings=build-dir={folder}/build",
        ROOT,
    )
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel(wheel):
    archive = zipfile.ZipFile(wheel)
    names = archive.namelist()
    tops = {name.split("/")[0] for name in names}
    (info,) = [top for top in tops if top.endswith(".dist-info")]
    (data,) = [top for top in tops if top.endswith(".data")]
    started = {"memprof_native.pth", "_memprof_startup.py"}  # for Pythons that a program starts
    assert tops == {"memory_profiler", "mprof", *started, info, data}
    sources = {
        str(path.relative_to(ROOT / "python"))
        for package in ("memory_profiler", "mprof")
        for path in (ROOT / "python" / package).rglob("*")
        if path.is_file() and path.parent.name != "__pycache__"
    }
    assert "memory_profiler/py.typed" in sources and "memory_profiler/__init__.pyi" in sources
    rest = {name for name in names if name.startswith(("memory_profiler/", "mprof/"))} - sources
    assert sources <= set(names)
    assert "mprof/_bin/mprof" in rest and f"{data}/scripts/mprof" in names
    (extension,) = rest - {"mprof/_bin/mprof"}
    assert extension.startswith("memory_profiler/_memprof.") and extension.endswith(".so")
    mode = archive.getinfo("mprof/_bin/mprof").external_attr >> 16
    assert mode & stat.S_IXUSR
    # Once: what stands beside python starts the one in the package.
    sizes = [
        archive.getinfo(f"{name}/mprof").file_size for name in ("mprof/_bin", f"{data}/scripts")
    ]
    assert sizes[1] < sizes[0] / 4
    entry_points = archive.read(f"{info}/entry_points.txt").decode()
    assert "[pytest11]\nmemprof" in entry_points and "[pyinstaller40]\nhook-dirs" in entry_points
    metadata = archive.read(f"{info}/METADATA").decode()
    assert "\nName: memprof-native\n" in metadata and "Requires-Dist" not in metadata


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    """The distributions of 0.61 and what it needs, in a folder."""
    need("pip")
    folder = tmp_path_factory.mktemp("others")
    packages.from_index("package index", "download", "-q", OTHER, "-d", folder, timeout=300)
    return folder


class Installed:
    """An environment of its own, and who answers in it."""

    def __init__(self, folder):
        run(sys.executable, "-m", "venv", "--without-pip", folder)
        self.folder = folder
        self.python = folder / "bin" / "python"
        self.command = folder / "bin" / "mprof"

    def add(self, what, *options):
        pip("install", "-q", *options, what, python=self.python)

    def remove(self, name):
        pip("uninstall", "-q", "-y", name, python=self.python)

    def says(self, *command):
        return run(*command, cwd=self.folder, env={"PATH": os.environ["PATH"]})

    def check_ours(self, with_command=True):
        home = self.says(
            self.python,
            "-c",
            "import memory_profiler, mprof; from mprof import read_mprofile_file\n"
            "print(memory_profiler.__file__, memory_profiler.__version__)",
        )
        place, version = home.split()
        assert place.endswith("/memory_profiler/__init__.py")
        assert self.says(self.python, "-m", "memory_profiler", "--version").strip() == version
        assert "\ngate " in self.says(self.python, "-m", "memory_profiler", "--version", "-v")
        help_ = self.says(pathlib.Path(place).parent.parent / "mprof/_bin/mprof", "--help")
        assert "mark" in help_
        commands = [[self.python, "-m", "mprof"]] + [[self.command]] * with_command
        for command in commands:
            assert self.says(*command, "--help") == help_
            self.says(*command, "run", "-o", "x.dat", self.python, "-c", "pass")
            assert (self.folder / "x.dat").read_text().startswith("CMDLINE ")


@pytest.mark.parametrize("first", ["ours", "theirs"])
def test_beside_the_other_one(tmp_path, wheel, others, first):
    installed = Installed(tmp_path / "venv")
    add = {
        "ours": lambda: installed.add(wheel),
        "theirs": lambda: installed.add(OTHER, "--no-index", "--find-links", others),
    }
    add.pop(first)()
    if first == "ours":
        installed.check_ours()
    next(iter(add.values()))()
    installed.check_ours()
    # It takes bin/mprof along, which both claim; python -m mprof is in the package.
    installed.remove("memory_profiler")
    installed.check_ours(with_command=installed.command.exists())
    installed.remove("memprof-native")
    left = [
        path
        for path in installed.folder.rglob("*")
        if path.is_file() and ("memory_profiler" in str(path) or "mprof" in path.name)
    ]
    assert left == []


@pytest.mark.parametrize("first", ["ours", "theirs"])
def test_leaves_the_other_one(tmp_path, wheel, others, first):
    installed = Installed(tmp_path / "venv")
    for step in (0, 1):
        if (first == "ours") == (step == 0):
            installed.add(wheel)
        else:
            installed.add(OTHER, "--no-index", "--find-links", others)
    installed.remove("memprof-native")
    place = installed.says(
        installed.python, "-c", "import memory_profiler, mprof; print(memory_profiler.__file__)"
    )
    assert place.strip().endswith("/memory_profiler.py")


@pytest.mark.parametrize("place", ["lib/{}/site-packages", "lib64/{}/site-packages",
                                   "lib/{}/dist-packages", "lib/python/site-packages", "."])  # fmt: skip
def test_the_command_finds_its_package(tmp_path, wheel, place):
    """Wherever an installer puts packages; also by a link, with its arguments and its status."""
    launcher = tmp_path / "bin/mprof"
    launcher.parent.mkdir()
    archive = zipfile.ZipFile(wheel)
    for name in archive.namelist():
        if name.endswith(".data/scripts/mprof"):
            launcher.write_bytes(archive.read(name))
    launcher.chmod(0o755)
    folder = "python{}.{}".format(*sys.version_info)
    inside = tmp_path / place.format(folder) / "mprof/_bin/mprof"
    inside.parent.mkdir(parents=True)
    inside.write_text('#!/bin/sh\necho "$@"\nexit 7\n')
    inside.chmod(0o755)
    (tmp_path / "linked").symlink_to(launcher)
    for command in launcher, tmp_path / "linked":
        done = packages.run(command, "run", "a  b", "", "--x")
        assert (done.returncode, done.stdout, done.stderr) == (7, "run a  b  --x\n", "")
    inside.chmod(0o644)
    done = packages.run(launcher)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("mprof: cannot start ") and done.stderr.count("\n") == 1
    inside.unlink()
    done = packages.run(launcher)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"mprof: its package is not beside {launcher.parent}: python -m pip install "
        "--force-reinstall memprof-native\n"
    )


def test_cmake_installs_the_command_alone(tmp_path):
    need()
    build, prefix = tmp_path / "build", tmp_path / "prefix"
    generator = ["-G", "Ninja"] if shutil.which("ninja") else []
    run(
        "cmake",
        "-S",
        ROOT,
        "-B",
        build,
        *generator,
        "-DCMAKE_BUILD_TYPE=Debug",
        f"-DPython_EXECUTABLE={sys.executable}",
        f"-DCMAKE_INSTALL_PREFIX={prefix}",
    )
    run("cmake", "--build", build, "-j", "2")
    run("cmake", "--install", build)
    installed = {path.relative_to(prefix) for path in prefix.rglob("*") if path.is_file()}
    # Manual pages and completions, as they are in the sources.
    texts = {path.relative_to(ROOT) for path in (ROOT / "share").rglob("*") if path.is_file()}
    assert installed == {pathlib.Path("bin/mprof"), *texts} and len(texts) == 8
    run(prefix / "bin" / "mprof", "run", "-o", "x.dat", "true", cwd=tmp_path)
    assert (tmp_path / "x.dat").read_text().startswith("CMDLINE ")


def real_programs(folder, *names):
    """A folder with these programs alone, none of which is a script that looks for another one."""
    folder.mkdir()
    for name in names:
        found = [
            path
            for part in os.environ["PATH"].split(os.pathsep)
            if os.access(path := os.path.join(part, name), os.X_OK)
            and pathlib.Path(path).read_bytes()[:2] != b"#!"
        ]
        if not found:
            pytest.skip(f"no {name}")
        (folder / name).symlink_to(found[0])
    return folder


@pytest.mark.parametrize(
    "manager, command",
    [
        ("apt-get", "apt install gcc python3-dev"),
        ("dnf", "dnf install gcc python3-devel"),
        ("apk", "apk add gcc musl-dev linux-headers python3-dev"),
        ("nothing", "install gcc and the headers of Python (python3-dev)"),
    ],
)
def test_what_is_missing_to_build_it_is_said(tmp_path, manager, command):
    """Without a compiler, and without Python.h."""
    programs = real_programs(tmp_path / "bin", "cmake", "ninja")
    (programs / manager).write_text("")
    (programs / manager).chmod(0o755)
    environment = {"PATH": str(programs), "HOME": str(tmp_path)}
    configure = [programs / "cmake", "-G", "Ninja", "-S", ROOT, "-B", tmp_path / "build"]
    done = packages.run(*configure, env=environment)
    assert done.returncode == 1
    words = "CMake Error at cmake/needs.cmake"
    assert words in done.stderr and "there is no C compiler" in done.stderr
    assert f"\n    {command}\n" in done.stderr

    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no cc")
    settings = {
        "CMAKE_C_COMPILER": compiler,
        "Python_EXECUTABLE": sys.executable,
        "Python_INCLUDE_DIR": tmp_path / "nothing",
    }
    set_all = [f"-D{name}={value}" for name, value in settings.items()]
    environment["PATH"] += os.pathsep + os.path.dirname(os.path.realpath(compiler))
    done = packages.run(*configure, *set_all, env=environment)
    assert done.returncode == 1
    assert "(Python.h)" in done.stderr and sys.executable in done.stderr.replace("\n  ", "")
