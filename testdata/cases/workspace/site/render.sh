#!/bin/sh
# A page for a text.
echo "<p>$(cat "$1")</p>"
