#!/bin/sh
[ "$1" = vanilla ] && [ "$PLACE" = here ]
