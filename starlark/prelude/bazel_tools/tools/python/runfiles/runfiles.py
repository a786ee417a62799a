"""Finds files in the runfiles of a Python program: an older name of `python.runfiles`."""

from rules_python.python.runfiles.runfiles import *
