#!/bin/sh
# Unwind tables of more programs than there is memory for: some have to go, and come again. Until they do stacks are
# copies, all of this is counted, and no stack is wrong: those that could not be followed to their end say so.
set -eu
. tests/live/common.sh
need fault task
compiler=$(gcc -print-prog-name=cc1 2> "$dir/error") || skip 'no gcc'
[ -x "$compiler" ] || skip 'no cc1'
torture=$O/tests/stacks/torture

echo 'int f(int x) { return x * x; }' > "$dir/f.c"
again="$compiler -quiet -o /dev/null $dir/f.c; sleep 0.5; $torture all 32; sleep 0.5"
t=$dir/t.mtape
"$record" --max-memory=16M --heap=off -o "$t" -- sh -c "$again; $again"

counted() { # COUNTER
	query "$t" "SELECT coalesce(max(value), 0) FROM counter WHERE name = '$1'"
}
echo "$(counted recorder.unwind_tables) tables made, $(counted recorder.unwind_evicted) went again," \
	"$(counted recorder.unwind_refused) did not fit"
[ $(($(counted recorder.unwind_evicted) + $(counted recorder.unwind_refused))) -gt 0 ] || fail 'all tables fit'
copies=$(counted 'fault.stacks copied, no table yet') whole=$(counted 'fault.stacks whole')
echo "$copies copies, $whole walked in the kernel"
[ "$copies" -gt 0 ] || fail 'no copies'
[ "$whole" -gt 0 ] || fail 'no table was of use'

# Of each place any number, but none that is wrong.
"$torture" list 32 | awk -F '\t' -v OFS='\t' '$2 == "fault" { $3 = 0; print }' > "$dir/list"
query "$t" "SELECT printf('fault%s%d%s%s', char(9), count(*), char(9), folded)
	FROM fault JOIN stack_text USING (stack_id) GROUP BY folded" > "$dir/all"
grep -v 'not unwound further' "$dir/all" > "$dir/events" || fail 'no stack goes to its end'
awk -f tests/stacks/chains.awk "$dir/list" "$dir/events" > "$dir/chains" || { cat "$dir/chains"; fail 'wrong stacks'; }
right=$(awk '{ right += $4 } END { print right + 0 }' "$dir/chains")
echo "$right stacks of known places are right, none wrong; $(grep -c 'not unwound further' "$dir/all") kinds say that they are cut"
[ "$right" -gt 0 ] || fail 'no known place was seen'
