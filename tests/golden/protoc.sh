#!/bin/sh
# A trace is one protobuf message in zstd frames: protoc reads it, zstd repacks it, nothing is lost.
set -eu
command -v protoc >/dev/null || { echo "protoc is not installed"; exit 77; }
command -v zstd >/dev/null || { echo "zstd is not installed"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "$1" >&2; exit 1; }

"$O/tests/unit/format_roundtrip" write "$work/a.mtape"
zstd -q -t "$work/a.mtape" || fail "zstd -t finds an error"
zstd -q -d -c "$work/a.mtape" > "$work/content"
protoc --decode=memtape.Trace format/trace.proto < "$work/content" > "$work/text"
[ "$(grep -c '^batch {' "$work/text")" -eq 27 ] || fail "not 27 batches"
[ "$(grep -c '^  block {' "$work/text")" -eq 6 ] || fail "not 6 blocks"
grep -q 'path: "/usr/bin/daemon"' "$work/text" || fail "no path"
grep -q 'uid_null: 1' "$work/text" || fail "no list of NULL rows"
! grep -qE '^ +[0-9]+: ' "$work/text" || fail "fields that trace.proto does not have"

protoc --encode=memtape.Trace format/trace.proto < "$work/text" > "$work/encoded"
protoc --decode=memtape.Trace format/trace.proto < "$work/encoded" | cmp - "$work/text"
