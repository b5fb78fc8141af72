#!/bin/sh
# System calls about memory: decoded, summed, and what became of the segments of shared memory, at two times.
. tests/golden/report.inc
sqlite3 alpha.db < "$golden/report_calls.sql"

for report in mmapsnoop brkstack shmsnoop; do
	ask report $report alpha.db
done
ask report mmapsnoop alpha.db --rows 2 --top 1 --pid 42
ask report brkstack alpha.db --top 1
ask report shmsnoop alpha.db --to 14:03:08 --rows 0 --comm demo
for report in mmapsnoop brkstack shmsnoop; do
	ask report $report alpha.db --format folded
done
finish
