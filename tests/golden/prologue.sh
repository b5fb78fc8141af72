#!/bin/sh
# Probe offsets in the host's libc, judged by a disassembler: the instruction is one that the kernel emulates, and none
# before it writes memory or a register that a heap probe reads. Every exported function is tried.
set -eu
[ "$(uname -m)" = x86_64 ] || { echo 'x86-64 only'; exit 77; }
for tool in objdump readelf python3; do
	command -v $tool >/dev/null || { echo "$tool is not installed"; exit 77; }
done
libc=$(ldd "$O/tests/unit/prologue" | awk '$1 == "libc.so.6" { print $3 }')
[ -n "$libc" ] || { echo 'not linked with libc.so.6'; exit 77; }

exec python3 - "$O/tests/unit/prologue" "$libc" <<'END'
import re, subprocess, sys

program, libc = sys.argv[1:]
heap = 'malloc calloc realloc free posix_memalign aligned_alloc'.split()
kept = {'rsp': 'rsp esp sp spl', 'rdi': 'rdi edi di dil', 'rsi': 'rsi esi si sil', 'rdx': 'rdx edx dx dl dh'}
kept = {name for names in kept.values() for name in names.split()}
readers = {'cmp', 'test', 'bt', 'nop', 'endbr64', 'cdqe', 'cwde', 'data16'}
writers = re.compile(r'(mov|movabs|movzx|movsx|movsxd|lea|xor|or|and|add|sub|adc|sbb|inc|dec|neg|not|imul|shl|shr|sar|'
                     r'rol|ror|bswap|bsf|bsr|set\w+|cmov\w+|movd|movq|movups|movaps|movapd|movupd|movdqa|pxor|xorps|'
                     r'xorpd|punpcklqdq)$')
branch = re.compile(r'(j[a-z]+|call)$')


def emulated(code, name, operands):
    if name == 'push':
        return re.fullmatch(r'r\w+', operands) is not None
    if code == '90' or code == '0f1f440000':
        return True
    return branch.match(name) is not None and re.match(r'[0-9a-f]+ ', operands + ' ') is not None


def harmless(name, operands):
    if name in readers:
        return True
    target = operands.split(',')[0]
    return writers.match(name) is not None and ' PTR ' not in target and target not in kept


def output(*command, **options):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, **options).stdout


instructions = {}
for line in output('objdump', '-d', '-w', '-M', 'intel', libc).splitlines():
    match = re.match(r' *([0-9a-f]+):\t([0-9a-f ]+?) *\t(\S+) *(.*)', line)
    if match:
        at, code, name, operands = match.groups()
        instructions[int(at, 16)] = (code.replace(' ', ''), name, operands.split('#')[0].split('<')[0].strip())

functions, sizes = {}, {}
for line in output('readelf', '-W', '--dyn-syms', libc).splitlines():
    field = line.split()
    if len(field) == 8 and field[3] == 'FUNC' and field[6] != 'UND':
        functions[field[7].split('@')[0]] = int(field[1], 16)
        sizes[field[7].split('@')[0]] = int(field[2], 0)


def code_at(address):
    code = ''
    while len(code) < 128 and address in instructions:
        code += instructions[address][0]
        address += len(instructions[address][0]) // 2
    return code


def expected(address):
    at = address
    while at in instructions:
        code, name, operands = instructions[at]
        if code != '0f1f440000' and emulated(code, name, operands):
            return at - address
        if not harmless(name, operands):
            return -1
        at += len(code) // 2
    return -1


def complaint(address, offset):
    at = address
    while at < address + offset:
        if at not in instructions or not harmless(*instructions[at][1:]):
            return 'passes %s' % (instructions.get(at),)
        at += len(instructions[at][0]) // 2
    if at != address + offset:
        return 'not at an instruction'
    return None if emulated(*instructions[at]) else 'chooses %s' % (instructions[at],)


def jumps(address, size):
    inside = [i for at, i in instructions.items() if address <= at < address + size and branch.match(i[1])]
    return {int(i[2].split(' ')[0], 16) for i in inside if re.match(r'[0-9a-f]+$', i[2].split(' ')[0])}


names = sorted(functions)
lines = ''.join(code_at(functions[name]) + '\n' for name in names)
offsets = [int(line) for line in output(program, 'offsets', input=lines).split()]
failures, missed, found = [], [], 0
if len(offsets) != len(names) or not set(heap) <= set(names):
    sys.exit('%d offsets of %d functions' % (len(offsets), len(names)))
for name, offset in zip(names, offsets):
    address = functions[name]
    if offset >= 0:
        found += 1
        why = complaint(address, offset)
        if why:
            failures.append('%s+%d: %s' % (name, offset, why))
        elif expected(address) not in (offset, -1):
            failures.append('%s+%d: %d is earlier' % (name, offset, expected(address)))
        if name in heap and address + offset in jumps(address, sizes[name]):
            failures.append('%s+%d: is jumped to' % (name, offset))
    elif expected(address) >= 0:
        missed.append('%s+%d' % (name, expected(address)))
    if name in heap and offset < 0:
        failures.append('%s: no offset' % name)
print('%d functions, %d offsets, %d overlooked: %s' % (len(names), found, len(missed), ' '.join(missed[:20])))
print('heap:', ' '.join('%s+%d' % (name, offsets[names.index(name)]) for name in heap))
if len(missed) * 50 > found:
    failures.append('too many are overlooked')
sys.exit('\n'.join(failures[:50]) or 0)
END
