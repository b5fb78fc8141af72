#!/bin/sh
# The whole host recorded while it idles, with 100 and with 1,000 processes more: recorder's CPU, bytes an hour (1 % and 5 MB, 20 MB at most)
set -eu
. tests/bench/common.sh
seconds=${IDLE_SECONDS:-90}

cpu_ticks() { # of a process: user and system
	sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'
}

for n in 100 1000; do
	setsid sh -c 'i=0; while [ $i -lt '$n' ]; do sleep 1000000 & i=$((i + 1)); done; echo ready; wait' > "$dir/ready" &
	crowd=$!
	until [ -s "$dir/ready" ]; do sleep 0.1; done
	rm -f "$dir/trace"
	"$record" -a -o "$dir/trace" 2> "$dir/said" &
	recorder=$!
	until [ -s "$dir/trace" ]; do sleep 0.1; kill -0 $recorder; done
	sleep 45 # the first reading of all is written
	bytes=$(stat -c %s "$dir/trace")
	ticks=$(cpu_ticks $recorder)
	sleep "$seconds"
	bytes=$(($(stat -c %s "$dir/trace") - bytes))
	ticks=$(($(cpu_ticks $recorder) - ticks))
	kill -INT $recorder
	wait $recorder
	kill -- -$crowd
	wait $crowd 2> /dev/null || :
	echo "$n $bytes $ticks $seconds" | awk -v hz="$(getconf CLK_TCK)" '{
		printf "%d idle processes: %.2f %% of a CPU, %.1f MB an hour\n", $1, 100 * $3 / hz / $4, $2 * 3600 / $4 / 1e6 }'
done
