#!/bin/bash
# The program greets whoever it is told to.
set -euo pipefail

output=$("$1" tester)
if [[ $output != *"Hello, tester!"* ]]; then
  echo "unexpected output: $output" >&2
  exit 1
fi
