#!/bin/sh
# The life of a shell and its children: as the script has it, and as many forks and execs as strace sees of the same
# script.
set -eu
. tests/live/common.sh
need task
command -v strace > /dev/null || skip 'no strace'
cat > "$dir/script" << 'END'
for i in 1 2 3 4 5; do /bin/true; done
(exit 3)
sh -c 'kill -9 $$'
/bin/sleep 0.2
exit 7
END

status=0
"$record" --heap=off -o "$dir/t.mtape" -- sh "$dir/script" || status=$?
"$memtape" report procs "$dir/t.mtape" --format csv > "$dir/report"
cat "$dir/report"
equal 'the columns' "$(head -1 "$dir/report")" TIME,EVENT,PID,COMM,WHAT
sed '/^$/,$d' "$dir/report" | tail -n +2 > "$dir/rows"
count() { grep -cE "$1" "$dir/rows" || :; }

strace -f -o "$dir/strace" sh "$dir/script" || :
forks=$(grep -cE '(^| )(v?fork|clone3?)\(.*= [0-9]+$| <... (v?fork|clone3?) resumed>.*= [0-9]+$' "$dir/strace")
execs=$(grep -cE '(^| )execve\(.*= 0$| <... execve resumed>.*= 0$' "$dir/strace")
equal 'forks' "$(count ',fork,')" "$forks"
equal 'execs' "$(count ',exec,')" "$execs"
equal 'ends' "$(count ',exit,')" $((forks + 1))
equal 'true' "$(count ',exit,[0-9]+,true,status 0$')" 5
equal 'status 3' "$(count ',exit,[0-9]+,sh,status 3$')" 1
equal 'killed' "$(count ',exit,[0-9]+,sh,killed by signal 9$')" 1
equal 'the shell' "$(tail -1 "$dir/rows" | cut -d, -f2,4,5)" 'exit,sh,status 7'

lived=$(awk -F, '$2 == "sleep" && NF == 11 { print $8 }' "$dir/report")
echo "sleep 0.2 lived $lived ms"
awk -v ms="$lived" 'BEGIN { exit !(ms >= 200 && ms < 5000) }' || fail 'it did not live so long'
