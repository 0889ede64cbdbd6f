#include "base/base.h"
#include "model/silence.h"
#include "base/utf8.h"

enum silence_state silence_state(const struct silence *s, struct instant now)
{
	if (instant_cmp(now, s->starts_at) < 0)
		return SILENCE_PENDING;
	return instant_cmp(now, s->ends_at) >= 0 ? SILENCE_EXPIRED : SILENCE_ACTIVE;
}

const char *silence_state_text(enum silence_state state)
{
	static const char *const words[] = {"pending", "active", "expired"};

	return words[state];
}

static bool check_matcher(const struct matcher *m, size_t i, enum name_scheme names,
			  struct err *err)
{
	if (!is_label_name(str_of(m->name), names))
		return err_set(
			err, NOWHERE,
			"invalid silence: invalid label matcher %zu in set 0: invalid "
			"label name \"%s\"",
			i, m->name);
	if (!utf8_valid(str_of(m->value)))
		return err_set(
			err, NOWHERE,
			"invalid silence: invalid label matcher %zu in set 0: invalid "
			"label value \"%s\"",
			i, m->value);
	return true;
}

/* As the spec counts it: only ="" and a positive expression that finds "" match it. */
static bool takes_empty(const struct matcher *m)
{
	return (m->op == MATCH_EQUAL || m->op == MATCH_REGEX) && matcher_accepts(m, "");
}

bool silence_check(const struct silence *s, enum name_scheme names, struct err *err)
{
	bool all_take_empty = true;

	if (!s->matchers.n)
		return err_set(err, NOWHERE,
			       "invalid silence: at least one matcher required");
	for (size_t i = 0; i < s->matchers.n; i++) {
		if (!check_matcher(&s->matchers.v[i], i, names, err))
			return false;
		all_take_empty = all_take_empty && takes_empty(&s->matchers.v[i]);
	}
	if (all_take_empty)
		return err_set(err, NOWHERE,
			       "invalid silence: matcher set 0: at least one matcher must "
			       "not match the empty string");
	if (instant_is_zero(s->starts_at))
		return err_set(err, NOWHERE,
			       "invalid silence: invalid zero start timestamp");
	if (instant_is_zero(s->ends_at))
		return err_set(err, NOWHERE, "invalid silence: invalid zero end timestamp");
	if (instant_cmp(s->ends_at, s->starts_at) < 0)
		return err_set(err, NOWHERE,
			       "invalid silence: end time must not be before start time");
	return true;
}

bool silence_can_update(const struct silence *old, const struct silence *next,
			struct instant now)
{
	if (old->matchers.n != next->matchers.n)
		return false;
	for (size_t i = 0; i < old->matchers.n; i++) {
		if (!matcher_eq(&old->matchers.v[i], &next->matchers.v[i]))
			return false;
	}
	switch (silence_state(old, now)) {
	case SILENCE_ACTIVE:
		return old->starts_at.s == next->starts_at.s &&
		       instant_cmp(next->ends_at, now) >= 0;
	case SILENCE_PENDING:
		return instant_cmp(next->starts_at, now) >= 0;
	case SILENCE_EXPIRED:
		return false;
	}
	return false;
}
