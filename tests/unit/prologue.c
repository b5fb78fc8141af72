/*
 * Probe offsets of byte strings. With arguments: prints the offset for each line of hexadecimal
 * code on stdin, -1 where there is none; tests/golden/prologue.sh compares those with a
 * disassembler.
 */
#include "recorder/prologue.h"
#include "tests/check.h"

struct sample {
	const char *code;
	int64_t offset; /* -1: none */
};

static const struct sample samples[] = {
	{ "4154 498bd4 55", 0 },                     /* glibc 2.36 malloc: push r12 */
	{ "4155 41545553", 0 },                      /* calloc: push r13 */
	{ "4885ff 0f84b6000000", 3 },                /* free: test rdi,rdi; je */
	{ "803d0102140000 4154 4989d4", 7 },         /* posix_memalign: cmp byte [rip+x],0 */
	{ "f30f1efa 4154", 4 },                      /* endbr64 */
	{ "f30f1efa 4885ff 7405", 7 },               /* endbr64; test; je */
	{ "90", 0 },                                 /* nop */
	{ "eb05", 0 },                               /* jmp */
	{ "31c0 e900000000", 2 },                    /* xor eax,eax; jmp */
	{ "b901000000 e800000000", 5 },              /* mov ecx,1; call */
	{ "49b80102030405060708 55", 10 },           /* movabs r8,imm64 */
	{ "66b90100 55", 4 },                        /* mov cx,1 */
	{ "6666 81c1 0100 55", 6 },                  /* add cx,1 */
	{ "64488b042528000000 55", 9 },              /* mov rax,fs:0x28 */
	{ "488b05aaaaaaaa 488b00 4839c7 7200", 13 }, /* mov rax,[rip]; mov rax,[rax]; cmp; jb */
	{ "4c8d4c2408 55", 5 },                      /* lea r9,[rsp+8] */
	{ "488d843a00010000 55", 8 },                /* lea rax,[rdx+rdi+0x100] */
	{ "488d04fd00000000 55", 8 },                /* lea rax,[rdi*8]: SIB without base */
	{ "0fb6c1 0f94c0 480f44c1 55", 10 },         /* movzx; sete al; cmove */
	{ "f7c700000100 55", 6 },                    /* test edi,imm32 */
	{ "f6c107 55", 3 },                          /* test cl,7 */
	{ "f7d8 55", 2 },                            /* neg eax */
	{ "4883f810 55", 4 },                        /* cmp rax,16 */
	{ "4883e8f0 4c8b0f 55", 7 },                 /* sub rax,-16; mov r9,[rdi] */
	{ "66480f6ec7 55", 5 },                      /* movq xmm0,rdi */
	{ "0f1f440000 55", 5 },                      /* every kernel emulates the push */
	{ "0f1f440000 4883ec08", 0 },        /* only newer ones the nop: better than stepping */
	{ "6690 4883ec08", -1 },             /* 66 90 must not be probed */
	{ "6690 55", 2 },                    /* but is harmless */
	{ "49bb0807060504030201 4157", 10 }, /* movabs r11; push r15 */
	{ "31d2 55", -1 },                   /* xor edx,edx */
	{ "4131c0 55", 3 },                  /* xor r8d,r8d */
	{ "4883ec08 55", -1 },               /* sub rsp,8 */
	{ "4889f7 55", -1 },                 /* mov rdi,rsi */
	{ "488d7701 55", -1 },               /* lea rsi,[rdi+1] */
	{ "83c201 55", -1 },                 /* add edx,1 */
	{ "b601 55", -1 },                   /* mov dh,1 */
	{ "be01000000 55", -1 },             /* mov esi,1 */
	{ "0fcf 55", -1 },                   /* bswap edi */
	{ "490fcf 55", 3 },                  /* bswap r15 */
	{ "4989f7 55", 3 },                  /* mov r15,rsi */
	{ "488907 55", -1 },                 /* mov [rdi],rax */
	{ "833d0000000000 55", 7 },          /* cmp dword [rip],0 */
	{ "83050000000001 55", -1 },         /* add dword [rip],1 */
	{ "ff0500000000 55", -1 },           /* inc dword [rip] */
	{ "ff2500000000", -1 },              /* jmp [rip]: the kernel steps it */
	{ "4899 55", -1 },                   /* cqo writes rdx */
	{ "f7f1 55", -1 },                   /* div writes rdx */
	{ "4887f8 55", -1 },                 /* xchg */
	{ "c5f877 55", -1 },                 /* vzeroupper: not understood */
	{ "0f05", -1 },                      /* syscall */
	{ "66e90000", -1 },                  /* the kernel refuses word-sized branches */
	{ "c3", -1 },                        /* ret */
	{ "", -1 },                          /* nothing at all */
	{ "4885", -1 },                      /* cut off */
	{ "41", -1 },
	{ "488b05aaaa", -1 },
	{ "e80000", -1 },
	{ "b8000000", -1 },
	{ "66", -1 },
	{ "0f", -1 },
};

static size_t parse_code(const char *text, uint8_t *code, size_t size)
{
	size_t n = 0;
	unsigned int byte;
	int used;

	while (n < size && sscanf(text, " %2x%n", &byte, &used) == 1) {
		code[n++] = byte;
		text += used;
	}
	return n;
}

static int64_t probe_offset(const char *text)
{
	uint8_t bytes[256], *code;
	size_t length = parse_code(text, bytes, sizeof(bytes));
	uint64_t offset = 99;
	int none;

	/* Of exactly this size, for the address sanitizer. */
	code = malloc(length ? length : 1);
	CHECK(code);
	memcpy(code, bytes, length);
	none = prologue_probe_offset(code, length, &offset);
	free(code);
	CHECK(none == 0 || (none == 1 && offset == 0));
	return none ? -1 : (int64_t)offset;
}

static void check_bound(void)
{
	uint8_t code[PROLOGUE_MAX + 2];
	uint64_t offset;

	for (size_t i = 0; i < PROLOGUE_MAX; i += 2)
		memcpy(code + i, "\x31\xc0", 2); /* xor eax,eax */
	memcpy(code + PROLOGUE_MAX, "\x55\x55", 2);
	CHECK_EQUAL(prologue_probe_offset(code, sizeof(code), &offset), 1);
	code[PROLOGUE_MAX - 1] = code[PROLOGUE_MAX - 2] = 0x55;
	CHECK_EQUAL(prologue_probe_offset(code, sizeof(code), &offset), 0);
	CHECK_EQUAL(offset, PROLOGUE_MAX - 2);
}

/* Whatever the bytes are, the answer lies within them. */
static void check_noise(void)
{
	uint32_t state = 1;
	uint64_t offset;

	for (int round = 0; round < 200000; round++) {
		size_t length = round % 24;
		uint8_t *code = malloc(length + !length);

		CHECK(code);
		for (size_t i = 0; i < length; i++) {
			state = state * 1664525 + 1013904223;
			code[i] = state >> 24;
		}
		if (prologue_probe_offset(code, length, &offset) == 0)
			CHECK(offset < length);
		else
			CHECK(offset == 0);
		free(code);
	}
}

static int print_offsets(void)
{
	char line[1024];

	while (fgets(line, sizeof(line), stdin))
		printf("%" PRId64 "\n", probe_offset(line));
	return 0;
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1)
		return print_offsets();
	for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++) {
		int64_t offset = probe_offset(samples[i].code);

		if (offset != samples[i].offset)
			FAIL("%s: %" PRId64 ", not %" PRId64, samples[i].code, offset,
			     samples[i].offset);
	}
	check_bound();
	check_noise();
	return 0;
}
