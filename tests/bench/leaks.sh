#!/bin/sh
# The leak report over 10 million heap events
set -eu
. tests/bench/common.sh
"$O/tests/bench/heap10m"
