#!/bin/sh
# A trace recompressed by the zstd command, by protoc, or in pieces, has the same rows.
set -eu
command -v zstd >/dev/null || { echo "zstd is not installed"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
rows() { "$O/tests/unit/format_roundtrip" rows "$1"; }
fail() { echo "$1" >&2; exit 1; }

"$O/tests/unit/format_roundtrip" write "$work/a.mtape"
rows "$work/a.mtape" > "$work/rows"
[ "$(wc -l < "$work/rows")" -gt 40 ] || fail "few rows"

for options in -1 -19 '--long=27 -5' '-3 --no-check' '-T2 -B4K'; do
	# shellcheck disable=SC2086
	zstd -q -d -c "$work/a.mtape" | zstd -q $options -c > "$work/b.zst"
	rows "$work/b.zst" | cmp - "$work/rows" || fail "zstd $options changes rows"
done

# In frames that end anywhere, as pzstd and rsyncable tools make them.
zstd -q -d -c "$work/a.mtape" > "$work/content"
: > "$work/c.zst"
for skip in $(seq 0 100 $(($(wc -c < "$work/content") - 1))); do
	dd if="$work/content" bs=1 skip="$skip" count=100 2>/dev/null | zstd -q -c >> "$work/c.zst"
done
rows "$work/c.zst" | cmp - "$work/rows" || fail "pieces change rows"

cat "$work/a.mtape" "$work/b.zst" > "$work/d.mtape"
rows "$work/d.mtape" | cmp - "$work/rows" || fail "a copy behind it adds rows"
