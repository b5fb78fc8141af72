#!/bin/sh
# Every report of a small recording, in every format.
. tests/golden/report.inc

ask report
for report in overview leaks faults vmscan sources losses; do
	ask report $report alpha.db
done
for format in csv json folded svg; do
	ask report leaks alpha.db --format $format
done
ask report faults alpha.db --format folded
ask report vmscan alpha.db --format csv
finish
