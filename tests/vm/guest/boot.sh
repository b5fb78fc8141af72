# Boots the kernel $kernel with this build in it, and leaves what comes out in $O/vm/$kernel: the folder results, and
# the console. Source it from a test, from the repository's root; it skips the test where it cannot run.

. tests/live/common.sh
. tests/live/checks.sh
vm=$O/vm/$kernel
for command in qemu-system-x86_64 busybox cpio; do
	command -v $command > /dev/null || skip "no $command here: make setup vm"
done
[ -e "$vm/vmlinuz" ] || skip "no $kernel here: make setup vm"

guest_programs="memtape memtape-record tests/live/oracle tests/live/regions tests/live/calls
	tests/live/pressure tests/stacks/torture"

# Links followed: what ldd names is found at these paths.
copy() { # FILE TO
	mkdir -p "$(dirname "$2")"
	cp -L "$1" "$2"
}

guest_root() { # FOLDER
	for folder in bin proc sys dev tmp var/tmp modules memtape; do
		mkdir -p "$1/$folder"
	done
	copy "$(command -v busybox)" "$1/bin/busybox"
	copy tests/vm/guest/init "$1/init"
	printf '#!/bin/sh\n[ "$1" = PAGESIZE ] && echo %d || echo %d\n' "$(getconf PAGESIZE)" "$(getconf CLK_TCK)" \
		> "$1/bin/getconf"
	chmod +x "$1/init" "$1/bin/getconf"
	cp "$vm"/modules/*.ko "$1/modules"
	cp --parents tests/cgroup.sh tests/live/checks.sh tests/vm/guest/inside.sh testdata/procfs.sh "$1/memtape"
	for program in $guest_programs; do
		copy "$O/$program" "$1/memtape/build/$program"
		ldd "$O/$program"
	done > "$dir/libraries"
	cp -r "$O/tests/stacks/lib" "$1/memtape/build/tests/stacks"
	for library in $(grep -o '/[^ ]* (' "$dir/libraries" | grep -v /tests/stacks/ | cut -d' ' -f1 | sort -u); do
		copy "$library" "$1$library"
	done
}

guest_boot() {
	mkdir "$dir/root"
	guest_root "$dir/root"
	(cd "$dir/root" && find . | cpio -o -H newc -R 0:0 --quiet | gzip -1) > "$dir/initrd"
	truncate -s 256M "$dir/scratch"
	truncate -s 64M "$dir/out"
	# Expedited: waiting for other CPUs takes no time that anybody wants to measure here.
	timeout -k 5 500 qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 768M \
		-nodefaults -no-user-config -display none -no-reboot -serial stdio \
		-kernel "$vm/vmlinuz" -initrd "$dir/initrd" \
		-append 'console=ttyS0 panic=-1 softlockup_panic=1 loglevel=5 rcupdate.rcu_expedited=1' \
		-drive file="$dir/scratch",format=raw,if=none,id=scratch,cache=unsafe \
		-device virtio-blk-pci,drive=scratch \
		-drive file="$dir/out",format=raw,if=none,id=out,cache=unsafe \
		-device virtio-blk-pci,drive=out \
		< /dev/null > "$vm/console" 2>&1 || fail "qemu: status $?: $(tail -n 60 "$vm/console")"
	rm -rf "$vm/results"
	tar -x -C "$vm" -f "$dir/out" && [ -e "$vm/results/steps" ] || fail "no results: $(tail -n 60 "$vm/console")"
}

# steps NAME...: these went well
steps() {
	for step; do
		grep "^$step " "$results/steps" || fail "no step $step: $(tail -n 60 "$vm/console")"
		grep -q "^$step 0 " "$results/steps" || fail "$step: $(cat "$results/$step.err")"
	done
}

# uses SOURCE [WAY...]: the guest's --check says that it is used, by a way whose text begins like this
uses() {
	source=$1
	shift
	grep -q "^$source  *used  *$*" "$results/check" || fail "not used: $source $*"
}

# refuses SOURCE WHY: no way gives it, for that reason
refuses() {
	! grep -q "^$1  *used" "$results/check" || fail "used: $1"
	grep -q "^$1  *refused .*$2" "$results/check" || fail "not refused so: $1"
}

# same_report NAME TRACE: the guest's report is what this machine makes of the guest's trace
same_report() {
	"$memtape" report "$1" "$results/$2.mtape" > "$dir/$1"
	cmp "$dir/$1" "$results/$1.report" || fail "the report $1 of $2 is not the guest's"
}

guest_boot
results=$vm/results
cat "$results/check" "$results/steps"
