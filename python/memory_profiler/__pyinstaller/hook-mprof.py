"""The native executable that mprof.main() runs."""

import os

from PyInstaller.utils.hooks import get_module_file_attribute

folder = os.path.dirname(get_module_file_attribute("mprof"))
binaries = [(os.path.join(folder, "_bin", "mprof"), os.path.join("mprof", "_bin"))]
