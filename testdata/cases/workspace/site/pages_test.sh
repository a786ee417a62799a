#!/bin/sh
set -e
cmp site/pages/index.html site/index.html
[ "$(cat site/pages/about.html)" = "<p>About us</p>" ]
