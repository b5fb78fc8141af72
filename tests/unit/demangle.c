/*
 * Names of all schemes as their languages write them; what is no mangled name stays; a name that
 * would never end is given up.
 */
#include "analyzer/demangle.h"
#include "tests/check.h"

static const struct {
	const char *symbol, *name; /* name: NULL: not mangled */
} known[] = {
	/* C++ */
	{ "_ZN9wikipedia7article6formatEv", "wikipedia::article::format()" },
	{ "_ZNSt6vectorIiSaIiEE9push_backERKi",
	  "std::vector<int, std::allocator<int> >::push_back(int const&)" },
	{ "_Z4growIiEvRSt6vectorIT_SaIS1_EE",
	  "void grow<int>(std::vector<int, std::allocator<int> >&)" },
	{ "_ZZ4mainENKUliE_clEi", "main::{lambda(int)#1}::operator()(int) const" },
	{ "_Znwm", "operator new(unsigned long)" },
	{ "_ZdlPv@@GLIBCXX_3.4", "operator delete(void*)@@GLIBCXX_3.4" },
	{ "_Z3fooi.cold", "foo(int) [clone .cold]" },
	{ "_ZThn16_N4Cafe5closeEv", "non-virtual thunk to Cafe::close()" },
	/* Rust, the older scheme */
	{ "_ZN4core3fmt9Formatter9write_str17h6a6ad2f9ba0e2ee8E",
	  "core::fmt::Formatter::write_str" },
	{ "_ZN58_$LT$alloc..string..String$u20$as$u20$core..fmt..Write$GT$9write_str17h0123456789abcdefE",
	  "<alloc::string::String as core::fmt::Write>::write_str" },
	{ "_ZN4demo4main28_$u7b$$u7b$closure$u7d$$u7d$17h5b1f9a0c3d2e4f67E.llvm.1234567890",
	  "demo::main::{{closure}}" },
	/* Rust v0, as rustc 1.95 made them */
	{ "_RNvCs6xxl1lAjzDf_1a4main", "a::main" },
	{ "_RNvCs6xxl1lAjzDf_1au10gefllt_5ya", "a::gef\xc3\xbcllt" },
	{ "_RNvMNtCs6xxl1lAjzDf_1a5cacheINtB2_5TableTmNtNtCslNYArtu3iFV_5alloc6string6StringEE4growB4_",
	  "<a::cache::Table<(u32, alloc::string::String)>>::grow" },
	{ "_RNvXs_NtCs6xxl1lAjzDf_1a5cacheINtB4_5TableTmNtNtCslNYArtu3iFV_5alloc6string6StringEE"
	  "NtB4_4Page4loadB6_",
	  "<a::cache::Table<(u32, alloc::string::String)> as a::cache::Page>::load" },
	/* none */
	{ "malloc", NULL },
	{ "", NULL },
	{ "_Z", NULL },
	{ "_ZN", NULL },
	{ "_R", NULL },
	{ "_Zebra", NULL },
	{ "_RUNNING", NULL },
	{ "_ZN9wikipedia7article6forma", NULL },
	{ "main@@V1", NULL },
};

static void check_known(void)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		char *name = demangle(known[i].symbol);

		if (known[i].name)
			CHECK_TEXT(name, known[i].name);
		else if (name)
			FAIL("%s is %s", known[i].symbol, name);
		free(name);
	}
}

/* A number of a mangled name: 0 is "_", 1 is "0_", ... */
static char *add_number(char *at, uint64_t number, const char *digits, unsigned base)
{
	char reversed[32];
	int n = 0;

	for (uint64_t left = number - 1; number && (left || !n); left /= base)
		reversed[n++] = digits[left % base];
	while (n)
		*at++ = reversed[--n];
	*at++ = '_';
	*at = '\0';
	return at;
}

/* Of `levels` types each holds the one before twice. */
static void cxx_doubling(char *at, int levels)
{
	at += sprintf(at, "_Z1f1AIiiE");
	for (int i = 1; i <= levels; i++) {
		at += sprintf(at, "S_I");
		for (int twice = 0; twice < 2; twice++) {
			*at++ = 'S';
			at = add_number(at, i, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", 36);
		}
		*at++ = 'E';
	}
	*at = '\0';
}

static void rust_doubling(char *name, int levels)
{
	static const char digits[] =
		"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	char *at = name + sprintf(name, "_RINvC1a1f");
	const char *before = at;

	at += sprintf(at, "TmmE");
	for (int i = 0; i < levels; i++) {
		const char *begin = at;

		*at++ = 'T';
		for (int twice = 0; twice < 2; twice++) {
			*at++ = 'B';
			at = add_number(at, before - name - 2, digits, 62);
		}
		*at++ = 'E';
		before = begin;
	}
	strcpy(at, "E");
}

static void check_doubling(void (*make)(char *, int))
{
	char symbol[MANGLED_MAX], *name;

	make(symbol, 5);
	name = demangle(symbol);
	CHECK(name && strlen(name) > 64 && strlen(name) < 2000);
	printf("%s\n", name);
	free(name);
	make(symbol, 60);
	if (demangle(symbol))
		FAIL("the endless name has an end");
}

/* Deep, long, and cut names: any answer. */
static void check_hostile(void)
{
	char *long_one = malloc(1 << 20), *name;

	CHECK(long_one);
	memset(long_one, 'P', 1 << 20);
	memcpy(long_one, "_Z1f", 4);
	long_one[(1 << 20) - 1] = '\0';
	CHECK(!demangle(long_one));
	for (size_t n = MANGLED_MAX + 1; n > 4; n /= 2) {
		memset(long_one, 'P', n);
		memcpy(long_one, "_Z1f", 4);
		strcpy(long_one + n - 1, "i");
		free(demangle(long_one));
		memset(long_one + 2, 'R', n - 2);
		long_one[1] = 'R';
		free(demangle(long_one));
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		for (size_t n = strlen(known[i].symbol); n; n--) {
			memcpy(long_one, known[i].symbol, n);
			long_one[n - 1] = '\0';
			name = demangle(long_one);
			CHECK(!name || *name);
			free(name);
		}
	free(long_one);
}

static void check_sql(void)
{
	sqlite3_stmt *row;
	sqlite3 *db;

	CHECK_EQUAL(sqlite3_open(":memory:", &db), 0);
	CHECK_EQUAL(demangle_register(db), 0);
	CHECK_EQUAL(sqlite3_prepare_v2(db,
				       "SELECT demangle('_Znwm'), demangle('main'), demangle(NULL)",
				       -1, &row, NULL),
		    0);
	CHECK_EQUAL(sqlite3_step(row), SQLITE_ROW);
	CHECK_TEXT((const char *)sqlite3_column_text(row, 0), "operator new(unsigned long)");
	CHECK_TEXT((const char *)sqlite3_column_text(row, 1), "main");
	CHECK_EQUAL(sqlite3_column_type(row, 2), SQLITE_NULL);
	sqlite3_finalize(row);
	CHECK_EQUAL(sqlite3_close(db), 0);
}

int main(void)
{
	check_known();
	check_doubling(cxx_doubling);
	check_doubling(rust_doubling);
	check_hostile();
	check_sql();
	return 0;
}
