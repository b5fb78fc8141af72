#include "report/options.h"

#include <errno.h>
#include <string.h>
#include "report/text.h"

/* Where reading stands; the value of `--name=VALUE` is found before the option is known. */
struct cursor {
	int argc, at;
	char **argv;
	const char *name, *value;
	size_t name_length;
};

static int options_refuse(const struct option *options, const struct cursor *cursor,
			  struct outcome *outcome)
{
	struct text names = { 0 };

	for (const struct option *option = options; option->name; option++)
		text_printf(&names, "--%s ", option->name);
	text_puts(&names, "--help");
	outcome_usage(outcome, "no option '%s'; there are: %s", cursor->argv[cursor->at],
		      names.failed ? "?" : names.data);
	text_release(&names);
	return -EINVAL;
}

static const struct option *option_find(const struct option *options, const struct cursor *cursor)
{
	bool letter = cursor->name == cursor->argv[cursor->at] + 1;

	for (const struct option *option = options; option->name; option++) {
		if (letter && option->letter && cursor->name_length == 1 &&
		    option->letter == *cursor->name)
			return option;
		if (!letter && strlen(option->name) == cursor->name_length &&
		    !strncmp(option->name, cursor->name, cursor->name_length))
			return option;
	}
	return NULL;
}

static int take_value(struct cursor *cursor, const char **out, struct outcome *outcome)
{
	const char *option = cursor->argv[cursor->at];

	if (!cursor->value && cursor->at + 1 == cursor->argc)
		return outcome_usage(outcome, "%s wants a value", option);
	*out = cursor->value ? cursor->value : cursor->argv[++cursor->at];
	return 0;
}

static int take_extra(struct cursor *cursor, struct words *words, struct outcome *outcome)
{
	struct extra *extra = &words->extra[words->n_extra];

	if (words->n_extra == EXTRAS_MAX)
		return outcome_usage(outcome, "more than %d options of a report", EXTRAS_MAX);
	if (cursor->value)
		cursor->argv[cursor->at][cursor->value - 1 - cursor->argv[cursor->at]] = '\0';
	extra->name = cursor->name;
	words->n_extra++;
	return take_value(cursor, &extra->value, outcome);
}

static int take_option(struct cursor *cursor, const struct option *options, bool extras,
		       struct words *words, struct outcome *outcome)
{
	const struct option *option = option_find(options, cursor);

	if (!strcmp(cursor->argv[cursor->at], "--help") ||
	    !strcmp(cursor->argv[cursor->at], "-h")) {
		words->help = true;
		return 0;
	}
	if (!option && extras && cursor->name == cursor->argv[cursor->at] + 2)
		return take_extra(cursor, words, outcome);
	if (!option)
		return options_refuse(options, cursor, outcome);
	if (option->value)
		return take_value(cursor, option->value, outcome);
	if (cursor->value)
		return outcome_usage(outcome, "--%s has no value", option->name);
	*option->flag = true;
	return 0;
}

static int take_word(const char *word, struct words *words, struct outcome *outcome)
{
	if (words->n == WORDS_MAX)
		return outcome_usage(outcome, "'%s' is one word too many", word);
	words->word[words->n++] = word;
	return 0;
}

int options_parse(int argc, char **argv, const struct option *options, bool extras,
		  struct words *out, struct outcome *outcome)
{
	struct cursor cursor = { .argc = argc, .argv = argv };
	bool ended = false;
	int err = 0;

	*out = (struct words){ 0 };
	for (; cursor.at < argc && !err && !out->help; cursor.at++) {
		const char *word = argv[cursor.at];

		if (ended || word[0] != '-' || !word[1]) {
			err = take_word(word, out, outcome);
		} else if (!strcmp(word, "--")) {
			ended = true;
		} else {
			cursor.name = word + (word[1] == '-' ? 2 : 1);
			cursor.name_length = strcspn(cursor.name, "=");
			cursor.value = cursor.name[cursor.name_length] == '='
					       ? cursor.name + cursor.name_length + 1
					       : NULL;
			err = take_option(&cursor, options, extras, out, outcome);
		}
	}
	return err;
}

int options_words(const struct words *words, int wanted, const char *names, struct outcome *outcome)
{
	if (words->n < wanted)
		return outcome_usage(outcome, "wants %s", names);
	if (words->n > wanted)
		return outcome_usage(outcome, "'%s' is one word too many; wants %s",
				     words->word[wanted], names);
	return 0;
}
