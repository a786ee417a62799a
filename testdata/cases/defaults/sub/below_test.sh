#!/bin/bash
set -e
[ "$1" = more ]
case "$GREETING" in
  hello | "good day") ;;
  *) exit 1 ;;
esac
