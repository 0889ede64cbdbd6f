#include "base/base.h"
#include "config/relabel.h"
#include "base/libcrypto.h"
#include "text/regex_expand.h"
#include "text/unicode.h"

#include <openssl/evp.h>
#include <string.h>

#define DEFAULT_REGEX	    "(.*)"
#define DEFAULT_SEPARATOR   ";"
#define DEFAULT_REPLACEMENT "$1"

/* -- reading -------------------------------------------------------------------------- */

#define AT(m) offsetof(struct relabel, m)
static const struct field relabel_fields[] = {
	{"source_labels", FIELD_TEXTS, AT(source_labels),
	 .help = "Labels whose values, joined, are looked at."},
	{"separator", FIELD_TEXT, AT(separator), .if_absent = DEFAULT_SEPARATOR,
	 .help = "What joins them."},
	{"regex", FIELD_TEXT, AT(regex_text), .if_absent = DEFAULT_REGEX,
	 .help = "What they, or names of labels, must match as a whole."},
	{"modulus", FIELD_INT, AT(modulus), .min = 0, .max = INT64_MAX,
	 .help = "For hashmod."},
	{"target_label", FIELD_TEXT, AT(target_label), .help = "The label that is set."},
	{"replacement", FIELD_TEXT, AT(replacement), .if_absent = DEFAULT_REPLACEMENT,
	 .help = "What it is set to; $1 is the first group of regex."},
	{"action", FIELD_TEXT, AT(action_text), .if_absent = "replace",
	 .help = "replace, keep, drop, keepequal, dropequal, hashmod, labelmap, "
		 "labeldrop, labelkeep, lowercase or uppercase."},
	{0},
};
#undef AT

static const struct {
	const char *name;
	bool sets_target, plain_target; /* no $1 in it */
	bool only_target, only_regex;	/* beside source_labels, or alone */
	bool no_replacement;
} actions[RELABEL_ACTIONS] = {
	[RELABEL_REPLACE] = {"replace", .sets_target = true},
	[RELABEL_KEEP] = {.name = "keep"},
	[RELABEL_DROP] = {.name = "drop"},
	[RELABEL_KEEP_EQUAL] = {"keepequal", .sets_target = true, .only_target = true},
	[RELABEL_DROP_EQUAL] = {"dropequal", .sets_target = true, .only_target = true},
	[RELABEL_HASHMOD] = {"hashmod", .sets_target = true, .plain_target = true},
	[RELABEL_LABELMAP] = {.name = "labelmap"},
	[RELABEL_LABELDROP] = {"labeldrop", .only_regex = true},
	[RELABEL_LABELKEEP] = {"labelkeep", .only_regex = true},
	[RELABEL_LOWERCASE] = {"lowercase", .sets_target = true, .plain_target = true,
			       .no_replacement = true},
	[RELABEL_UPPERCASE] = {"uppercase", .sets_target = true, .plain_target = true,
			       .no_replacement = true},
};

static bool action_find(const char *name, enum relabel_action *out)
{
	struct arena mem = {0};
	struct str lower = unicode_lower(&mem, str_of(name));
	bool found = false;

	for (int i = 0; i < RELABEL_ACTIONS && !found; i++) {
		found = str_is(lower, actions[i].name);
		if (found)
			*out = (enum relabel_action)i;
	}
	arena_free(&mem);
	return found;
}

static bool is_default(const char *text, const char *value)
{
	return !strcmp(text, value);
}

static void target_check(struct decode *d, const struct yaml *y, const struct relabel *r)
{
	const char *action = actions[r->action].name;
	struct str target = str_of(r->target_label);

	if (!actions[r->action].sets_target)
		return;
	if (!target.n)
		mistake(d, y->at,
			"relabel configuration for %s action requires 'target_label' value",
			action);
	else if ((actions[r->action].plain_target ||
		  str_find_char(target, '$') == STR_NONE) &&
		 !is_label_name(target, NAMES_UTF8))
		mistake(d, pos_of_value(y, "target_label"),
			"\"%s\" is invalid 'target_label' for %s action", r->target_label,
			action);
}

static void others_check(struct decode *d, const struct yaml *y, const struct relabel *r)
{
	const char *action = actions[r->action].name;
	bool plain = is_default(r->separator, DEFAULT_SEPARATOR) && !r->modulus &&
		     is_default(r->replacement, DEFAULT_REPLACEMENT);
	struct err err;

	if (r->action == RELABEL_HASHMOD && !libcrypto_load(&err))
		mistake(d, y->at, "%s", err.text);
	if (r->action == RELABEL_HASHMOD && !r->modulus)
		mistake(d, y->at,
			"relabel configuration for hashmod requires non-zero modulus");
	if (actions[r->action].no_replacement &&
	    !is_default(r->replacement, DEFAULT_REPLACEMENT))
		mistake(d, pos_of_value(y, "replacement"),
			"'replacement' can not be set for %s action", action);
	if (actions[r->action].only_target &&
	    (!plain || !is_default(r->regex_text, DEFAULT_REGEX)))
		mistake(d, y->at,
			"%s action requires only 'source_labels' and 'target_label', and "
			"no other fields",
			action);
	if (actions[r->action].only_regex &&
	    (!plain || r->source_labels.n || r->target_label[0]))
		mistake(d, y->at, "%s action requires only 'regex', and no other fields",
			action);
}

/* As a whole: a pattern such as "a)(b" must not come apart in the group put around it. */
static void regex_check(struct decode *d, const struct yaml *y, struct relabel *r)
{
	struct err err;
	const char *whole = arena_printf(d->mem, "^(?s:%s)$", r->regex_text);

	if (regex_new(d->mem, str_of(r->regex_text), REGEX_ANYWHERE, &err))
		r->regex = regex_new(d->mem, str_of(whole), REGEX_ANYWHERE, &err);
	if (!r->regex)
		mistake(d, pos_of_value(y, "regex"), "%s", err.text);
}

static void relabel_check(struct decode *d, const struct yaml *y, void *object)
{
	struct relabel *r = object;

	if (!action_find(r->action_text, &r->action)) {
		mistake(d, pos_of_value(y, "action"), "unknown relabel action \"%s\"",
			r->action_text);
		return;
	}
	regex_check(d, y, r);
	target_check(d, y, r);
	others_check(d, y, r);
}

const struct shape relabel_shape = {"relabel_config", relabel_fields,
				    sizeof(struct relabel), true, relabel_check};

/* -- applying ------------------------------------------------------------------------- */

static struct str joined(struct arena *mem, const struct labels *set,
			 const struct relabel *r)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	struct str text;

	for (size_t i = 0; i < r->source_labels.n; i++) {
		if (i)
			buf_add_text(&b, r->separator);
		buf_add_text(&b, labels_get(set, r->source_labels.v[i]));
	}
	text = buf_keep(&b, mem);
	buf_free(&b);
	return text;
}

/* A match of a text and its groups. */
struct match {
	struct regex_text text;
	struct regex_span spans[REGEX_SPANS];
};

/* One that takes too long counts as none. */
static bool match(struct arena *mem, const struct relabel *r, struct str text,
		  struct match *out)
{
	size_t work = REGEX_MAX_STEPS;

	out->text = regex_text_new(mem, text);
	return regex_search(r->regex, &out->text, 0, out->spans, REGEX_SPANS, &work) ==
	       REGEX_FOUND;
}

static bool matches(struct arena *mem, const struct relabel *r, struct str text)
{
	struct match m;

	return match(mem, r, text, &m);
}

static const char *expanded(struct arena *mem, const char *with, const struct relabel *r,
			    const struct match *m)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	const char *out;

	buf_add_expanded(&b, str_of(with), r->regex, &m->text, m->spans);
	out = arena_copy(mem, buf_str(&b));
	buf_free(&b);
	return out;
}

static const struct labels *replace(struct arena *mem, const struct labels *set,
				    const struct relabel *r, struct str text)
{
	struct match m;
	const char *target;

	if (!match(mem, r, text, &m))
		return set;
	target = expanded(mem, r->target_label, r, &m);
	if (!is_label_name(str_of(target), NAMES_UTF8))
		return set;
	return labels_with(mem, set, target, expanded(mem, r->replacement, r, &m));
}

/* The last eight bytes of the MD5, big-endian, as Prometheus shares work out with it. */
static const char *hash_of(struct arena *mem, struct str text, int64_t modulus)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	uint64_t v = 0;

	if (!EVP_Digest(text.p, text.n, digest, NULL, EVP_md5(), NULL))
		BUG("no MD5");
	for (int i = 8; i < 16; i++)
		v = v << 8 | digest[i];
	return arena_printf(mem, "%llu", (unsigned long long)(v % (uint64_t)modulus));
}

static const struct labels *map_names(struct arena *mem, const struct labels *set,
				      const struct relabel *r)
{
	const struct labels *out = set;
	struct match m;

	for (size_t i = 0; i < set->n; i++) {
		const char *to;

		if (!match(mem, r, str_of(set->v[i].name), &m))
			continue;
		to = expanded(mem, r->replacement, r, &m);
		if (is_label_name(str_of(to), NAMES_UTF8))
			out = labels_with(mem, out, to, set->v[i].value);
	}
	return out;
}

static const struct labels *without(struct arena *mem, const struct labels *set,
				    const struct relabel *r, bool what_matches)
{
	const struct labels *out = set;

	for (size_t i = 0; i < set->n; i++) {
		if (matches(mem, r, str_of(set->v[i].name)) == what_matches)
			out = labels_with(mem, out, set->v[i].name, "");
	}
	return out;
}

static const struct labels *apply(struct arena *mem, const struct labels *set,
				  const struct relabel *r)
{
	struct str text = joined(mem, set, r);
	const char *target = r->target_label;

	switch (r->action) {
	case RELABEL_REPLACE:
		return replace(mem, set, r, text);
	case RELABEL_KEEP:
		return matches(mem, r, text) ? set : NULL;
	case RELABEL_DROP:
		return matches(mem, r, text) ? NULL : set;
	case RELABEL_KEEP_EQUAL:
		return str_is(text, labels_get(set, target)) ? set : NULL;
	case RELABEL_DROP_EQUAL:
		return str_is(text, labels_get(set, target)) ? NULL : set;
	case RELABEL_HASHMOD:
		return labels_with(mem, set, target, hash_of(mem, text, r->modulus));
	case RELABEL_LABELMAP:
		return map_names(mem, set, r);
	case RELABEL_LABELDROP:
		return without(mem, set, r, true);
	case RELABEL_LABELKEEP:
		return without(mem, set, r, false);
	case RELABEL_LOWERCASE:
		return labels_with(mem, set, target,
				   arena_copy(mem, unicode_lower(mem, text)));
	case RELABEL_UPPERCASE:
		return labels_with(mem, set, target,
				   arena_copy(mem, unicode_upper(mem, text)));
	case RELABEL_ACTIONS:
		break;
	}
	return set;
}

const struct labels *relabel(struct arena *mem, const struct labels *set,
			     const struct object_list *rules)
{
	const struct relabel *v = rules->v;

	for (size_t i = 0; set && i < rules->n; i++)
		set = apply(mem, set, &v[i]);
	return set && set->n ? set : NULL;
}
