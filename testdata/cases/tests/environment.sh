#!/bin/bash
test "$#/$2/$COLOR/$HOME" = "2/two words/green/$TEST_TMPDIR"
