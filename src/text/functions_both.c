#include "base/base.h"
#include "text/func.h"
#include "base/quote.h"
#include "base/utf8.h"
#include "model/regex.h"
#include "text/exec.h"
#include "text/float.h"
#include "text/lex.h"
#include "text/regex_expand.h"
#include "text/unicode.h"

#include <math.h>

/* What Alertmanager and Prometheus both offer in templates. */

static bool fn_toUpper(struct call *c, struct value *out)
{
	*out = value_str(unicode_upper(c->mem, c->args[0].s));
	return true;
}

static bool fn_toLower(struct call *c, struct value *out)
{
	*out = value_str(unicode_lower(c->mem, c->args[0].s));
	return true;
}

static bool fn_safeHtml(struct call *c, struct value *out)
{
	*out = value_typed(&type_html, c->args[0].s);
	return true;
}

/* -- regular expressions -------------------------------------------------------------- */

/* What compiling a regular expression counts as, beside the length of its text. */
#define COMPILE_STEPS	   1000
#define CODE_SIZE_PER_STEP 4

/* Patterns are mostly literals met again for each alert: the last few stay compiled. */
static const struct regex *compile(struct call *c, struct str pattern, struct err *err)
{
	struct exec *x = c->exec;
	const struct regex *re;
	size_t slot;

	for (size_t i = 0; i < COUNT_OF(x->regexes.v); i++) {
		if (x->regexes.v[i].re && str_eq(x->regexes.v[i].pattern, pattern))
			return x->regexes.v[i].re;
	}
	x->steps += COMPILE_STEPS + pattern.n;
	re = regex_new(c->mem, pattern, REGEX_ANYWHERE, err);
	if (!re)
		return NULL;
	x->steps += regex_size(re) / CODE_SIZE_PER_STEP;
	slot = x->regexes.next++ % COUNT_OF(x->regexes.v);
	x->regexes.v[slot].pattern = pattern;
	x->regexes.v[slot].re = re;
	return re;
}

/* False and a failure when the steps that are left were not enough. */
static bool search(struct call *c, const struct regex *re, const struct regex_text *text,
		   size_t at, struct regex_span *spans, bool *found)
{
	struct exec *x = c->exec;
	size_t left = x->steps < x->steps_max ? x->steps_max - x->steps : 0, before = left;
	enum regex_found how = regex_search(re, text, at, spans, REGEX_SPANS, &left);

	x->steps += before - left;
	*found = how == REGEX_FOUND;
	return how != REGEX_TIRED || call_fail(c, "exceeded %zu steps", x->steps_max);
}

static bool fn_match(struct call *c, struct value *out)
{
	struct regex_text text = regex_text_new(c->mem, c->args[1].s);
	struct regex_span spans[REGEX_SPANS];
	struct err err;
	const struct regex *re = compile(c, c->args[0].s, &err);
	bool found;

	if (!re)
		return call_fail(c, "%s", err.text);
	if (!search(c, re, &text, 0, spans, &found))
		return false;
	*out = value_bool(found);
	return true;
}

/* The name behind a dollar sign, in braces or not. False when there is none. */
static bool take_reference(struct str *s, struct str *name)
{
	bool braced = s->n && s->p[0] == '{';
	struct str in = braced ? str_from(*s, 1) : *s;
	size_t n = 0, step;
	uint32_t r;

	for (; n < in.n; n += step) {
		step = utf8_decode(str_from(in, n), &r);
		if (r == UTF8_BAD || !is_name_rune(r))
			break;
	}
	if (!n || (braced && (n >= in.n || in.p[n] != '}')))
		return false;
	*name = str_slice(in, 0, n);
	*s = str_from(in, n + braced);
	return true;
}

static size_t group_of(const struct regex *re, struct str name)
{
	int64_t n = 0;
	bool digits = true;

	for (size_t i = 0; i < name.n; i++)
		digits = digits && name.p[i] >= '0' && name.p[i] <= '9';
	if (digits && (name.n == 1 || name.p[0] != '0') && str_int(name, &n))
		return (uint64_t)n <= regex_groups(re) ? (size_t)n : STR_NONE;
	n = (int64_t)regex_group_named(re, name);
	return n ? (size_t)n : STR_NONE;
}

void buf_add_expanded(struct buf *b, struct str replacement, const struct regex *re,
		      const struct regex_text *text, const struct regex_span *spans)
{
	struct str name;
	size_t group;

	while (replacement.n) {
		size_t dollar = str_find_char(replacement, '$');

		buf_add_str(b, str_slice(replacement, 0, dollar));
		if (dollar == STR_NONE)
			return;
		replacement = str_from(replacement, dollar + 1);
		if (replacement.n && replacement.p[0] == '$') {
			buf_add_char(b, '$');
			replacement = str_from(replacement, 1);
		} else if (!take_reference(&replacement, &name)) {
			buf_add_char(b, '$');
		} else {
			group = group_of(re, name);
			if (group < REGEX_SPANS && spans[group].start != STR_NONE)
				buf_add_str(b, regex_text_piece(text, spans[group].start,
								spans[group].end));
		}
	}
}

#define REPLACEMENT_PER_STEP 2 /* bytes: a reference is looked up each time */

/* Every match, but no empty one right behind another match. */
static bool replace_all(struct call *c, struct buf *b, const struct regex *re,
			const struct regex_text *text, struct str replacement)
{
	struct regex_span spans[REGEX_SPANS];
	size_t at = 0, copied = 0, end = text->text.n, step;
	uint32_t r;
	bool found;

	while (at <= end && !b->full) {
		if (!search(c, re, text, at, spans, &found))
			return false;
		if (!found)
			break;
		buf_add_str(b, regex_text_piece(text, copied, spans[0].start));
		if (spans[0].end > copied || spans[0].start == 0)
			buf_add_expanded(b, replacement, re, text, spans);
		c->exec->steps += replacement.n / REPLACEMENT_PER_STEP;
		copied = spans[0].end;
		step = at < end ? utf8_decode(str_from(text->text, at), &r) : 1;
		at = at + step > spans[0].end ? at + step : spans[0].end;
	}
	buf_add_str(b, regex_text_piece(text, copied, end));
	return true;
}

static bool bad_pattern(struct call *c, struct str pattern, const struct err *err)
{
	struct buf b = BUF(BUF_NO_LIMIT), quoted = BUF(BUF_NO_LIMIT);
	bool no;

	if (str_find_char(pattern, '`') != STR_NONE)
		buf_add_quoted(&quoted, pattern);
	else
		buf_addf(&quoted, "`%.*s`", FMT(pattern));
	buf_add_text(&b, "regexp: Compile(");
	buf_add_cut(&b, buf_str(&quoted), EXEC_SHOWN);
	buf_addf(&b, "): %s", err->text);
	no = call_fail(c, "%s", buf_text(&b));
	buf_free(&quoted);
	buf_free(&b);
	return no;
}

static bool fn_reReplaceAll(struct call *c, struct value *out)
{
	struct regex_text text = regex_text_new(c->mem, c->args[2].s);
	struct err err;
	const struct regex *re = compile(c, c->args[0].s, &err);
	struct buf *b;

	if (!re)
		return bad_pattern(c, c->args[0].s, &err);
	b = call_buf(c);
	return replace_all(c, b, re, &text, c->args[1].s) && call_result(c, b, out);
}

/* -- numbers -------------------------------------------------------------------------- */

bool call_number(struct call *c, const struct value *v, double *out)
{
	struct buf b = BUF(BUF_NO_LIMIT), quoted = BUF(BUF_NO_LIMIT);
	enum float_parse parsed;

	if (v->type == &type_float64) {
		*out = v->f;
	} else if (v->type == &type_int || v->type == &type_int64) {
		*out = (double)v->i;
	} else if (v->type == &type_uint64) {
		*out = (double)v->u;
	} else if (v->type == &type_duration) {
		*out = (double)(v->i / 1000000000) + (double)(v->i % 1000000000) / 1e9;
	} else if (v->type == &type_string) {
		c->exec->steps += EXEC_NUMBER_STEPS;
		parsed = float_parse(v->s, out);
		if (parsed == FLOAT_OK)
			return true;
		buf_add_text(&b, "strconv.ParseFloat: parsing ");
		buf_add_quoted(&quoted, v->s);
		buf_add_cut(&b, buf_str(&quoted), EXEC_SHOWN);
		buf_free(&quoted);
		buf_add_text(&b, parsed == FLOAT_SYNTAX ? ": invalid syntax"
							: ": value out of range");
		call_fail(c, "%s", buf_text(&b));
		buf_free(&b);
		return false;
	} else {
		return call_fail(c, "can't convert %s to float", value_type_name(v));
	}
	return true;
}

static void add_whole_units(struct buf *b, double seconds)
{
	/* the processor makes this of what int64 cannot hold, and users have seen it */
	int64_t s = seconds < 9223372036854775808.0 ? (int64_t)seconds : INT64_MIN;
	long long days = s / 86400, hours = s / 3600 % 24, minutes = s / 60 % 60;

	if (days)
		buf_addf(b, "%lldd ", days);
	if (days || hours)
		buf_addf(b, "%lldh ", hours);
	buf_addf(b, "%lldm %llds", minutes, (long long)(s % 60));
}

bool call_humanize_duration(struct call *c, double v, struct value *out)
{
	static const char *const prefixes = "munpfazy";
	struct buf *b = call_buf(c);
	const char *prefix = NULL;

	if (isnan(v) || isinf(v)) {
		buf_add_float(b, v, 'g', 4);
	} else if (fabs(v) >= 60) {
		if (v < 0)
			buf_add_char(b, '-');
		add_whole_units(b, fabs(v));
	} else {
		for (const char *p = prefixes; v != 0 && fabs(v) < 1 && *p; p++) {
			prefix = p;
			v *= 1000;
		}
		buf_add_float(b, v, 'g', 4);
		if (prefix)
			buf_add_char(b, *prefix);
		buf_add_char(b, 's');
	}
	return call_result(c, b, out);
}

static bool fn_humanizeDuration(struct call *c, struct value *out)
{
	double v;

	return call_number(c, &c->args[0], &v) && call_humanize_duration(c, v, out);
}

const struct func functions_both[] = {
	FUNC("toUpper", fn_toUpper, &type_string, 1, &type_string),
	FUNC("toLower", fn_toLower, &type_string, 1, &type_string),
	FUNC("safeHtml", fn_safeHtml, &type_html, 1, &type_string),
	FUNC("match", fn_match, &type_bool, 2, &type_string, &type_string),
	FUNC("reReplaceAll", fn_reReplaceAll, &type_string, 3, &type_string, &type_string,
	     &type_string),
	FUNC("humanizeDuration", fn_humanizeDuration, &type_string, 1, &type_any),
	FUNC_END,
};
