"""Which suites there are, and how each is started.

A suite is a command for the interpreter (``-m test.test_json -v``), what is selected of it by -p, and
how its outcomes are read: from recorder/sitecustomize.py, or from pytest's XML.
"""

import importlib.util
import os
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass

# Of CPython's tests: short ones that look closely at what a profiler could disturb.
QUICK = """
__all__ abc asyncgen atexit bdb call class codeop collections compare contextlib copy
coroutines dataclasses descr dict dis enum eof exceptions extcall frame funcattrs functools gc
generator_stop generators genexps global hash heapq iter itertools keywordonlyarg
list listcomps metaclass monitoring opcodes operator patma pickle pprint property pulldom
queue raise range reprlib richcmp runpy sched scope setcomps slice string super sys_setprofile
sys_settrace syntax textwrap threading_local timeit trace traceback tuple type_annotations types
unpack unpack_ex userdict warnings weakref weakset with yield_from
""".split()

# Of these, those that run with every allocation recorded, too; of the whole all do.
QUICK_RECORDED = (
    "asyncgen code dict exceptions gc generators pickle threading_local weakref".split()
)

# Not those that run nothing by themselves: bigmem (memory to be granted), ioctl (a terminal).
WHOLE = """
__future__ argparse array ast asyncio augassign baseexception base64 binascii binop bisect
bool buffer builtin bufio bytes calendar capi cmath cmd code code_module codecs compile complex
concurrent_futures configparser contextlib_async context coroutines crashers csv ctypes curses
datetime dbm decimal decorators defaultdict deque dictcomps dictviews difflib doctest docxmlrpc
dynamic dynamicclassattribute email ensurepip enumerate exception_group exception_hierarchy
exception_variations faulthandler fcntl file fileinput filecmp float flufl fnmatch fork1 format
fractions frozen fstring future getopt getpass gettext glob grammar graphlib gzip hashlib hmac html
htmlparser imp import importlib index int io ipaddress isinstance iterlen keyword linecache
locale logging long mailbox math memoryio memoryview mimetypes minidom module named_expressions
json netrc numeric_tower optparse ordered_dict os pathlib pdb peepholer pickletools pkgutil platform
plistlib poll popen positional_only_arg posix posixpath print profile cprofile pty py_compile
pyclbr pydoc random re regrtest resource rlcompleter robotparser sax secrets select selectors set
shelve shlex shutil signal site smtplib sndhdr socket socketserver sort sqlite3 statistics stat
strftime string_literals strptime strtod struct structseq subclassinit subprocess sundry support
symtable sys sysconfig tabnanny tarfile tempfile thread threadedtempfile threading thread_local time
tokenize tomllib traceback tracemalloc typechecks typing unary unicodedata unittest univnewlines
urlparse uu uuid venv wait3 wait4 wave weakref webbrowser xml_etree xmlrpc zipapp zipfile zipimport
zlib
""".split()


# What -p takes instead of the tests and their library: where functions of a test are handed to other
# interpreters, they must not be watched, as code that sends events cannot be shared (3.14 and later).
TARGETS = {"concurrent_futures": ["concurrent.futures"]}


@dataclass
class Suite:
    name: str
    command: list  # for the interpreter
    targets: list  # of -p
    is_pytest: bool = False
    is_program: bool = True  # --all selects what it is about
    is_recorded: bool = True  # also with --allocations
    folder: str | None = None  # where it runs; None: an empty one
    paths: tuple = ()  # in front of PYTHONPATH
    limit: float = 900  # seconds, for one run


def has_tests():
    """Whether this interpreter came with CPython's own tests."""
    return importlib.util.find_spec("test.support") is not None and (
        importlib.util.find_spec("test.test_generators") is not None
    )


def _library_module(name):
    """The module that test_NAME is about, where that is one written in Python."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    return name if spec is not None and str(spec.origin).endswith(".py") else None


def _cpython_suite(name, is_recorded):
    module = f"test.test_{name}"
    spec = importlib.util.find_spec(module)
    if spec is None:
        return None
    main = spec.origin
    if spec.submodule_search_locations:
        main = os.path.join(os.path.dirname(main), "__main__.py")
    is_program = os.path.exists(main) and "unittest.main()" in open(main, encoding="utf-8").read()
    command = ["-m", module, "-v"] if is_program else ["-m", "unittest", "-v", module]
    library = _library_module(name)
    return Suite(
        f"test_{name}",
        command,
        TARGETS.get(name) or [module] + ([library] if library else []),
        is_program=is_program,
        is_recorded=is_recorded,
    )


def cpython_suites(quick):
    names = QUICK if quick else sorted({*QUICK, *WHOLE})
    suites = [
        _cpython_suite(name, not quick or name in QUICK_RECORDED)
        for name in names
        if name.isidentifier()
    ]
    return [suite for suite in suites if suite is not None]


def outcomes_of_pytest(path):
    """{test id: outcome} of a JUnit file."""
    outcomes = {}
    for case in ElementTree.parse(path).iter("testcase"):
        kinds = {child.tag for child in case}
        outcome = (
            "error"
            if "error" in kinds
            else "failed"
            if "failure" in kinds
            else "skipped"
            if "skipped" in kinds
            else "passed"
        )
        outcomes[f"{case.get('classname')}.{case.get('name')}"] = outcome
    return outcomes


def version():
    return sys.version.split()[0]
