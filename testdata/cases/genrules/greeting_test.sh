#!/bin/bash
test "$(cat greeting.upper.txt)" = HELLO && grep -q BUILD_EMBED_LABEL version.txt
