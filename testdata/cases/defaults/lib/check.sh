#!/bin/sh
[ "$TEST_SIZE" = small ] && [ "${1:--v}" = -v ]
