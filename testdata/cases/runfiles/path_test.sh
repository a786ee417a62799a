#!/bin/bash
grep -q "some data" "$(rlocation "$DATA")"
