#!/bin/sh
# Unwind rows of the host's libraries and of programs with every kind of frame, judged by readelf: each row that it
# prints has the same rule for the CFA and for rbp, and no row changes where readelf knows of no change.
set -eu
[ "$(uname -m)" = x86_64 ] || { echo 'x86-64 only'; exit 77; }
for tool in readelf python3 gcc objcopy; do
	command -v $tool >/dev/null || { echo "$tool is not installed"; exit 77; }
done
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

cat >"$dir/frames.c" <<'END'
#include <alloca.h>
#include <string.h>

void use(void *, long);
void vla(long n) { char bytes[n]; use(bytes, n); }
void with_alloca(long n) { while (n--) use(alloca(n), n); }
void realigned(long n) { char bytes[256] __attribute__((aligned(64))); use(bytes, n); }
void realigned_alloca(long n) { char bytes[256] __attribute__((aligned(64))); use(bytes, n); use(alloca(n), n); }
void huge(long n) { char bytes[300000]; use(bytes, n); }
long many(long n, long *p) { long a = p[0], b = p[1], c = p[2], d = p[3], e = p[4]; use(p, n); return a ^ b ^ c ^ d ^ e; }
__attribute__((weak)) void use(void *p, long n) { memset(p, n, 1); }
int main(int n, char **v) { long p[5] = { 0 }; realigned(n); realigned_alloca(n); vla(n); with_alloca(n); huge(n);
	return many(n, p) + **v; }
END
cd "$dir"
gcc -g -O2 -o o2 frames.c
gcc -g -O1 -fno-omit-frame-pointer -o fp frames.c
gcc -O2 -fcf-protection=none -static -o static frames.c
gcc -g -O2 -fno-asynchronous-unwind-tables -fno-unwind-tables -c -o debug.o frames.c
gcc -g -O2 -fno-asynchronous-unwind-tables -fno-unwind-tables -gz=zlib -o debug frames.c
objcopy --remove-section .eh_frame --remove-section .eh_frame_hdr debug only_debug
cd - >/dev/null

libc=$(ldd "$O/tests/unit/unwind_table" | awk '$1 == "libc.so.6" { print $3 }')
linker=$(readelf -lW "$O/tests/unit/unwind_table" | sed -n 's/.*interpreter: \(.*\)]/\1/p')
python=$(python3 -c 'import sys; print(sys.executable)')
[ ! -x /usr/bin/python3 ] || python=/usr/bin/python3
python3 - "$O/tests/unit/unwind_table" "$libc" "$linker" "$python" /bin/sh \
	"$dir/o2" "$dir/fp" "$dir/static" "$dir/debug" "$dir/only_debug" <<'END'
import bisect, re, subprocess, sys

NONE, RSP, RBP, PLT, SIGNAL, COMPLEX, DEREF, OUTERMOST, RSP_DEREF = range(9)
AT_FP, AT_CFA = 0x10, 0x20


# readelf fails where a file with debug symbols is named that is not there.
def lines(*command):
    return subprocess.run(command, check=command[0] != 'readelf', stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          text=True).stdout.splitlines()


def segments(path):
    found = []
    for line in lines('readelf', '-lW', path):
        match = re.match(r' *LOAD +(0x\w+) (0x\w+) 0x\w+ (0x\w+) 0x\w+ R?W? ?W?E', line.replace('R E', 'RE'))
        if match:
            found.append([int(number, 16) for number in match.groups()])
    return found


def to_offset(where, address):
    for offset, start, size in where:
        if start <= address < start + size:
            return address - start + offset
    return None


# {address: {column: rule}} of all rows, and where FDEs end. .eh_frame is asked first. Of an FDE without instructions
# readelf prints no row: the one that its CIE has.
def interpreted(path, where):
    rows, ends, columns, cies, cie, start, end = {}, set(), [], {}, None, 0, 0
    for line in lines('readelf', '--debug-dump=frames-interp', path):
        match = re.match(r'(\w+) \w+ \w+ (?:CIE|FDE cie=(\w+) pc=(\w+)\.\.(\w+))', line)
        if match and not match.group(2):
            cie = match.group(1)
        elif match:
            cie, start, end = None, int(match.group(3), 16), int(match.group(4), 16)
            if to_offset(where, start) is None:
                end = start
            else:
                ends.add(end)
                if match.group(2) in cies:
                    rows.setdefault(start, cies[match.group(2)])
        elif line.startswith('   LOC'):
            columns = line.split()[1:]
        elif re.match(r'[0-9a-f]{16} ', line):
            address, *rules = re.sub(r'(r\d+) \(\w+\)', r'\1', line).split()
            address, rules = int(address, 16), dict(zip(columns, rules))
            if cie is not None:
                cies[cie] = rules
            elif address == start and start < end:
                rows[address] = rules
            elif address < end:
                rows.setdefault(address, rules)
    return rows, ends


# {address: text} of the CFA's and rbp's expressions that are set there.
def expressions(path):
    cfa, rbp, at = {}, {}, 0
    for line in lines('readelf', '--debug-dump=frames', path):
        match = re.search(r' FDE .*pc=(\w+)\.\.|DW_CFA_advance_loc.* to (\w+)', line)
        if match:
            at = int(match.group(1) or match.group(2), 16)
        match = re.search(r'DW_CFA_def_cfa_expression \((.*)\)$', line)
        if match:
            cfa[at] = match.group(1)
        match = re.search(r'DW_CFA_expression: r6 \(rbp\) \((.*)\)$', line)
        if match:
            rbp[at] = match.group(1)
    return cfa, rbp


def fits(offset, bits):
    return offset % 8 == 0 and -(1 << bits - 1) <= offset // 8 < 1 << bits - 1


# What the row is to be, as (type, cfa); None: as complex as it is.
def expected_cfa(rule, expression):
    match = re.fullmatch(r'(rsp|rbp)([+-]\d+)', rule)
    if match:
        offset = int(match.group(2))
        return (RSP if match.group(1) == 'rsp' else RBP, offset // 8) if fits(offset, 16) else None
    match = re.fullmatch(r'DW_OP_breg6 \(rbp\): (-?\d+); DW_OP_deref', expression or '')
    if match:
        return DEREF, int(match.group(1)) // 8
    match = re.fullmatch(r'DW_OP_breg7 \(rsp\): (-?\d+); DW_OP_deref; DW_OP_plus_uconst: 8', expression or '')
    if match:
        return RSP_DEREF, int(match.group(1)) // 8
    match = re.fullmatch(r'DW_OP_breg7 \(rsp\): 8; DW_OP_breg16 \(rip\): 0; DW_OP_lit15; DW_OP_and; DW_OP_lit(\d+); '
                         r'DW_OP_ge; DW_OP_lit3; DW_OP_shl; DW_OP_plus', expression or '')
    return (PLT, int(match.group(1))) if match else None


# (flag, fp); None: complex.
def expected_fp(rule, expression):
    if rule in ('u', 's'):
        return 0, 0
    match = re.fullmatch(r'c([+-]\d+)', rule)
    if match:
        return (AT_CFA, int(match.group(1)) // 8) if fits(int(match.group(1)), 8) else None
    match = re.fullmatch(r'DW_OP_breg6 \(rbp\): (-?\d+)', expression or '')
    return (AT_FP, int(match.group(1)) // 8) if match else None


def disagrees(rules, row, cfa_expression, rbp_expression):
    kind, cfa, fp = row
    if rules.get('ra') == 'u':
        return kind != OUTERMOST
    if cfa_expression == 'DW_OP_breg7 (rsp): 160; DW_OP_deref' and rules['ra'] == 'exp':
        return kind != SIGNAL
    wanted_cfa = expected_cfa(rules['CFA'], cfa_expression)
    wanted_fp = expected_fp(rules.get('rbp', 'u'), rbp_expression)
    if not wanted_cfa or not wanted_fp or rules.get('ra') != 'c-8' or rules.get('rsp', 'u') != 'u':
        return kind != COMPLEX
    return (kind & 15, cfa) != wanted_cfa or (kind & ~15, fp) != wanted_fp


def check(program, path):
    where = segments(path)
    table = [tuple(map(int, line.split())) for line in lines(program, path)]
    starts = [row[0] for row in table]
    rows, ends = interpreted(path, where)
    cfa_expressions, rbp_expressions = expressions(path)
    failures, complex_rows, coroutines, kinds = [], 0, 0, set()
    code = open(path, 'rb').read()
    if starts != sorted(set(starts)) or any(a[1:] == b[1:] for a, b in zip(table, table[1:])):
        failures.append('not sorted, or equal neighbours')
    changes = {to_offset(where, address) for address in rows} | {to_offset(where, end - 1) + 1 for end in ends}
    # An expression holds until the next one, and from a restored state on: the last one of the function does.
    last_cfa = last_rbp = None
    for address in sorted(rows):
        last_cfa = cfa_expressions.get(address, last_cfa)
        last_rbp = rbp_expressions.get(address, last_rbp)
        rules, offset = rows[address], to_offset(where, address)
        row = table[bisect.bisect_right(starts, offset) - 1][1:]
        complex_rows += row[0] == COMPLEX
        kinds.add(row[0] & 15)
        if row[0] == OUTERMOST and code[offset:offset + 3] == b'\x48\x89\xdc':
            coroutines += 1  # __start_context takes its stack from rbx
        elif disagrees(rules, row, last_cfa if rules['CFA'] == 'exp' else None,
                     last_rbp if rules.get('rbp') == 'exp' else None):
            failures.append('%#x: %s, the row is %s, CFA %s' % (address, rules, row, last_cfa))
    known = [row for row in table if row[0] not in changes]
    for row in known:
        if row[1] not in (NONE, RSP, PLT, OUTERMOST):
            failures.append('%#x: %s where nothing changes' % (row[0], row))
    print('%s: %d rows, %d of readelf, %d complex, %d for code that it does not know' %
          (path, len(table), len(rows), complex_rows, len(known)))
    if coroutines > 1:
        failures.append('%d places where coroutines begin' % coroutines)
    if len(known) > 16:
        failures.append('too many')
    if not rows:
        failures.append('readelf prints nothing')
    return failures, kinds


program, *paths = sys.argv[1:]
failures, kinds = [], set()
for path in paths:
    failed, seen = check(program, path)
    failures += ['%s: %s' % (path, failure) for failure in failed]
    kinds |= seen
if not {RSP, RBP, PLT, SIGNAL, DEREF, OUTERMOST} <= kinds:
    failures.append('not every kind was seen, only %s' % kinds)
sys.exit('\n'.join(failures[:50]) or 0)
END
