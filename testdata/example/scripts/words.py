"""Counting words."""


def count(text):
    """The number of words in a text."""
    return len(text.split())
