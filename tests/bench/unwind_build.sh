#!/bin/sh
# How fast unwind tables are built
set -eu
. tests/bench/common.sh

# Those of the files that are there.
there() {
	for file; do
		[ ! -f "$file" ] || readlink -f "$file"
	done
}

# The largest file in the usual places that has call frame information.
largest() {
	find /usr/bin /usr/lib /opt -xdev -type f -perm -1 -size +20M -exec ls -S {} + 2>/dev/null | while read -r file; do
		readelf -SW "$file" 2>/dev/null | grep -q ' \.eh_frame ' || continue
		echo "$file"
		break
	done
}

libc=$(ldd "$O/memtape-record" | awk '$1 == "libc.so.6" { print $3 }')
{
	there "$libc" /usr/bin/python3 /usr/lib/*/libLLVM-*.so.1
	largest
} | sort -u >"$dir/files"
xargs -d '\n' "$O/tests/bench/unwind_build" <"$dir/files"
