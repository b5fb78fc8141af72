#!/bin/sh
# Reports of a small recording, in every format; and the list of all that there are.
. tests/golden/report.inc

# The list says what the first line of each file says.
for file in "$golden"/../../report/*.sql; do
	line=$(head -1 "$file")
	line=${line#-- }
	"$memtape" report | grep -qF "$(basename "$file" .sql) " ||
		{ echo "$(basename "$file" .sql) is not in the list"; exit 1; } >&3
	"$memtape" report | grep -qF "${line%.}" || { echo "the list does not say: $line"; exit 1; } >&3
done
for report in overview leaks faults ffaults perf-stat perf-report vmscan sources losses; do
	ask report $report alpha.db
done
for format in csv json folded svg; do
	ask report leaks alpha.db --format $format
done
ask report faults alpha.db --format folded
ask report vmscan alpha.db --format csv
finish
