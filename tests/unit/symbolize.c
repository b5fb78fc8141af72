/*
 * Every address of a program with inlined functions has the functions, files and lines that
 * addr2line gives it, from debug information split off by build id; what is written is a trace, its
 * session goes on; and files of another build id are refused.
 */
#include <errno.h>
#include <sys/stat.h>
#include "analyzer/symbolize.h"
#include "tests/unit/analysis_trace.h"

static const char make_program[] =
	"set -e; cd '%s'; mkdir src debug wrong plain\n"
	"cat > src/list.h <<'END'\n"
	"static inline __attribute__((always_inline)) int list_next(volatile int *at)\n"
	"{\n"
	"	int n = *at;\n"
	"	*at = n * 3 + 1;\n"
	"	return n ^ *at;\n"
	"}\n"
	"END\n"
	"cat > src/main.c <<'END'\n"
	"#include \"list.h\"\n"
	"volatile int state;\n"
	"static inline __attribute__((always_inline)) int walk(int n)\n"
	"{\n"
	"	int sum = 0;\n"
	"	while (n--)\n"
	"		sum += list_next(&state);\n"
	"	return sum;\n"
	"}\n"
	"__attribute__((noinline)) int work(int n)\n"
	"{\n"
	"	int sum = walk(n);\n"
	"	sum += list_next(&state);\n"
	"	return sum + walk(sum & 3);\n"
	"}\n"
	"int main(int argc, char **argv)\n"
	"{\n"
	"	(void)argv;\n"
	"	return work(argc) & work(argc + 1);\n"
	"}\n"
	"END\n"
	"%s -O2 -g -Wl,--build-id -o whole src/main.c\n"
	"id=$(readelf -n whole | sed -n 's/.*Build ID: //p'); echo $id > id\n"
	"xx=$(echo $id | cut -c1-2) yy=$(echo $id | cut -c3-)\n"
	"mkdir -p debug/.build-id/$xx wrong/.build-id/$xx\n"
	"objcopy --only-keep-debug whole debug/.build-id/$xx/$yy.debug\n"
	"cp debug/.build-id/$xx/$yy.debug plain/anything\n"
	"cp whole plain/again; strip plain/again; echo text > plain/text\n"
	"echo 'int main(void) { return 0; }' | cc -g -Wl,--build-id -o wrong/.build-id/$xx/$yy.debug -x c -\n"
	"strip -o stripped whole\n"
	"readelf -lW whole | awk '$1 == \"LOAD\" && / R E / { print $3, $2 }' > segment\n"
	"nm -S whole | awk '$4 == \"work\" || $4 == \"main\" { print $1, $2 }' > functions\n";

static char folder[] = "/tmp/memtape-symbolize-XXXXXX";
static char build_id[100];
static int64_t address_offset;

static char *in_folder(const char *name)
{
	char *path;

	CHECK(asprintf(&path, "%s/%s", folder, name) > 0);
	return path;
}

static FILE *file_open(const char *name)
{
	char *path = in_folder(name);
	FILE *file = fopen(path, "r");

	CHECK(file);
	free(path);
	return file;
}

static void program_make(const char *compiler)
{
	uint64_t address, offset;
	char command[8192];
	FILE *file;

	CHECK(mkdtemp(folder));
	snprintf(command, sizeof(command), make_program, folder, compiler);
	CHECK_EQUAL(system(command), 0);
	file = file_open("id");
	CHECK(fscanf(file, "%99s", build_id) == 1);
	fclose(file);
	file = file_open("segment");
	CHECK(fscanf(file, "%" SCNx64 " %" SCNx64, &address, &offset) == 2);
	fclose(file);
	address_offset = (int64_t)(address - offset);
	printf("%s: address - offset %#" PRIx64 "\n", compiler, address_offset);
}

static void program_remove(void)
{
	char command[200];

	snprintf(command, sizeof(command), "rm -r '%s'", folder);
	CHECK_EQUAL(system(command), 0);
	memcpy(folder + strlen(folder) - 6, "XXXXXX", 6);
}

/* A frame for each address, innermost ones or those of return addresses behind it. */
static void add_frames(struct writer *writer, bool callers)
{
	FILE *functions = file_open("functions");
	uint64_t address, size;
	char line[200];
	int n = 0;

	while (fscanf(functions, "%" SCNx64 " %" SCNx64, &address, &size) == 2)
		for (uint64_t at = address; at < address + size; at++) {
			snprintf(line, sizeof(line), "frame id=%d image_id=1 offset=%" PRId64, ++n,
				 (int64_t)at - address_offset + callers);
			trace_row(writer, line);
			snprintf(line, sizeof(line), "stack id=%d frame_id=%d", 2 * n, n);
			trace_row(writer, line);
			if (!callers)
				continue;
			snprintf(line, sizeof(line), "stack id=%d parent_id=%d frame_id=5002",
				 2 * n + 1, 2 * n);
			trace_row(writer, line);
		}
	fclose(functions);
	CHECK(n > 50);
}

static void trace_make(const char *path, bool callers)
{
	struct writer *writer = trace_begin(path, 7, false);
	char line[300];

	trace_row(writer, "session host=h start_ns=1000 target_text=t");
	trace_row(writer, "clock ts_ns=1000 boottime_ns=1 realtime_ns=2");
	snprintf(line, sizeof(line), "image id=1 build_id=%s path=/nowhere/app", build_id);
	sprintf(line + strlen(line), " address_offset=%" PRId64, address_offset);
	trace_row(writer, line);
	trace_row(writer, "image id=2 build_id=00112233 path=/nowhere/other");
	trace_row(writer, "image id=3 unidentified_path=/tmp/perf-1.map+1 path=/tmp/perf-1.map");
	trace_row(writer, "frame id=5001 image_id=2 offset=4096");
	trace_row(writer, "frame id=5002 image_id=3 offset=4096");
	add_frames(writer, callers);
	CHECK_EQUAL(writer_epoch(writer, 2000), 0);
	trace_row(writer, "session host=h start_ns=1000 target_text=t");
	trace_row(writer, "clock ts_ns=2000 boottime_ns=1 realtime_ns=2");
	trace_row(writer, "end ts_ns=3000 reason=over");
	CHECK_EQUAL(writer_close(writer), 0);
}

struct told {
	int images;
	uint64_t frames, lines, names, nowhere;
	char refused[PATH_MAX], why[160], path[PATH_MAX];
};

static void tell(void *context, const struct symbolized *image)
{
	struct told *told = context;

	told->images++;
	told->frames += image->frames;
	told->lines += image->lines;
	told->names += image->names;
	told->nowhere += image->build_id[0] && !image->found->path[0];
	if (strcmp(image->build_id, build_id))
		return;
	strcpy(told->path, image->found->path);
	strcpy(told->refused, image->found->refused);
	strcpy(told->why, image->found->why);
}

static struct told symbolize(const char *from, const char *to, const char *debug, bool walk)
{
	struct told told = { 0 };
	char *debug_folder = in_folder(debug);
	struct symbolize_options options = {
		.folder = debug_folder, .output = to, .tell = tell, .context = &told
	};
	struct analysis *analysis = analysis_opened(from);

	CHECK_EQUAL(debug_search_open(debug_folder, walk, false, &options.search), 0);
	if (analysis_symbolize(analysis, &options))
		FAIL("%s", analysis_why(analysis));
	analysis_close(analysis);
	debug_search_close(options.search);
	free(debug_folder);
	return told;
}

/* ---- against addr2line */

/* The functions and places of an address as addr2line prints them. */
static void truth_read(FILE *out, char *text, size_t size)
{
	char name[256], place[PATH_MAX];
	size_t n = 0;
	int c;

	text[0] = '\0';
	while ((c = fgetc(out)) != EOF && ungetc(c, out) != '0') {
		CHECK(fgets(name, sizeof(name), out) && fgets(place, sizeof(place), out));
		name[strcspn(name, "\n")] = '\0';
		place[strcspn(place, " \n")] = '\0'; /* (discriminator 2) */
		n += snprintf(text + n, size - n, "%s %s\n", name,
			      strrchr(place, '/') ? strrchr(place, '/') + 1 : place);
	}
}

static void check_against_addr2line(const char *trace, bool callers)
{
	struct analysis *analysis = analysis_opened(trace);
	char command[300], address[64], wanted[2000], query[1000];
	int n = 0, inlined = 0;
	FILE *out;

	snprintf(
		command, sizeof(command),
		"cd '%s'; while read a s; do seq $((0x$a)) $((0x$a + 0x$s - 1)) | xargs printf '0x%%x\\n'; "
		"done < functions | addr2line -a -i -f -e whole",
		folder);
	out = popen(command, "r");
	CHECK(out);
	while (fgets(address, sizeof(address), out)) {
		int64_t at = strtoll(address, NULL, 16) - address_offset + callers;

		truth_read(out, wanted, sizeof(wanted));
		snprintf(
			query, sizeof(query),
			"SELECT symbol || ' ' || replace(replace(source_path, rtrim(source_path,"
			" replace(source_path, '/', '')), ''), '|', '') || ':' || coalesce(line, '?')"
			" FROM line JOIN image ON image.id = image_id WHERE path LIKE '%%/app'"
			" AND offset = %" PRId64 " ORDER BY depth",
			at);
		check_answer(analysis, query, wanted);
		n++;
		inlined += strchr(wanted, '\n') != strrchr(wanted, '\n');
	}
	CHECK(!pclose(out));
	printf("%d addresses, %d in inlined functions\n", n, inlined);
	CHECK(n > 50 && inlined > 20);
	analysis_close(analysis);
}

/* One session, whole, in order, and ended. */
static void check_trace(const char *trace, const char *before)
{
	struct analysis *analysis = analysis_opened(trace), *old = analysis_opened(before);
	const struct reader_report *report = analysis_report(analysis);

	CHECK_EQUAL(report->damaged_blocks + report->missing_blocks + report->repeated_blocks, 0);
	CHECK_EQUAL(report->sessions, 1);
	CHECK_EQUAL(report->ended_sessions, 1);
	CHECK_EQUAL(report->last_ns, analysis_report(old)->last_ns);
	check_answer(analysis, "SELECT count(*), max(host) FROM session", "1|h\n");
	check_answer(analysis, "SELECT count(*) FROM clock", "2\n");
	check_answer(analysis, "SELECT path FROM image ORDER BY 1",
		     "/nowhere/app\n/nowhere/other\n/tmp/perf-1.map\n");
	check_answer(analysis, "SELECT nameless FROM image_names WHERE path = '/nowhere/app'",
		     "0\n");
	check_answer(analysis,
		     "SELECT DISTINCT symbol FROM symbol WHERE symbol IS NOT NULL ORDER BY 1",
		     "main\nwork\n");
	analysis_close(analysis);
	analysis_close(old);
}

static void check_same(const char *a, const char *b)
{
	char command[500];

	snprintf(command, sizeof(command), "cmp '%s' '%s'", a, b);
	CHECK_EQUAL(system(command), 0);
}

static void check_output(struct analysis *analysis, const char *output, int wanted)
{
	struct told told = { 0 };
	struct symbolize_options options = {
		.folder = folder, .output = output, .tell = tell, .context = &told
	};

	CHECK_EQUAL(debug_search_open(folder, false, false, &options.search), 0);
	CHECK_EQUAL(analysis_symbolize(analysis, &options), wanted);
	CHECK(analysis_why(analysis)[0]);
	printf("%s\n", analysis_why(analysis));
	debug_search_close(options.search);
}

static void check_outputs(const char *trace)
{
	struct analysis *analysis = analysis_opened(trace);
	char *text = in_folder("plain/text"), *left = in_folder("plain/text.tmp");
	struct debug_search *search;

	check_output(analysis, trace, -EINVAL);
	check_output(analysis, text, -EEXIST);
	check_output(analysis, "/nowhere/at/all", -ENOENT);
	CHECK(access(left, F_OK));
	CHECK_EQUAL(debug_search_open("/nowhere/at/all", true, false, &search), -ENOENT);
	analysis_close(analysis);
	free(text);
	free(left);
}

static void check_program(const char *compiler, bool callers)
{
	char *trace, *symbolized, *again;
	struct told told;

	program_make(compiler);
	trace = in_folder("t.mtape");
	symbolized = in_folder("s.mtape");
	again = in_folder("a.mtape");
	trace_make(trace, callers);

	told = symbolize(trace, symbolized, "wrong", false);
	CHECK_EQUAL(told.lines, 0);
	CHECK_EQUAL(told.nowhere, 2);
	CHECK(strstr(told.refused, "/wrong/.build-id/") && !told.path[0]);
	CHECK(strstr(told.why, "its build id is "));

	told = symbolize(trace, symbolized, "debug", false);
	CHECK_EQUAL(told.images, 3);
	CHECK_EQUAL(told.lines, told.frames - 2);
	CHECK_EQUAL(told.names, told.frames - 2);
	CHECK_EQUAL(told.nowhere, 1);
	CHECK(strstr(told.path, "/debug/.build-id/"));
	check_against_addr2line(symbolized, callers);
	check_trace(symbolized, trace);

	told = symbolize(symbolized, again, "debug", false); /* there is nothing left to find */
	CHECK_EQUAL(told.lines + told.names, 0);
	check_trace(again, trace);
	told = symbolize(trace, again, "plain", true);
	CHECK(strstr(told.path, "/plain/anything"));
	check_same(symbolized, again);
	check_outputs(trace);
	program_remove();
	free(trace);
	free(symbolized);
	free(again);
}

int main(void)
{
	if (system("for t in cc objcopy readelf nm addr2line; do command -v $t >/dev/null || exit 1; done"))
		SKIP("cc or binutils are not installed");
	check_program("cc -gdwarf-5", true);
	check_program("cc -gdwarf-5", false);
	check_program("cc -gdwarf-4 -fno-pie -no-pie", false);
	if (!system("command -v ld.lld >/dev/null")) /* its code is not where the file has it */
		check_program("cc -fuse-ld=lld", true);
	if (!system("command -v clang >/dev/null"))
		/* It writes no .debug_aranges; of version 5 addr2line 2.40 misreads its ranges. */
		check_program("clang -gdwarf-4", true);
	return 0;
}
