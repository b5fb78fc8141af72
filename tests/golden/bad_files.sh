#!/bin/sh
# Files that are no traces are refused with one line that names them; of damaged ones what is readable is shown, and one
# line says where the damage is.
set -eu
for tool in zstd sqlite3 python3; do
	command -v $tool > /dev/null || { echo "$tool is not installed"; exit 77; }
done
memtape=$(realpath "$O")/memtape
readme=$PWD/HACKING.md
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

fail() {
	echo "$*" >&2
	exit 1
}

if [ -e testdata/demo.mtape ]; then
	cp testdata/demo.mtape "$dir/good.mtape"
elif ! "$O/memtape-record" -o "$dir/good.mtape" -- "$O/tests/demo/demo" 3 > "$dir/out" 2>&1; then
	echo 'no testdata/demo.mtape, and none can be recorded here'
	exit 77
fi
cd "$dir"

# run COMMAND FILE [OPTION...]: as `sql`, with a query
run() {
	command=$1 file=$2
	shift 2
	status=0
	case $command in
	info) "$memtape" info "$file" "$@" ;;
	report) "$memtape" report overview "$file" "$@" ;;
	sql) "$memtape" sql "$file" 'SELECT count(*) FROM process' "$@" ;;
	analyze) "$memtape" analyze "$file" -o out.db "$@" ;;
	esac > out 2> err || status=$?
}

# One line, that begins with the command and goes on as the pattern says.
one_line() { # PATTERN
	[ "$(wc -l < err)" = 1 ] || fail "$command $file: not one line on stderr: $(cat err)"
	grep -qE "^memtape $command: $1" err || fail "$command $file: does not say '$1': $(cat err)"
}

refused() { # FILE PATTERN
	for command in info report sql analyze; do
		run $command "$1"
		cat err
		[ $status = 1 ] || fail "$command $1: exit status $status"
		one_line "$1: .*$2"
		[ ! -s out ] || fail "$command $1: writes to standard output"
		[ ! -e out.db ] && [ ! -e out.db.tmp ] || fail "$command $1: leaves a database behind"
	done
}

# ---- no traces

: > empty
echo 'This is a text, and a long one: not a trace.' > text
head -c 2 good.mtape > two-bytes
head -c 4096 /dev/zero > zeros
zstd -q < "$readme" > foreign.zst
mkdir folder
sqlite3 other.db 'CREATE TABLE t (a); INSERT INTO t VALUES (1)'
cp other.db other-before.db
refused empty 'empty'
refused text 'not a memtape trace'
refused two-bytes 'not a memtape trace'
refused zeros 'not a memtape trace'
refused foreign.zst 'not a memtape trace'
refused folder '[Dd]irectory'
refused missing 'No such file'
refused other.db "not (one of memtape's|a memtape trace)"
cmp other.db other-before.db || fail 'the foreign database was changed'

python3 - <<'END'
import struct, zlib
sync = bytes.fromhex('7efbef5828514334fd66c076bfb59a1f')
data = bytearray(open('good.mtape', 'rb').read())
blocks = []                                                # begin of the header's frame, of the content, its end, stream
at = 0
while at < len(data):
    header = at + 8
    assert data[header:header + 16] == sync
    length, = struct.unpack_from('<I', data, header + 16)
    stream, = struct.unpack_from('<I', data, header + 28)
    stored, = struct.unpack_from('<I', data, header + 52)
    blocks.append((at, header + length, header + length + stored, stream))
    at = blocks[-1][2]
events = [b for b in blocks if b[3] == 1]
begin, content, end, _ = events[len(events) // 2]          # behind definitions and events, before others
assert blocks[0][0] < begin and end < len(data)

def write(name, data):
    open(name, 'wb').write(data)

write('whole-blocks', data[:begin])
write('cut', data[:(content + end) // 2])
write('damage-at', b'%d %d\n' % (begin, (content + end) // 2))
write('cut-header', data[:begin + 50])
flipped = bytearray(data)
flipped[(content + end) // 2] ^= 0x10
write('flipped', flipped)
flipped = bytearray(data)
flipped[begin + 8 + 40] ^= 0x10
write('flipped-header', flipped)
write('without-block', data[:begin] + data[end:])
newer = bytearray(data)
for start, after, _, _ in blocks:
    struct.pack_into('<I', newer, start + 8 + 20, 2)
    struct.pack_into('<I', newer, after - 4, zlib.crc32(newer[start + 8:after - 4]))
write('newer', newer)
END
refused newer 'version 2 of the format'

# ---- damaged traces

counts() { # FILE
	for table in fault heap process snapshot_system '"end"'; do
		"$memtape" sql "$1" "SELECT count(*) FROM $table" --format csv 2> err | tail -n +2
	done
}

# damaged FILE LIKE BYTE: what is readable are the rows of LIKE
damaged() {
	wanted=$(counts "$2")
	[ "$(counts "$1")" = "$wanted" ] || fail "$1: its rows: $(counts "$1" | tr '\n' ' '), not $(echo "$wanted" | tr '\n' ' ')"
	for command in report sql analyze; do
		run $command "$1"
		[ $status = 0 ] || fail "$command $1: exit status $status"
		one_line "($1|out.db): warning: .*byte $3"
		[ -s out ] || fail "$command $1: shows nothing"
	done
	cat err
	[ "$("$memtape" sql out.db 'SELECT count(*) FROM process' --format csv 2> err)" = \
		"$("$memtape" sql "$1" 'SELECT count(*) FROM process' --format csv 2> err)" ] ||
		fail "$1: the database has other processes"
	run report out.db
	one_line "out.db: warning: .*byte $3"
	run report out.db --strict
	[ $status = 3 ] || fail "database of $1: exit status $status with --strict"
	rm out.db
	run report "$1" --strict
	[ $status = 3 ] || fail "$1: exit status $status with --strict"
	one_line "$1: .*byte $3"
	[ -s out ] || fail "$1: shows nothing with --strict"
	run info "$1"
	[ $status = 0 ] || fail "info $1: exit status $status"
	sed '1,/^damage/d' out | grep -qE "first .*byte $3" || fail "info $1: $(cat out)"
	sed '1,/^damage/d' out | grep -qE 'damaged blocks +1$' || fail "info $1: $(cat out)"
}

complete() { # FILE ANSWER
	run info "$1"
	grep -q "complete  $2" out || fail "info $1: $(cat out)"
}

heap() { # FILE
	"$memtape" sql "$1" 'SELECT count(*) FROM heap' --format csv 2> err | tail -1
}

[ "$(heap whole-blocks)" -gt 0 ] && [ "$(heap whole-blocks)" -lt "$(heap without-block)" ] &&
	[ "$(heap without-block)" -lt "$(heap good.mtape)" ] || fail 'the damage touches nothing'
read -r begin cut < damage-at
damaged cut whole-blocks "($begin|$cut)"
damaged cut-header whole-blocks "($begin|$((begin + 50)))"
damaged flipped without-block "$begin"
damaged flipped-header without-block "$begin"
for file in cut cut-header whole-blocks; do
	complete $file 'no: '
done
for file in flipped flipped-header without-block good.mtape; do
	complete $file 'yes: '
done

# What ends between two blocks is incomplete, and not damaged; where a block is missing, it is said.
run report whole-blocks
[ ! -s err ] && [ $status = 0 ] || fail "whole-blocks: [$status] $(cat err)"
run report whole-blocks --strict
[ $status = 3 ] || fail "whole-blocks: exit status $status with --strict"
one_line 'whole-blocks: '
run report without-block
one_line 'without-block: warning: .*1 blocks? .*missing'
run report good.mtape
[ $status = 0 ] && [ ! -s err ] || fail "good.mtape: [$status] $(cat err)"

# ---- wrong usage

usage() { # PATTERN WORD...
	pattern=$1 status=0
	shift
	"$memtape" "$@" > out 2> err || status=$?
	cat err
	[ $status = 2 ] || fail "$*: exit status $status"
	command=$1 file=
	one_line ".*$pattern"
	[ ! -s out ] || fail "$*: writes to standard output"
}

usage "no report 'everything'; there are: .*overview" report everything good.mtape
usage "no report 'everything'" report everything missing
usage 'wants NAME FILE' report overview
usage "'more'" report overview good.mtape more
usage "no option '--tip'" report leaks good.mtape --tip 3
usage "--top .*'three'" report leaks good.mtape --top three
usage "'yaml'" report leaks good.mtape --format yaml
usage 'syntax error' sql good.mtape 'SELEC 1'
usage 'no such table: nowhere' sql good.mtape 'SELECT * FROM nowhere'
usage 'SELECT' sql good.mtape 'DELETE FROM process'
usage 'wants' sql good.mtape
usage "no option '--all'" info --all good.mtape
usage 'wants TRACE' info
usage 'wants TRACE' analyze

# ---- outputs that cannot be

for output in good.mtape folder text; do
	cp good.mtape before
	status=0
	"$memtape" analyze good.mtape -o $output > out 2> err || status=$?
	command=analyze file=$output
	[ $status = 1 ] || fail "analyze -o $output: exit status $status"
	one_line "good.mtape: .*$output.*exists"
	cmp good.mtape before || fail "analyze -o $output changed the trace"
done
status=0
"$memtape" analyze good.mtape -o no/out.db > out 2> err || status=$?
[ $status = 1 ] || fail "analyze -o no/out.db: exit status $status"
one_line 'good.mtape: .*no/out.db.*No such file'
for command in 'info good.mtape' 'report overview good.mtape' 'sql good.mtape SELECT(1)'; do
	status=0
	# shellcheck disable=SC2086
	"$memtape" $command > /dev/full 2> err || status=$?
	[ $status = 1 ] || fail "$command to a full disk: exit status $status"
	file= command=${command%% *}
	one_line 'standard output: No space left on device'
done
