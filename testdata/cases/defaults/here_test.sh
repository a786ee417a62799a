#!/bin/bash
set -e
[ "$GREETING" = hello ]
grep -q words@message=short/words.txt copy.txt
grep -q -e linux -e macos platform.txt
