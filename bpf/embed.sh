#!/bin/sh
# Prints an assembler file that holds the BPF objects named on the command line, and a table of them:
# bpf_objects[] = { name, data, end }, ended by a NULL name.
set -eu
table=
for object; do
	name=$(basename "$object" .bpf.o)
	cat <<-END
	.section .rodata
	.balign 16
	object_$name: .incbin "$object"
	object_${name}_end: .byte 0
	name_$name: .asciz "$name"
	END
	table="$table .quad name_$name, object_$name, object_${name}_end;"
done
cat <<-END
.section .data.rel.ro,"aw"
.balign 8
.globl bpf_objects
bpf_objects: $table
.quad 0, 0, 0
.section .note.GNU-stack,"",@progbits
END
