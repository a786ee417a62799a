#!/bin/bash
test "$*" = "$(cat text.txt)"
