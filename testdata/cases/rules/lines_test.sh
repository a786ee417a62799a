#!/bin/bash
test "$(cat "$1")" = "$2"
