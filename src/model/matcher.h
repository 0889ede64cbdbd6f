/* matcher.h - name="value", != =~ !~: what routes, inhibition rules, silences and filters
 * are made of; both grammars, and the fallback between them.
 *
 * Memory:  in the arena given.
 * Order:   matchers_sort orders by name, value, operator (=, !=, =~, !~): group keys show
 *          it.
 * Missing: an absent label has the value "".
 * Limits:  an expression that cannot be decided within its steps (regex.h) does not hold,
 *          neither as =~ nor as !~: nothing is silenced or inhibited by accident, and a
 *          route that cannot tell leaves the alert to the next, at last to the root.
 * Spec:    spec/config.md 14.
 */
#pragma once
#include "model/labels.h"
#include "model/regex.h"

enum match_op { MATCH_EQUAL, MATCH_NOT_EQUAL, MATCH_REGEX, MATCH_NOT_REGEX };

struct matcher {
	enum match_op op;
	const char *name, *value;
	const struct regex *re; /* for the two regex operators */
};
struct matchers {
	struct matcher *v;
	size_t n;
};

/* Which parser reads a text (spec/config.md 14.1). */
enum matcher_mode { MATCHERS_FALLBACK, MATCHERS_UTF8, MATCHERS_CLASSIC };
enum name_scheme matcher_names(enum matcher_mode);

/* What the fallback noticed; the caller logs it with its origin. */
enum matcher_note {
	MATCHER_FINE,
	MATCHER_ONLY_CLASSIC, /* the UTF-8 parser refused it: suggest a rewrite */
	MATCHER_DISAGREEMENT, /* both read it, differently: the classic reading counts */
};

/* Zero or more matchers, braces allowed. Columns of errors count from at. note may be
 * NULL. */
bool matchers_parse(struct arena *, struct str, struct pos at, enum matcher_mode,
		    struct matchers *, enum matcher_note *, struct err *) MUST_USE;
/* Exactly one, no braces. */
bool matcher_parse(struct arena *, struct str, struct pos at, enum matcher_mode,
		   struct matcher *, enum matcher_note *, struct err *) MUST_USE;

/* From parts; compiles the expression of a regex operator. */
bool matcher_new(struct arena *, enum match_op, struct str name, struct str value,
		 struct matcher *, struct err *) MUST_USE;

bool matcher_copy(struct arena *, const struct matcher *, struct matcher *copy,
		  struct err *) MUST_USE;

bool matcher_accepts(const struct matcher *, const char *value);
bool matcher_holds(const struct matcher *, const struct labels *);
bool matchers_hold(const struct matchers *, const struct labels *); /* all of them */
bool matcher_eq(const struct matcher *, const struct matcher *);

void matchers_sort(struct matchers *);
void buf_add_matcher(struct buf *, const struct matcher *);   /* a="b" */
void buf_add_matchers(struct buf *, const struct matchers *); /* {a="b",c=~"d"} */
const char *match_op_text(enum match_op);
