#!/bin/sh
# Records testdata anew: needs root, a build and a small memory cgroup. The traces hold this host's name and kernel.
set -eu
cd "$(dirname "$0")/.."
O=${O:-build}
. tests/cgroup.sh
cgroup=
trap cgroup_remove EXIT
made=$(cgroup_make "memtape-demo-$$" $((48 << 20)) && echo "$cgroup") || { echo "$made" >&2; exit 1; }
cgroup=$made
rm -f testdata/demo.mtape
"$O/memtape-record" -o testdata/demo.mtape -- \
	/bin/sh -c "echo \$\$ > $cgroup/cgroup.procs; exec $O/tests/demo/demo 10"
