#ifndef FORMAT_UTF8_H
#define FORMAT_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the text is what a `string` of a trace may be: UTF-8 as protobuf checks it, without 0. */
bool utf8_valid(const void *text, size_t length);

#endif
