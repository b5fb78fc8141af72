# Programs whose stacks are compared with libdwfl's. Source it, with $dir, a folder of its own, and $O.
# workload NAME [SIZE]: sets `command` and `options`, truth's; or leaves `command` empty and says in `why` what is missing.

work_python() {
	cat > "$dir/work.py" <<-'END'
	import decimal, json, random, re, sys
	random.seed(1)
	rounds = int(sys.argv[1])
	def tree(n):
	    return {str(i): tree(n - 1) for i in range(4)} if n else [random.random()] * 3
	def depth(n):
	    return depth(n - 1) + [n] if n else []
	for i in range(rounds):
	    text = json.dumps(tree(5), indent=1)
	    json.loads(text, object_hook=lambda o: dict(sorted(o.items(), key=lambda kv: (len(kv[0]), kv[0]))))
	    words = re.findall(r'[0-9]+\.([0-9]*?)5', text)
	    words.sort(key=lambda w: decimal.Decimal('0.' + w + '1') * 3)
	    re.sub(r'(\d)(\d)', lambda m: m.group(2) + m.group(1), text)
	    depth(400 + i)
	END
	options='-e 10'
	command="/usr/bin/python3 $dir/work.py ${1:-12}"
}

# A translation unit of a few thousand lines.
work_gcc() {
	awk -v n="${1:-250}" 'BEGIN {
		print "#include <stdio.h>\n#include <string.h>\nstruct s { int a, b; struct s *next; char t[16]; };"
		for (i = 0; i < n; i++) {
			printf "static int f%d(struct s *p, int x)\n{\n\tint sum = %d;\n", i, i
			printf "\tfor (int i = 0; i < x; i++) {\n\t\tswitch ((p->a ^ i) %% 7) {\n"
			for (j = 0; j < 6; j++)
				printf "\t\tcase %d:\n\t\t\tsum += p->b * %d + i;\n\t\t\tbreak;\n", j, i + j
			printf "\t\tdefault:\n\t\t\tsum -= (int)strlen(p->t);\n\t\t}\n\t\tif (p->next)\n\t\t\tp = p->next;\n\t}\n"
			printf "\treturn sum%s;\n}\n\n", i ? sprintf(" + f%d(p, x / 2)", i - 1) : ""
		}
		printf "int main(void)\n{\n\tstruct s s = { 1, 2, &s, \"t\" };\n\tprintf(\"%%d\\n\", f%d(&s, 40));\n}\n", n - 1
	}' > "$dir/work.c"
	options='-e 10'
	command="gcc -O1 -o $dir/work $dir/work.c"
}

work_sqlite() {
	command -v sqlite3 > "$dir/found" || { why='no sqlite3'; return; }
	cat > "$dir/work.sql" <<-END
	CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c REAL);
	WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${1:-30000})
		INSERT INTO t SELECT i, hex(randomblob(12)), (i * 7919) % 10007 FROM n;
	CREATE INDEX tb ON t(b);
	CREATE INDEX tc ON t(c, b);
	SELECT count(*), sum(length(b)) FROM t WHERE b LIKE '%AB%';
	SELECT c, group_concat(b) FROM t GROUP BY c ORDER BY max(b) DESC LIMIT 20;
	SELECT count(*) FROM t x JOIN t y ON x.c = y.c AND x.b < y.b;
	UPDATE t SET b = lower(b) WHERE a % 3 = 0;
	DELETE FROM t WHERE a % 5 = 0;
	VACUUM;
	END
	options='-e 2'
	command="sqlite3 $dir/work.db -init $dir/work.sql .quit"
}

work_repository() {
	command -v git > "$dir/found" || { why='no git'; return 1; }
	[ -d "$dir/repository" ] || git -c safe.directory='*' clone -q --no-hardlinks . "$dir/repository" 2> "$dir/error" ||
		{ why='this folder is not a git repository'; return 1; }
}

work_log() {
	work_repository || return 0
	command="git -C $dir/repository --no-pager log -p --stat"
}

work_pack() {
	work_repository || return 0
	command="git -C $dir/repository pack-objects --threads=2 --all --revs --no-reuse-delta --stdout"
}

work_node() {
	command -v node > "$dir/found" || { why='no node'; return; }
	cat > "$dir/work.js" <<-'END'
	const words = [];
	for (let i = 0; i < 200000; i++) words.push(((i * 7919) % 104729).toString(36));
	const count = new Map();
	for (const w of words) count.set(w, (count.get(w) || 0) + 1);
	const fib = (n) => (n < 2 ? n : fib(n - 1) + fib(n - 2));
	for (let i = 0; i < 20; i++) {
	  const sorted = words.slice().sort((a, b) => (a < b ? 1 : a > b ? -1 : 0)).map((w) => ({ w, n: w.length }));
	  JSON.parse(JSON.stringify(sorted), (k, v) => (typeof v === 'number' ? v + 1 : v));
	  sorted.map((o) => o.w.replace(/[a-f]/g, (c) => c.toUpperCase())).join(' ').match(/[0-9]+[A-F]/g);
	  fib(22);
	}
	END
	# Its table takes 0.1 s, for which stacks are copies. As the command of a recording it would be there before.
	options="-e 20 -g -w 99.9 -t $(realpath "$(cat "$dir/found")")"
	command="$(cat "$dir/found") $dir/work.js"
}

work_torture() {
	[ -x "$O/tests/stacks/torture" ] || { why='no torture program'; return; }
	options='-e 2 -g' # it makes many events in _init and _fini, which have no CFI
	command="$O/tests/stacks/torture all ${1:-1000}"
}

workload() { # NAME [SIZE]
	command= why= options=
	"work_$1" ${2:-}
}
