"""The program says so many words."""

import os
import subprocess
import unittest

from scripts import words


class WordsTest(unittest.TestCase):

    def test_counts(self):
        self.assertEqual(words.count("one two  three"), 3)

    def test_program(self):
        program = os.path.join(os.environ["TEST_SRCDIR"], "_main", "app", "app")
        output = subprocess.check_output([program], text=True)
        self.assertEqual(words.count(output.splitlines()[-1]), 2)


if __name__ == "__main__":
    unittest.main()
