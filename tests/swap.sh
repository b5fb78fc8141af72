# A swap device of our own, of memory. Source it; needs root.
# swap_make BYTES   sets $swap to the device, in use with the highest priority; or fails and says why
# swap_remove       takes it out of use and removes it

swap_make() {
	swap=
	[ -e /sys/class/zram-control/hot_add ] || modprobe -q zram 2>/dev/null || :
	zram=$(cat /sys/class/zram-control/hot_add 2>/dev/null) || { echo 'no zram here'; return 1; }
	swap=/dev/zram$zram
	echo "$1" > "/sys/block/zram$zram/disksize" && mkswap "$swap" > /dev/null &&
		swapon -p 32767 "$swap" || { echo "cannot swap to $swap"; return 1; }
}

swap_remove() {
	[ -n "${swap:-}" ] || return 0
	! grep -q "^$swap " /proc/swaps || swapoff "$swap" || return 1
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		echo "${swap#/dev/zram}" 2>/dev/null > /sys/class/zram-control/hot_remove && swap= && return 0
		sleep 0.2
	done
	echo "could not remove $swap" >&2
	return 1
}
