#!/bin/sh
# stat and status of 100 and of 1,000 idle processes each second: CPU, the longest step, bytes (3 %, 5 and 20 MB/h at most)
set -eu
. tests/bench/common.sh
for n in 100 1000; do
	"$O/tests/bench/processes" $n 10
done
