"""For type checkers the copies are what they were copied from."""

import builtins as builtins
import os as os
import time as time

def variable(name: str) -> str | None: ...
