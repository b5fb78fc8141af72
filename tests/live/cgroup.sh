#!/bin/sh
# --cgroup records the processes of a memory cgroup: those in it, those that are put into it, those put below it, and no
# others; with -a, each process's cgroup is known, and reports can ask for it.
set -eu
. tests/live/common.sh
need fault task cgroup
. tests/cgroup.sh
cleanup() {
	exec 3>&- || :
	rmdir "$cgroup/below" 2> /dev/null || :
	cgroup_remove
}
cgroup=
cgroup_make "memtape-test-$$" 100000000 > "$dir/why" || skip "$(cat "$dir/why")"
mkdir "$cgroup/below"
mkfifo "$dir/go"

# member CGROUP NAME COMMAND...: the command in a process that is put into the cgroup while it runs
member() {
	where=$1 name=$2
	shift 2
	sh -c 'echo pid $$ && echo $$ > "$0/cgroup.procs" && exec "$@"' "$where" "$@" > "$dir/$name"
}

(member "$cgroup" early sh -c "read -r line < $dir/go; exec $oracle faults 3") &
early=$!
until [ -n "$(cat "$cgroup/cgroup.procs")" ]; do sleep 0.05; done
"$record" --cgroup "$cgroup" -e fault,cgroup -o "$dir/t.mtape" 2> "$dir/err" &
recorder=$!
until [ -s "$dir/t.mtape" ]; do sleep 0.05; kill -0 $recorder; done
sleep 0.5
echo > "$dir/go"
wait $early
member "$cgroup" late "$oracle" faults 5
member "$cgroup/below" below "$oracle" faults 7
member "${cgroup%/*}" outside "$oracle" faults 9
kill -INT $recorder
wait $recorder || fail "$(cat "$dir/err")"

name=${cgroup##*/}
for which in early late below; do
	case $which in below) path=/$name/below ;; *) path=/$name ;; esac
	pid=$(truth "$dir/$which" pid)
	equal "the cgroup of $which" "$(query "$dir/t.mtape" "SELECT DISTINCT c.path FROM process AS p
		JOIN cgroup AS c ON c.id = p.cgroup_id WHERE p.pid = $pid AND p.comm = 'oracle'")" "$path"
	got=$("$memtape" report faults "$dir/t.mtape" --format csv --pid "$pid" --top -1 |
		awk -F, '$1 ~ /^[0-9]+$/ && NF > 7 { n += $1 } END { print n + 0 }')
	[ "$got" -ge "$(truth "$dir/$which" anonymous_pages)" ] ||
		fail "$which: $got faults, at least $(truth "$dir/$which" anonymous_pages) were made"
done
equal 'faults from outside' "$(query "$dir/t.mtape" "SELECT count(*) FROM fault AS f JOIN process AS p ON p.id = f.process_id
	WHERE p.pid = $(truth "$dir/outside" pid)")" 0
equal 'processes asked for by cgroup' "$("$memtape" report faults "$dir/t.mtape" --cgroup "$name/below" --format csv |
	awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "pid") pid = i } !NF { exit } NR > 1 { print $pid }' |
	sort -u)" "$(truth "$dir/below" pid)"
got=0
"$memtape" report faults "$dir/t.mtape" --cgroup /nowhere 2> "$dir/err" || got=$?
equal 'exit status for a cgroup without processes' "$got" 1
got=0
"$record" --cgroup /proc 2> "$dir/err" || got=$?
equal 'what is said of a folder that is no cgroup' "$got $(cat "$dir/err")" '1 memtape record: /proc: is no memory cgroup'
