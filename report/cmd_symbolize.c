#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include "analyzer/symbolize.h"
#include "report/command.h"
#include "report/options.h"
#include "report/text.h"

static const char default_folder[] = "/usr/lib/debug";

/* What is printed at the end, collected while images come by. */
struct summary {
	struct text text;
	uint64_t frames, lines, names;
	uint64_t missing_images, missing_frames; /* without debug information */
	uint64_t anonymous_frames;               /* of images without build id */
};

static int default_output(const char *trace, char *out, size_t size)
{
	size_t length = strlen(trace), tail = strlen(".mtape");

	if (length > tail && !strcmp(trace + length - tail, ".mtape"))
		length -= tail;
	return snprintf(out, size, "%.*s.sym.mtape", (int)length, trace) < (int)size
		       ? 0
		       : -ENAMETOOLONG;
}

static void add_escaped(struct text *text, const char *bytes)
{
	text_escape(text, bytes, strlen(bytes));
}

static void add_found(struct text *text, const struct debug_found *found)
{
	add_escaped(text, found->path[0] ? found->path : "no debug information");
	if (!found->refused[0])
		return;
	text_puts(text, "; not ");
	add_escaped(text, found->refused);
	text_puts(text, ": ");
	add_escaped(text, found->why);
}

static void tell(void *context, const struct symbolized *image)
{
	struct summary *summary = context;
	bool found = image->found->path[0];

	summary->frames += image->frames;
	if (!image->build_id[0]) {
		summary->anonymous_frames += image->frames;
		return;
	}
	summary->lines += image->lines;
	summary->names += image->names;
	summary->missing_images += !found;
	summary->missing_frames += found ? 0 : image->frames;
	text_printf(&summary->text, "%8" PRIu64 "  %8" PRIu64 "  ", image->frames, image->lines);
	add_escaped(&summary->text, image->path);
	text_puts(&summary->text, "\n                    build id ");
	add_escaped(&summary->text, image->build_id);
	text_puts(&summary->text, "\n                    ");
	add_found(&summary->text, image->found);
	text_puts(&summary->text, "\n");
}

static int show(struct summary *summary, const char *output, struct outcome *outcome)
{
	struct text *text = &summary->text;

	text_printf(text,
		    "\n%" PRIu64 " of %" PRIu64 " frames have a source line now, %" PRIu64
		    " a name that had none.\n",
		    summary->lines, summary->frames, summary->names);
	if (summary->missing_images)
		text_printf(text,
			    "Images without debug information: %" PRIu64 " (%" PRIu64 " frames).\n",
			    summary->missing_images, summary->missing_frames);
	if (summary->anonymous_frames)
		text_printf(text, "Frames of images without a build id: %" PRIu64 ".\n",
			    summary->anonymous_frames);
	text_puts(text, "The trace is ");
	add_escaped(text, output);
	text_puts(text, ".\n");
	if (text->failed)
		return outcome_failed(outcome, "out of memory");
	if (summary->frames)
		fputs("  frames     lines  image\n", stdout);
	fputs(text->data, stdout);
	return 0;
}

static int search_open(const char *folder, bool debuginfod, struct debug_search **out,
		       struct outcome *outcome)
{
	const char *servers = getenv("DEBUGINFOD_URLS");
	int err;

	if (debuginfod && (!servers || !*servers))
		return outcome_usage(outcome, "--debuginfod asks the servers in the environment "
					      "variable DEBUGINFOD_URLS, which names none");
	/* libdw asks them whenever it is set. */
	if (!debuginfod)
		unsetenv("DEBUGINFOD_URLS");
	err = debug_search_open(folder ? folder : default_folder, folder, debuginfod, out);
	if (err == -ENOSYS)
		outcome_failed(outcome, "--debuginfod needs the library libdebuginfod.so.1");
	else if (err)
		outcome_failed(outcome, "%s: %s", folder ? folder : default_folder, strerror(-err));
	return err;
}

static int symbolize(const char *trace, struct symbolize_options *options, struct outcome *outcome)
{
	struct summary summary = { 0 };
	struct analysis *analysis;
	int err = command_open(trace, &analysis, outcome);

	options->tell = tell;
	options->context = &summary;
	if (!err) {
		err = analysis_symbolize(analysis, options);
		if (err)
			outcome_failed(outcome, "%s", analysis_why(analysis));
	}
	if (!err)
		err = show(&summary, options->output, outcome);
	if (!err)
		err = command_judge(analysis, false, outcome);
	text_release(&summary.text);
	analysis_close(analysis);
	return err;
}

static int symbolize_run(int argc, char **argv, struct outcome *outcome)
{
	char beside[PATH_MAX];
	const char *folder = NULL, *output = NULL;
	bool debuginfod = false;
	const struct option table[] = {
		{ "debug-dir", 0, &folder, NULL },
		{ "debuginfod", 0, NULL, &debuginfod },
		{ "output", 'o', &output, NULL },
		{ NULL, 0, NULL, NULL },
	};
	struct symbolize_options options = { 0 };
	struct words words;
	int err = options_parse(argc, argv, table, false, &words, outcome);

	if (!err && words.help)
		return command_help(&command_symbolize);
	if (!err)
		err = options_words(&words, 1, "TRACE", outcome);
	if (!err && !output && default_output(words.word[0], beside, sizeof(beside)))
		err = outcome_usage(outcome, "the name is too long; say -o OUT");
	if (!err)
		err = search_open(folder, debuginfod, &options.search, outcome);
	if (!err) {
		options.output = output ? output : beside;
		options.folder = folder ? folder : default_folder;
		err = symbolize(words.word[0], &options, outcome);
	}
	debug_search_close(options.search);
	return err;
}

const struct command command_symbolize = {
	.name = "symbolize",
	.summary = "add source files, lines and inlined functions to a trace",
	.help = "memtape symbolize TRACE [--debug-dir DIR] [--debuginfod] [-o OUT]\n"
		"\n"
		"Writes a trace that also says where in their source the frames are. TRACE stays\n"
		"as it is. Debug information is found by build id: in DIR, then where the file\n"
		"was when it was recorded. A file of another build id is never used.\n"
		"\n"
		"  --debug-dir DIR   .build-id/xx/yy.debug in it, or any file below it\n"
		"                    (default: /usr/lib/debug, only .build-id)\n"
		"  --debuginfod      also ask the servers that DEBUGINFOD_URLS names\n"
		"  -o OUT            the trace (default: TRACE with .sym.mtape instead of .mtape)\n"
		"\n"
		"  memtape symbolize app.mtape --debug-dir ./debug\n"
		"  memtape report leaks app.sym.mtape\n",
	.run = symbolize_run,
};
