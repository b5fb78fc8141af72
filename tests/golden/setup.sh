#!/bin/sh
# With a package missing every target but setup stops with the one line to run, and setup installs what is missing,
# only the tier that is asked for.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

# A dpkg-query that knows all packages but the two of $absent, and an apt-get that only says what it was asked for.
cat > "$dir/dpkg-query" <<'END'
#!/bin/sh
for package; do :; done
case " $absent " in *" $package "*) exit 1 ;; esac
printf 'install ok installed'
END
cat > "$dir/apt-get" <<'END'
#!/bin/sh
echo "apt-get $*" >> "$calls"
END
chmod +x "$dir/dpkg-query" "$dir/apt-get"
export PATH="$dir:$PATH" absent='libbpf-dev strace' calls="$dir/calls"

fail() { echo "$*" >&2; exit 1; }
unset MAKEFLAGS MAKELEVEL MFLAGS CI
make O="$dir/build" demo > "$dir/out" 2>&1 && fail 'demo went on without libbpf-dev'
cat "$dir/out"
[ "$(wc -l < "$dir/out")" = 1 ] || fail 'not one line'
grep -q 'not installed: libbpf-dev. Run: make setup demo' "$dir/out" || fail 'does not say what to run'

make O="$dir/build" setup
grep -q 'install .*libbpf-dev' "$calls" || fail 'setup does not install libbpf-dev'
! grep -q strace "$calls" || fail 'setup installs what only tests need'
make -n O="$dir/build" setup test 2>/dev/null | head -1 | grep -q strace || fail 'setup test does not install strace'
