#!/bin/sh
# Fetches the kernels that tests/vm/guest/kernels names, those that are not there yet: vmlinuz, and modules in the order
# of loading, into $O/vm/NAME. With an apt state of its own, so the machine's stays as it is; installs nothing.
set -eu
O=${O:-build}
here=$(dirname "$0")
vm=$(realpath -m "$O/vm")
modules='virtio_pci virtio_blk'

# The mirror of security updates that this machine uses
mirror() {
	apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
		awk '$2 ~ /-security$/ { print $1; found = 1; exit } END { exit !found }' ||
		echo http://deb.debian.org/debian-security
}

# own_apt SUITE: sets $apt to the options for an apt state that knows that suite only
own_apt() {
	state=$vm/apt/$1
	mkdir -p "$state/lists/partial" "$state/cache/archives/partial" "$state/parts"
	: > "$state/status"
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(mirror) $1 main" > "$state/sources.list"
	apt="-o Dir::Etc::SourceList=$state/sources.list -o Dir::Etc::SourceParts=$state/parts
		-o Dir::Etc::PreferencesParts=$state/parts -o Dir::State::Lists=$state/lists
		-o Dir::State::Status=$state/status -o Dir::Cache=$state/cache -o Acquire::Languages=none
		-o APT::Sandbox::User=root -qq"
}

# unpack VERSION TO: what is needed of ./*.deb
unpack() {
	for package in ./*.deb; do
		dpkg-deb -x "$package" root
	done
	[ -e root/lib ] || ln -s usr/lib root/lib # from 6.16 on
	depmod -b root "$1"
	mkdir -p "$2.new/modules"
	cp "root/boot/vmlinuz-$1" "$2.new/vmlinuz"
	echo "$1" > "$2.new/version"
	number=10
	for module in $modules; do
		modprobe -d "$PWD/root" -S "$1" --show-depends "$module" | sed -n 's/^insmod //p'
	done | awk '!seen[$1]++ { print $1 }' | while read -r file; do
		name=$(basename "$file" .xz)
		case $file in
		*.xz) xz -dc "$file" ;;
		*) cat "$file" ;;
		esac > "$2.new/modules/$number-$name"
		number=$((number + 1))
	done
	mv "$2.new" "$2"
}

fetch() { # NAME SUITE PACKAGE
	own_apt "$2"
	work=$vm/work
	rm -rf "$work" "$vm/$1.new"
	mkdir -p "$work"
	(
		cd "$work"
		# shellcheck disable=SC2086
		apt-get $apt update
		# shellcheck disable=SC2086
		image=$(apt-cache $apt depends "$3" | awk '/Depends: linux-image-/ { print $2; exit }')
		[ -n "$image" ] || { echo "no $3 in $2"; exit 1; }
		echo "$1: $image"
		# shellcheck disable=SC2086
		apt-get $apt download "$image"
		unpack "${image#linux-image-}" "$vm/$1"
	)
	rm -rf "$work" "$state"
}

grep -v '^#' "$here/kernels" | while read -r name suite package; do
	[ -e "$vm/$name/vmlinuz" ] || fetch "$name" "$suite" "$package"
done
