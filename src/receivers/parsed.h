/* parsed.h - field texts parsed once and kept: a configuration has few, and each is
 * rendered often.
 *
 * Memory: its own; texts are copied. Lives as long as the template_set it was made for.
 * Limits: PARSED_MAX texts; a text beyond it is parsed each time it is rendered.
 */
#pragma once
#include "text/template.h"

#define PARSED_MAX 10000

struct parsed_texts;
struct parsed_texts *parsed_texts_new(const struct template_set *) MUST_USE;
void parsed_texts_free(struct parsed_texts *);
/* As template_parse with an empty name and no place; what is not kept lies in the arena. */
const struct template *parsed_text(struct parsed_texts *, enum template_engine,
				   struct arena *, const char *, struct err *) MUST_USE;
