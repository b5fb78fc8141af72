#!/bin/sh
# A stripped program is recorded; with its debug information, kept elsewhere, reports show source lines and inlined
# functions, as addr2line tells them.
set -eu
. tests/live/common.sh
need heap task
for tool in cc objcopy addr2line; do
	command -v $tool > /dev/null || skip "$tool is not installed"
done

cat > "$dir/app.c" << 'END'
#include <stdlib.h>
static void *volatile kept;
static inline __attribute__((always_inline)) void *grow(size_t size)
{
	return malloc(size);
}
static inline __attribute__((always_inline)) void add_page(size_t n)
{
	kept = grow(1000 * n);
}
static __attribute__((noinline)) void load(size_t n)
{
	for (size_t i = 1; i <= n; i++)
		add_page(i);
}
int main(int argc, char **argv)
{
	(void)argv;
	load(20);
	load((size_t)argc);
	return kept == NULL;
}
END
cc -O2 -g -fno-omit-frame-pointer -fno-optimize-sibling-calls -Wl,--build-id -o "$dir/whole" "$dir/app.c"
objcopy --only-keep-debug "$dir/whole" "$dir/app.debug-info"
mkdir "$dir/debug"
mv "$dir/app.debug-info" "$dir/debug"
cp "$dir/whole" "$dir/app"
strip "$dir/app"
"$record" -o "$dir/t.mtape" -- "$dir/app"
"$memtape" report leaks "$dir/t.mtape" --top 1 --comm app | tee "$dir/before"
grep -qE '^        \[app [0-9a-f]{8}\+0x[0-9a-f]+\]$' "$dir/before" || fail 'frames without names do not say what they are'

"$memtape" symbolize "$dir/t.mtape" --debug-dir "$dir/debug"
"$memtape" report leaks "$dir/t.sym.mtape" --top 1 --comm app | tee "$dir/after"
for line in 'grow  app.c:5' 'add_page  app.c:9' 'load  app.c:14' 'main  app.c:19'; do
	grep -q "^        $line\$" "$dir/after" || fail "no frame '$line'"
done
"$memtape" report leaks "$dir/t.sym.mtape" --comm app --format folded | tee "$dir/folded"
grep -q 'main;load;add_page;grow;malloc' "$dir/folded" || fail 'inlined functions are no frames'
"$memtape" report leaks "$dir/t.sym.mtape" --comm app --format svg | grep -q '<title>add_page: ' || fail 'not in the flame graph'
"$memtape" analyze "$dir/t.sym.mtape" > /dev/null
"$memtape" report leaks "$dir/t.sym.db" --top 1 --comm app | diff "$dir/after" - || fail 'the database says something else'

# What a report shows of a frame without a name is what addr2line takes; of a caller it is the address behind the call.
# Code of the start files has no line.
grep -oE '\[app [0-9a-f]{8}\+0x[0-9a-f]+\]' "$dir/before" | sed 's/.*+\(0x.*\)]/\1/' | while read -r address; do
	addr2line -f -i -s -e "$dir/whole" "$(printf '0x%x' $((address - 1)))" | paste - - | sed 's/ (discr.*//'
done > "$dir/truth"
grep -v '??:' "$dir/truth" | tr '\t' ' ' | sed 's/ / */;s/.*/^ *&$/' > "$dir/patterns"
cat "$dir/patterns"
while read -r pattern; do
	grep -q -- "$pattern" "$dir/after" || fail "addr2line says $pattern"
done < "$dir/patterns"
[ "$(wc -l < "$dir/patterns")" -ge 4 ] || fail 'too few frames'

# The same from a debuginfod server.
command -v python3 > /dev/null || skip 'python3 is not installed; all but debuginfod is right'
id=$(readelf -n "$dir/whole" | sed -n 's/.*Build ID: //p')
mkdir -p "$dir/www/buildid/$id" "$dir/empty"
cp "$dir/debug/app.debug-info" "$dir/www/buildid/$id/debuginfo"
python3 -c 'import functools, http.server as h, sys
server = h.HTTPServer(("127.0.0.1", 0), functools.partial(h.SimpleHTTPRequestHandler, directory=sys.argv[1]))
print(server.server_port, flush=True)
server.serve_forever()' "$dir/www" > "$dir/port" 2> "$dir/requests" &
server=$!
cleanup() { kill "$server"; }
until [ -s "$dir/port" ]; do sleep 0.1; done
export DEBUGINFOD_URLS="http://127.0.0.1:$(cat "$dir/port")/" DEBUGINFOD_CACHE_PATH="$dir/cache"
"$memtape" symbolize "$dir/t.mtape" --debug-dir "$dir/empty" -o "$dir/none.mtape"
[ ! -s "$dir/requests" ] || fail 'a server was asked without --debuginfod'
"$memtape" symbolize "$dir/t.mtape" --debug-dir "$dir/empty" --debuginfod -o "$dir/d.mtape" > "$dir/out" 2> "$dir/err" || {
	grep -q 'needs the library libdebuginfod' "$dir/err" || fail "$(cat "$dir/err")"
	skip 'libdebuginfod1 is not installed; all else is right'
}
cat "$dir/out"
"$memtape" report leaks "$dir/d.mtape" --top 1 --comm app | diff "$dir/after" - || fail 'debuginfod gave something else'
