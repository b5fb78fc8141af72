/* From ids on the wire to content hashes. */
#ifndef FORMAT_TRANSLATE_H
#define FORMAT_TRANSLATE_H

#include "format/decode.h"
#include "format/sessions.h"

/*
 * Translates the ids of a decoded batch in place, and notes those that it defines. A reference to
 * what is not defined becomes 0; a definition whose identity has such a reference is taken out, as
 * its id would be a lie. *undefined is set if there were any. 0; -EBADMSG: the batch is too large;
 * -ENOMEM.
 */
int translate(struct decoder *, struct session *, size_t *pages, bool *undefined);

#endif
