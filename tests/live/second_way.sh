#!/bin/sh
# Where the first way of source heap is refused, its second one records the same.
set -eu
. tests/live/common.sh
need heap task
grep -q '^heap  *used  *uprobe.session' "$dir/check" || skip 'the first way does not work here'

cat > "$dir/record" <<END
#!/bin/sh
exec "$(realpath "$O/tests/live/second_way")" "$(realpath "$record")" "\$@"
END
chmod +x "$dir/record"
"$dir/record" --check --heap=uprobe > "$dir/check"
grep -q '^task  *used' "$dir/check" || skip 'with this libbpf other links are refused, too'
grep '^heap ' "$dir/check"
grep -q '^heap  *refused  *uprobe.session' "$dir/check" || fail 'the first way was not refused'
grep -q '^heap  *used  *uprobe malloc' "$dir/check" || fail 'the second way is not used'

for test in leaks order handover; do
	echo "== $test"
	record=$dir/record sh "tests/live/$test.sh"
done
