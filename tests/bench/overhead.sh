#!/bin/sh
# Compiling one large file and 200 small ones while the whole host is recorded with stacks: wall time
set -eu
. tests/bench/common.sh
cc1=$(gcc -print-prog-name=cc1)
mkdir "$dir/small"
awk -v dir="$dir" 'function body(i) {
	return sprintf("int f%d(int a, int b)\n{\n\tint s = a;\n\tfor (int i = 0; i < b; i++)\n\t\ts += i * a ^ %d;\n\treturn s;\n}\n", i, i)
}
BEGIN {
	for (i = 0; i < 1000; i++)
		printf "%s", body(i) > (dir "/large.c")
	for (i = 0; i < 200; i++) {
		name = dir "/small/" i ".c"
		printf "#include <stdio.h>\n%s", body(i) > name
		close(name)
	}
}'
# The large file in the compiler proper; small ones by the driver, four processes each
cat > "$dir/large" <<END
exec $cc1 -quiet -O2 $dir/large.c -o /dev/null
END
cat > "$dir/many" <<END
for file in $dir/small/*.c; do gcc -O1 -c \$file -o /dev/null || exit 1; done
END

wall() { # FILE COMMAND...: adds the seconds it took
	file=$1
	shift
	begin=$(date +%s%N)
	"$@"
	echo $((($(date +%s%N) - begin) / 1000)) >> "$file"
}

# while_recorded SOURCES JOB: the time of the job alone, the recorder begun before it
while_recorded() {
	rm -f "$dir/trace"
	"$record" -a -e "$1" -o "$dir/trace" 2> "$dir/said" &
	recorder=$!
	until [ -s "$dir/trace" ]; do sleep 0.05; kill -0 $recorder || { cat "$dir/said"; exit 1; }; done
	sleep 0.3
	wall "$dir/$3" sh "$dir/$2"
	kill -INT $recorder
	wait $recorder
	stat -c %s "$dir/trace" > "$dir/$3.bytes"
	"$O/memtape" sql "$dir/trace" "SELECT coalesce(sum(lost_rows), 0) FROM loss WHERE cause <> 'late'" --format csv |
		tail -1 > "$dir/$3.lost"
}

events=fault,memory_call,reclaim,shrink_total,kswapd_total,writepage_total,swap_total,rss,oom
check=$("$record" --check | awk '$2 == "used" { print $1 }' | sort -u)
chosen=$(for source in $(echo $events | tr , ' '); do echo "$check" | grep -x "$source" || :; done | paste -sd,)
kmem=$(echo "$check" | grep '^kmem' | grep -v event | paste -sd, || :)
for job in large many; do
	for _ in $(seq "$ROUNDS"); do
		wall "$dir/$job.bare" sh "$dir/$job"
		while_recorded "$chosen" $job $job.events
		[ -z "$kmem" ] || while_recorded "$chosen,$kmem" $job $job.kmem
	done
done
echo "recorded: $chosen; and $kmem"
for job in large many; do
	for kind in events kmem; do
		[ -e "$dir/$job.$kind" ] || continue
		echo "$(median "$dir/$job.bare") $(median "$dir/$job.$kind") $(cat "$dir/$job.$kind.bytes" "$dir/$job.$kind.lost" | paste -sd' ')" |
			awk -v job="$job" -v kind="$kind" '{ printf "%s, %s: %.2f s bare, %.2f s recorded: %+.1f %%; %d bytes, %d rows lost\n",
				job, kind, $1 / 1e6, $2 / 1e6, ($2 / $1 - 1) * 100, $3, $4 }'
	done
done
echo 'to be at most +2 % (large) and +12 % (many), kmem at most 5 points more'
