"""Finds files in the runfiles of a Python program."""

from .runfiles import *
