/*
 * The names of flags, against the numbers that the C library's headers give them.
 */
#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include "analyzer/analysis.h"
#include "analyzer/flags.h"
#include "tests/check.h"

static void check(const char *kind, uint64_t value, const char *wanted)
{
	char text[FLAGS_TEXT_MAX];

	CHECK_TEXT(flags_text(kind, value, text), wanted);
}

/* What the preprocessor is given is what the text must be, but for spaces. */
#define NAMES(kind, ...) check_spaced(kind, __VA_ARGS__, #__VA_ARGS__)

static void check_spaced(const char *kind, uint64_t value, const char *wanted)
{
	char names[FLAGS_TEXT_MAX];
	size_t n = 0;

	for (; *wanted; wanted++)
		if (*wanted != ' ')
			names[n++] = *wanted;
	names[n] = '\0';
	check(kind, value, names);
}

static void check_mappings(void)
{
	static const char kind[] = "mmap";

	NAMES("protection", PROT_NONE);
	NAMES("protection", PROT_READ | PROT_WRITE | PROT_EXEC);
	check("protection", PROT_READ | 0x40, "PROT_READ|0x40");
	NAMES(kind, MAP_SHARED | MAP_LOCKED | MAP_NONBLOCK);
	NAMES(kind, MAP_PRIVATE | MAP_FIXED | MAP_DENYWRITE);
	NAMES(kind, MAP_SHARED_VALIDATE | MAP_SYNC);
	NAMES(kind, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_POPULATE | MAP_STACK);
	NAMES(kind, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT | MAP_GROWSDOWN | MAP_FIXED_NOREPLACE);
	check(kind, MAP_PRIVATE | MAP_HUGETLB | 21 << 26, "MAP_PRIVATE|MAP_HUGETLB|MAP_HUGE_2MB");
	check(kind, MAP_PRIVATE | MAP_HUGETLB | 30 << 26, "MAP_PRIVATE|MAP_HUGETLB|MAP_HUGE_1GB");
	check(kind, 0, "0");
	check(kind, 1ULL << 63 | MAP_SHARED, "MAP_SHARED|0x8000000000000000");
	NAMES("mremap", MREMAP_MAYMOVE | MREMAP_FIXED);
	NAMES("madvise", MADV_NORMAL);
	NAMES("madvise", MADV_WILLNEED);
	NAMES("madvise", MADV_HUGEPAGE);
	NAMES("madvise", MADV_PAGEOUT);
	check("madvise", 77, "0x4d");
	NAMES("mlock", MLOCK_ONFAULT);
	NAMES("mlockall", MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
}

static void check_shared(void)
{
	check("shmget", IPC_CREAT | IPC_EXCL | 0600, "IPC_CREAT|IPC_EXCL|0600");
	check("shmget", SHM_HUGETLB | SHM_NORESERVE | 21 << 26 | 7,
	      "SHM_HUGETLB|SHM_NORESERVE|SHM_HUGE_2MB|0007");
	check("shmget", 0, "0000");
	NAMES("shmat", SHM_RDONLY | SHM_RND | SHM_REMAP | SHM_EXEC);
	check("shmat", 0, "0");
	NAMES("shmctl", IPC_RMID);
	NAMES("shmctl", IPC_STAT);
	NAMES("shmctl", SHM_LOCK);
	NAMES("shmctl", SHM_STAT);
	NAMES("memfd_create", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB);
}

static void check_sql(sqlite3 *db, const char *expression, const char *wanted)
{
	sqlite3_stmt *statement;
	char *sql = sqlite3_mprintf("SELECT %s", expression);

	CHECK(!sqlite3_prepare_v2(db, sql, -1, &statement, NULL));
	CHECK_EQUAL(sqlite3_step(statement), SQLITE_ROW);
	CHECK_TEXT((const char *)sqlite3_column_text(statement, 0), wanted);
	sqlite3_finalize(statement);
	sqlite3_free(sql);
}

static void check_functions(void)
{
	sqlite3 *db;

	CHECK(!sqlite3_open(":memory:", &db));
	CHECK(!flags_register(db));
	check_sql(db, "flags_text('shmat', 0x1000)", "SHM_RDONLY");
	check_sql(db, "flags_text('mmap', -1) LIKE '%|MAP_FIXED_NOREPLACE|0x%'", "1");
	check_sql(db,
		  "coalesce(flags_text('nothing', 1), flags_text(NULL, 1), "
		  "flags_text('mmap', NULL), 'none')",
		  "none");
	check_sql(db, "error_name(-12)", "ENOMEM");
	check_sql(db, "error_name(-4000)", "-4000");
	check_sql(db,
		  "coalesce(error_name(0), error_name(139865430), error_name(-4096), "
		  "error_name(NULL), 'none')",
		  "none");
	sqlite3_close(db);
}

int main(void)
{
	char text[FLAGS_TEXT_MAX];

	check_mappings();
	check_shared();
	check_functions();
	CHECK(!flags_text("nothing", 1, text));
	return 0;
}
