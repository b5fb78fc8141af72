#!/bin/sh
# Every rule is kept here, and a tree that breaks each of them is refused.
set -eu
layers=$PWD/tests/layers.sh
sh "$layers"

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
cd "$tree"
mkdir format bpf recorder analyzer report tests

refused() { # PATTERN: alone breaks a rule
	if output=$(sh "$layers"); then
		echo "not refused: $1"
		exit 1
	fi
	if [ "$(echo "$output" | wc -l)" != 1 ] || ! echo "$output" | grep -q "$1"; then
		echo "$1: $output"
		exit 1
	fi
	rm -f ./*/*.[ch]
}

include() { # FROM WHAT
	echo "#include \"$2\"" >"$1/a.c"
}

for pair in format:recorder bpf:format recorder:analyzer analyzer:recorder analyzer:report report:recorder format:tests; do
	include ${pair%:*} ${pair#*:}/a.h
	refused "^${pair%:*}/a.c:1:"
done
include recorder a.h
refused 'must not include "a.h"'
include recorder format/a.h
include report analyzer/a.h
sh "$layers"

yes '' | head -n 501 >analyzer/a.c
refused 'analyzer/a.c: over 500'
{ printf 'static int long_one(int a,\n\t\t    int b)\n{\n'; yes '	a++;' | head -n 51; echo '}'; } >tests/a.c
refused 'tests/a.c:3: 51 lines: static int long_one'
{ printf 'int f(void)\n{\n'; yes '	a++;' | head -n 50; echo '}'; } >tests/a.c
yes '' | head -n 501 >bpf/a.bpf.c
sh "$layers"
