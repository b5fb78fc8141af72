/*
 * Looks up where in their source the frames of a trace are, by the build ids of their images, and
 * writes a trace that says it.
 */
#ifndef ANALYZER_SYMBOLIZE_H
#define ANALYZER_SYMBOLIZE_H

#include "analyzer/analysis.h"
#include "analyzer/debug_search.h"

/* What was found of an image. */
struct symbolized {
	const char *path, *build_id; /* build_id "": it has none, and nothing was looked for */
	uint64_t frames;             /* whose source was not known */
	uint64_t lines, names;       /* of them: source found; name found that was not there */
	const struct debug_found *found;
};

struct symbolize_options {
	struct debug_search *search;
	const char *folder; /* where files are that debug information is shared with */
	const char *output;
	/* Called for each image, in the order of their paths. */
	void (*tell)(void *context, const struct symbolized *image);
	void *context;
};

/*
 * Writes the trace that is open, and behind it what was found, to the output (OUTPUT.tmp, then
 * renamed; an existing file is replaced only if it is a trace, else -EEXIST). The analysis must be
 * of a trace (-EINVAL). 0 or -errno, and analysis_why().
 */
int analysis_symbolize(struct analysis *analysis, const struct symbolize_options *options);

#endif
