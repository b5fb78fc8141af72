#include <string.h>
#include "recorder/choice.h"

/* Without it no row can be told whose it is. */
static bool is_needed(const char *source)
{
	return !strcmp(source, "task");
}

const char *choice_word(const char **rest, size_t *length, char *sign)
{
	const char *word = *rest + strspn(*rest, ",");
	*sign = *word == '+' || *word == '-' ? *word++ : ' ';
	*length = strcspn(word, ",");
	*rest = word + *length;
	return *length ? word : NULL;
}

static bool is_whole(const char *source, size_t length)
{
	return strlen(source) == length;
}

bool choice_names(const char *word, size_t length, const char *source)
{
	return !strncmp(word, source, length) &&
	       (is_whole(source, length) || source[length] == '_');
}

/* The last word that speaks of a source decides; a first word without sign begins with none. */
bool choice_wants(const char *words, const struct source *source)
{
	const char *rest = words, *word;
	bool only = words && *words && *words != '+' && *words != '-';
	bool wanted = !only && !source->opt_in;
	size_t length;
	char sign;
	if (is_needed(source->name))
		return true;
	while (rest && (word = choice_word(&rest, &length, &sign)))
		if (choice_names(word, length, source->name) &&
		    (sign == '-' || !source->opt_in || is_whole(source->name, length)))
			wanted = sign != '-';
	return wanted;
}
