"""Tells PyInstaller what the two packages need: its entry point is in pyproject.toml."""

import os


def get_hook_dirs():
    return [os.path.dirname(__file__)]
