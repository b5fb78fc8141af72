#!/bin/sh
# symbolize leaves its input as it is, counts what it does not find, and fails with one line; debuginfod is asked only
# when that is wanted.
set -eu
memtape=$(realpath "$O")/memtape
[ -e testdata/demo.mtape ] || { echo 'no testdata/demo.mtape'; exit 77; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cp testdata/demo.mtape "$dir/a.mtape"
chmod 600 "$dir/a.mtape"
cd "$dir"
mkdir empty
export DEBUGINFOD_CACHE_PATH="$dir/cache"

fail() {
	echo "$*" >&2
	exit 1
}

# refused STATUS PATTERN OPTION...
refused() {
	wanted=$1 pattern=$2
	shift 2
	status=0
	"$memtape" symbolize "$@" > out 2> err || status=$?
	cat err
	[ $status = "$wanted" ] || fail "exit status $status, not $wanted: $*"
	[ "$(wc -l < err)" = 1 ] && grep -q "^memtape symbolize: .*$pattern" err || fail "does not say '$pattern': $*"
	[ ! -s out ] || fail "writes to standard output: $*"
	[ -z "$(ls | grep -v '^a.mtape$\|^empty$\|^out$\|^err$\|^cache$\|^a.db$')" ] || fail "leaves something behind: $(ls)"
}

# Without a server in the environment none is asked; here one is, and it must not be.
DEBUGINFOD_URLS=http://192.0.2.1/ timeout 20 "$memtape" symbolize a.mtape --debug-dir empty > out ||
	fail "exit status $?"
cat out
cmp a.mtape "$OLDPWD/testdata/demo.mtape" || fail 'the input was changed'
[ "$(stat -c %a a.sym.mtape)" = 600 ] || fail 'more people may read it'
[ ! -e cache ] || fail 'debuginfod was asked'
grep -q '^0 of [0-9]* frames have a source line now, 0 a name that had none\.$' out || fail 'does not count'
grep -q '^Images without debug information: [0-9]* ([0-9]* frames)\.$' out || fail 'does not count images'
for report in leaks faults losses overview; do
	"$memtape" report $report a.mtape > before
	"$memtape" report $report a.sym.mtape > after
	cmp before after || fail "$report differs"
done
[ "$("$memtape" info a.sym.mtape | grep -c 'session\b.*0$\|^damage\|^  none')" = 3 ] || fail 'not one whole session'
rm a.sym.mtape before after

# No server answers.
DEBUGINFOD_URLS=http://127.0.0.1:1/ timeout 60 "$memtape" symbolize a.mtape --debug-dir empty --debuginfod -o b.mtape > out ||
	fail "exit status $? without a server"
grep -q '^0 of [0-9]* frames have' out || fail "found something: $(cat out)"
rm b.mtape

unset DEBUGINFOD_URLS
refused 2 DEBUGINFOD_URLS a.mtape --debuginfod
refused 2 'wants TRACE'
refused 2 "'b.mtape' is one word too many" a.mtape b.mtape
refused 2 "no option '--debug'" a.mtape --debug
refused 1 'missing: No such file' missing
refused 1 'no/where: No such file' a.mtape --debug-dir no/where
refused 1 'a.mtape is the trace itself' a.mtape -o a.mtape
refused 1 'no/b.mtape: No such file' a.mtape -o no/b.mtape
refused 1 'empty exists and is no trace' a.mtape -o empty
refused 1 'err exists and is no trace' a.mtape -o err
refused 1 'a memtape trace\|empty' err
"$memtape" analyze a.mtape > out
refused 1 'a.db: a database' a.db
