#!/bin/sh
# procfs_odd.sh DIR: a tree of a host that goes wrong, at four instants: counters begin anew, numbers have more than 64
# bits, lines are garbage, files and counters are missing or vanish, the wall clock jumps back.
set -eu
for i in 1 2 3 4; do
	proc=$1/$i/proc
	mkdir -p "$proc/pressure" "$proc/7" "$proc/8"
	echo "$((1000 + i)).00 5.00" > "$proc/uptime"
	printf 'cpu  %d 0 %d %d 0\ncpu0 1 1 1 1\nintr %d 5\nctxt x\nbtime %d\nprocs_running 1\n' \
		$((i * 40)) $((i * 10)) $((i * 50)) $((i * 10)) $((1700000000 - i * 3600)) > "$proc/stat"
	printf 'MemTotal:  1000 kB\nMemFree:  %d kB\n\nBuffers\nCached: 99999999999999999999 kB\nSwapTotal: -1 kB\nSwapFree:\t12abc kB\n: : :\n' \
		$((i * 100)) > "$proc/meminfo"
	case $i in # begins anew at 3
	1) printf 'pgfault 1000\npswpin 18446744073709551615\npswpout 5\nunknown_counter 3\n' ;;
	2) printf 'pgfault 3000\npswpin 18446744073709551616\npswpout 5\nunknown_counter 4\n' ;;
	3) printf 'pgfault 10\npswpin 1\npswpout 5\n' ;;
	4) printf 'pgfault 30\npswpin 3\npswpout\n\0\377garbage\n' ;;
	esac > "$proc/vmstat"
	printf 'some avg10=x avg60=1.00 avg300=1.00 total=%d\nfull\nnonsense\n' $((i * 1000)) > "$proc/pressure/memory"
	[ $i = 3 ] || printf 'slabinfo - version: 2.1\n# name\nshort 1 2\ndentry 10 10 192 21 1 : tunables 0 0 0 : slabdata 1 %s 0\n' \
		"$([ $i = 4 ] && echo 99999999999999999999999 || echo 1)" > "$proc/slabinfo"
	printf 'Node 0, zone\nNode 0, zone DMA 1 x 3\n' > "$proc/buddyinfo"
	echo "no brackets here" > "$proc/7/stat"
	echo "8 (ok) R 1 8 8 0 -1 0 0 0 0 0 1 1 0 0 20 0 1 0 5 4096 99999999999999999999" > "$proc/8/stat"
	printf 'State:\nUid:\t0\nVmRSS:\t%s kB\n' "$([ $i = 4 ] && echo 99999999999999999999 || echo 4)" > "$proc/8/status"
	printf 'garbage\n10-20 rw-p 0 00:00 0 [heap]\nRss: 4\nRss\nzz-20 rw-p\n' > "$proc/8/smaps"
done
