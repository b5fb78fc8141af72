#!/bin/sh
# Reports of the out-of-memory killer in many shapes: of the host, of cgroups of both versions, of a cpuset, by hand; old
# and new tables; lines of others between them; cut at the beginning.
. tests/golden/report.inc
cp -r "$golden/../../testdata/oom" logs

for log in logs/*.txt; do
	ask report oom-report --kmsg "$log"
done
ask report oom-report --kmsg logs/memcg-v2-6.12.txt --of 52010 --adj -1000 --top 1
ask report oom-report --kmsg logs/cut.txt --report 2 --format json
ask report dmesg --kmsg logs/sysrq-6.1.txt --level 4
ask report oom-report --kmsg /nowhere/log
printf '[99999999999999999999.0] far away\n6,1,9223372036854775807,-;beyond\n' > logs/stamps.txt
ask report dmesg --kmsg logs/stamps.txt
ask report oom-report --kmsg logs/cut.txt alpha.db
finish
