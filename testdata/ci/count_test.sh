#!/bin/bash
# Three words are three.
set -euo pipefail
read -r number < count.txt
[ "$number" = 3 ] || { echo "$number words rather than 3"; exit 1; }
