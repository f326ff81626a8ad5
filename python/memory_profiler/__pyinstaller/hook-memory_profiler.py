"""All modules: some are imported by the extension, and by `python -m`."""

from PyInstaller.utils.hooks import collect_submodules

hiddenimports = collect_submodules(
    "memory_profiler", filter=lambda name: "__pyinstaller" not in name and "pytest" not in name
)
# Only a notebook imports them, and has them.
excludedimports = ["IPython", "pytest"]
