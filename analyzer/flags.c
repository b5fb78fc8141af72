#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "analyzer/flags.h"

/* A name stands for `value` among the bits of `mask`. */
struct flag {
	uint64_t mask, value;
	const char *name;
};

#define BIT(bit, name)                                                                             \
	{                                                                                          \
		bit, bit, name                                                                     \
	}
#define ONE_OF(value, name)                                                                        \
	{                                                                                          \
		~0ULL, value, name                                                                 \
	}

/* The size of huge pages: its logarithm stands in six bits. */
#define HUGE(prefix, log, name)                                                                    \
	{                                                                                          \
		63 << 26, (uint64_t)(log) << 26, prefix "_HUGE_" name                              \
	}
#define HUGE_SIZES(prefix)                                                                         \
	HUGE(prefix, 16, "64KB"), HUGE(prefix, 19, "512KB"), HUGE(prefix, 20, "1MB"),              \
		HUGE(prefix, 21, "2MB"), HUGE(prefix, 23, "8MB"), HUGE(prefix, 24, "16MB"),        \
		HUGE(prefix, 25, "32MB"), HUGE(prefix, 28, "256MB"), HUGE(prefix, 29, "512MB"),    \
		HUGE(prefix, 30, "1GB"), HUGE(prefix, 31, "2GB"), HUGE(prefix, 34, "16GB")

/* include/uapi/asm-generic/mman-common.h, arch/x86/include/uapi/asm/mman.h */
static const struct flag protection[] = {
	ONE_OF(0, "PROT_NONE"),
	BIT(1, "PROT_READ"),
	BIT(2, "PROT_WRITE"),
	BIT(4, "PROT_EXEC"),
	BIT(8, "PROT_SEM"),
	BIT(0x1000000, "PROT_GROWSDOWN"),
	BIT(0x2000000, "PROT_GROWSUP"),
	{ 0 },
};

static const struct flag mmap_flags[] = {
	{ 15, 1, "MAP_SHARED" },
	{ 15, 2, "MAP_PRIVATE" },
	{ 15, 3, "MAP_SHARED_VALIDATE" },
	{ 15, 8, "MAP_DROPPABLE" },
	BIT(0x10, "MAP_FIXED"),
	BIT(0x20, "MAP_ANONYMOUS"),
	BIT(0x40, "MAP_32BIT"),
	BIT(0x80, "MAP_ABOVE4G"),
	BIT(0x100, "MAP_GROWSDOWN"),
	BIT(0x800, "MAP_DENYWRITE"),
	BIT(0x1000, "MAP_EXECUTABLE"),
	BIT(0x2000, "MAP_LOCKED"),
	BIT(0x4000, "MAP_NORESERVE"),
	BIT(0x8000, "MAP_POPULATE"),
	BIT(0x10000, "MAP_NONBLOCK"),
	BIT(0x20000, "MAP_STACK"),
	BIT(0x40000, "MAP_HUGETLB"),
	BIT(0x80000, "MAP_SYNC"),
	BIT(0x100000, "MAP_FIXED_NOREPLACE"),
	HUGE_SIZES("MAP"),
	{ 0 },
};

static const struct flag mremap_flags[] = {
	BIT(1, "MREMAP_MAYMOVE"),
	BIT(2, "MREMAP_FIXED"),
	BIT(4, "MREMAP_DONTUNMAP"),
	{ 0 },
};

static const struct flag advice[] = {
	ONE_OF(0, "MADV_NORMAL"),          ONE_OF(1, "MADV_RANDOM"),
	ONE_OF(2, "MADV_SEQUENTIAL"),      ONE_OF(3, "MADV_WILLNEED"),
	ONE_OF(4, "MADV_DONTNEED"),        ONE_OF(8, "MADV_FREE"),
	ONE_OF(9, "MADV_REMOVE"),          ONE_OF(10, "MADV_DONTFORK"),
	ONE_OF(11, "MADV_DOFORK"),         ONE_OF(12, "MADV_MERGEABLE"),
	ONE_OF(13, "MADV_UNMERGEABLE"),    ONE_OF(14, "MADV_HUGEPAGE"),
	ONE_OF(15, "MADV_NOHUGEPAGE"),     ONE_OF(16, "MADV_DONTDUMP"),
	ONE_OF(17, "MADV_DODUMP"),         ONE_OF(18, "MADV_WIPEONFORK"),
	ONE_OF(19, "MADV_KEEPONFORK"),     ONE_OF(20, "MADV_COLD"),
	ONE_OF(21, "MADV_PAGEOUT"),        ONE_OF(22, "MADV_POPULATE_READ"),
	ONE_OF(23, "MADV_POPULATE_WRITE"), ONE_OF(24, "MADV_DONTNEED_LOCKED"),
	ONE_OF(25, "MADV_COLLAPSE"),       ONE_OF(100, "MADV_HWPOISON"),
	ONE_OF(101, "MADV_SOFT_OFFLINE"),  ONE_OF(102, "MADV_GUARD_INSTALL"),
	ONE_OF(103, "MADV_GUARD_REMOVE"),  { 0 },
};

static const struct flag mlock_flags[] = {
	BIT(1, "MLOCK_ONFAULT"),
	{ 0 },
};

static const struct flag mlockall_flags[] = {
	BIT(1, "MCL_CURRENT"),
	BIT(2, "MCL_FUTURE"),
	BIT(4, "MCL_ONFAULT"),
	{ 0 },
};

/* include/uapi/linux/ipc.h, shm.h */
static const struct flag shmget_flags[] = {
	BIT(01000, "IPC_CREAT"),      BIT(02000, "IPC_EXCL"), BIT(04000, "SHM_HUGETLB"),
	BIT(010000, "SHM_NORESERVE"), HUGE_SIZES("SHM"),      { 0 },
};

static const struct flag shmat_flags[] = {
	BIT(010000, "SHM_RDONLY"),
	BIT(020000, "SHM_RND"),
	BIT(040000, "SHM_REMAP"),
	BIT(0100000, "SHM_EXEC"),
	{ 0 },
};

static const struct flag shmctl_commands[] = {
	ONE_OF(0, "IPC_RMID"),      ONE_OF(1, "IPC_SET"),
	ONE_OF(2, "IPC_STAT"),      ONE_OF(3, "IPC_INFO"),
	ONE_OF(11, "SHM_LOCK"),     ONE_OF(12, "SHM_UNLOCK"),
	ONE_OF(13, "SHM_STAT"),     ONE_OF(14, "SHM_INFO"),
	ONE_OF(15, "SHM_STAT_ANY"), { 0 },
};

/* include/uapi/linux/memfd.h */
static const struct flag memfd_flags[] = {
	BIT(1, "MFD_CLOEXEC"),
	BIT(2, "MFD_ALLOW_SEALING"),
	BIT(4, "MFD_HUGETLB"),
	BIT(8, "MFD_NOEXEC_SEAL"),
	BIT(16, "MFD_EXEC"),
	HUGE_SIZES("MFD"),
	{ 0 },
};

static const struct kind {
	const char *name;
	const struct flag *flags;
	uint64_t octal; /* bits that are written as one octal number: a mode */
} kinds[] = {
	{ "protection", protection, 0 },  { "mmap", mmap_flags, 0 },
	{ "mremap", mremap_flags, 0 },    { "madvise", advice, 0 },
	{ "mlock", mlock_flags, 0 },      { "mlockall", mlockall_flags, 0 },
	{ "shmget", shmget_flags, 0777 }, { "shmat", shmat_flags, 0 },
	{ "shmctl", shmctl_commands, 0 }, { "memfd_create", memfd_flags, 0 },
};

static const struct kind *kind_named(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(kinds[i].name, name))
			return &kinds[i];
	return NULL;
}

__attribute__((format(printf, 2, 3))) static void text_join(char *out, const char *format, ...)
{
	size_t n = strlen(out);
	va_list arguments;

	if (n && n + 1 < FLAGS_TEXT_MAX)
		out[n++] = '|';
	va_start(arguments, format);
	vsnprintf(out + n, FLAGS_TEXT_MAX - n, format, arguments);
	va_end(arguments);
}

const char *flags_text(const char *name, uint64_t value, char *out)
{
	const struct kind *kind = kind_named(name);
	uint64_t left = value;

	if (!kind)
		return NULL;
	out[0] = '\0';
	for (const struct flag *flag = kind->flags; flag->name; flag++)
		if ((value & flag->mask) == flag->value) {
			text_join(out, "%s", flag->name);
			left &= ~flag->value;
		}
	if (kind->octal) {
		text_join(out, "0%03o", (unsigned)(left & kind->octal));
		left &= ~kind->octal;
	}
	if (left || !out[0])
		text_join(out, left ? "0x%llx" : "%llu", (unsigned long long)left);
	return out;
}

static void flags_function(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	const char *kind = (const char *)sqlite3_value_text(argv[0]);
	char text[FLAGS_TEXT_MAX];

	(void)argc;
	if (!kind || sqlite3_value_type(argv[1]) == SQLITE_NULL)
		return;
	if (flags_text(kind, (uint64_t)sqlite3_value_int64(argv[1]), text))
		sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

static void error_name(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	int64_t result = sqlite3_value_int64(argv[0]);
	const char *name = result < 0 && result >= -4095 ? strerrorname_np((int)-result) : NULL;

	(void)argc;
	if (name)
		sqlite3_result_text(context, name, -1, SQLITE_STATIC);
	else if (result < 0 && result >= -4095)
		sqlite3_result_value(context, argv[0]);
}

int flags_register(sqlite3 *db)
{
	int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
	int rc = sqlite3_create_function(db, "flags_text", 2, flags, NULL, flags_function, NULL,
					 NULL);

	return rc ? rc
		  : sqlite3_create_function(db, "error_name", 1, flags, NULL, error_name, NULL,
					    NULL);
}
