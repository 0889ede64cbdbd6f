#include "base/base.h"
#include "text/promql_parser.h"
#include "base/time.h"
#include "text/float.h"

#include <math.h>
#include <string.h>

/* A length of time: a literal, whose value is known, or a computed one. */
struct span {
	bool literal;
	double seconds;
	size_t at;
};

static bool parse_span(struct prom_parser *p, int least, struct span *out);

/* -- numbers ----------------------------------------------------------------------- */

static bool hex_value(struct str s, double *out)
{
	uint64_t value = 0;

	for (size_t i = 2; i < s.n; i++) {
		char c = s.p[i];

		if (c == '_' && i + 1 < s.n && s.p[i + 1] != '_')
			continue;
		if (c == '_' || value >> 59)
			return false;
		value = value * 16 + (uint64_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	*out = (double)value;
	return s.n > 2;
}

static bool number_value(struct prom_parser *p, const struct prom_token *t, double *out)
{
	bool hex = t->text.n > 1 && (t->text.p[1] | 0x20) == 'x';
	enum float_parse how;

	if (hex && hex_value(t->text, out))
		return true;
	how = hex ? FLOAT_SYNTAX : float_parse(t->text, out);
	if (how == FLOAT_OK)
		return true;
	return promql_fail_quoted(
		p->err, t->at, "error parsing number: strconv.ParseFloat: parsing ",
		t->text, how == FLOAT_RANGE ? ": value out of range" : ": invalid syntax");
}

static bool duration_value(struct prom_parser *p, const struct prom_token *t, double *out)
{
	struct err err;
	span_ms ms;

	if (!span_parse(t->text, NOWHERE, &ms, &err)) {
		char *advice = strstr(err.text, " (");

		if (advice)
			*advice = 0;
		return promql_fail(p->err, t->at, "%s", err.text);
	}
	*out = (double)ms / 1000;
	return true;
}

bool prom_is_number(const struct prom_parser *p)
{
	return prom_is(p, PROM_NUMBER) || prom_is(p, PROM_DURATION);
}

bool prom_parse_number(struct prom_parser *p, double *out)
{
	struct prom_token t = prom_take(p);

	return t.kind == PROM_NUMBER ? number_value(p, &t, out)
				     : duration_value(p, &t, out);
}

/* -- lengths of time --------------------------------------------------------------- */

/*	span    = signed { operator span }
 *	signed  = ( "+" | "-" ) span | primary
 *	primary = number | duration | "(" span ")" | ( "step" | "range" ) "(" ")"
 *	          | ( "max" | "max_of" | "min" | "min_of" ) "(" span "," span ")"	*/

static bool span_unexpected(struct prom_parser *p)
{
	return prom_unexpected_in(p, p->span.context, p->span.expected);
}

static bool span_expect(struct prom_parser *p, enum prom_kind kind)
{
	return prom_take_if(p, kind) || span_unexpected(p);
}

static bool span_in_range(struct prom_parser *p, const struct span *s)
{
	const double most = 9223372036.854775807;

	if (!s->literal || (s->seconds <= most && s->seconds >= -most))
		return true;
	return promql_fail(p->err, s->at, "duration out of range");
}

static bool parse_span_call(struct prom_parser *p)
{
	bool two = prom_is(p, PROM_MAX_OF) || prom_is(p, PROM_MIN_OF);
	struct span a, b;

	prom_take(p);
	if (!span_expect(p, PROM_LEFT_PAREN))
		return false;
	if (two && (!parse_span(p, PREC_ADD, &a) || !span_expect(p, PROM_COMMA) ||
		    !parse_span(p, PREC_ADD, &b)))
		return false;
	return span_expect(p, PROM_RIGHT_PAREN);
}

static bool parse_span_primary(struct prom_parser *p, struct span *out)
{
	*out = (struct span){.at = p->tok.at};
	switch ((int)p->tok.kind) {
	case PROM_NUMBER:
	case PROM_DURATION:
		out->literal = true;
		return prom_parse_number(p, &out->seconds) && span_in_range(p, out);
	case PROM_STEP:
	case PROM_RANGE:
	case PROM_MAX_OF:
	case PROM_MIN_OF:
		return parse_span_call(p);
	case PROM_LEFT_PAREN:
		prom_take(p);
		if (!parse_span(p, PREC_ADD, out) || !span_expect(p, PROM_RIGHT_PAREN))
			return false;
		out->literal = false;
		return true;
	default:
		return span_unexpected(p);
	}
}

static bool parse_span_signed(struct prom_parser *p, int least, struct span *out)
{
	struct prom_token sign = p->tok;

	if (sign.kind != PROM_ADD && sign.kind != PROM_SUB)
		return parse_span_primary(p, out);
	prom_take(p);
	if (!parse_span(p, least, out))
		return false;
	if (sign.kind == PROM_SUB)
		out->seconds = -out->seconds;
	out->at = sign.at;
	return true;
}

int prom_arithmetic_precedence(enum prom_kind kind)
{
	switch ((int)kind) {
	case PROM_ADD:
	case PROM_SUB:
		return PREC_ADD;
	case PROM_MUL:
	case PROM_DIV:
	case PROM_MOD:
		return PREC_MUL;
	case PROM_POW:
		return PREC_POW;
	default:
		return 0;
	}
}

static bool parse_span_operators(struct prom_parser *p, int least, struct span *out)
{
	struct span right;
	int prec;

	if (!parse_span_signed(p, PREC_POW, out))
		return false;
	while ((prec = prom_arithmetic_precedence(p->tok.kind)) && prec >= least) {
		struct prom_token op = prom_take(p);

		if (!parse_span(p, prec == PREC_POW ? prec : prec + 1, &right))
			return false;
		if (right.literal && right.seconds == 0 &&
		    (op.kind == PROM_DIV || op.kind == PROM_MOD))
			return promql_fail(p->err, op.at, "%s by zero",
					   op.kind == PROM_DIV ? "division" : "modulo");
		out->literal = false;
	}
	return true;
}

static bool parse_span(struct prom_parser *p, int least, struct span *out)
{
	bool ok = prom_enter(p) && parse_span_operators(p, least, out);

	p->depth--;
	return ok;
}

/* -- where they stand -------------------------------------------------------------- */

static struct prom_span known_span(const struct span *s)
{
	bool is_known = s->literal && fabs(s->seconds) < 1e12;

	return (struct prom_span){is_known, is_known ? llround(s->seconds * 1000) : 0};
}

bool prom_parse_range(struct prom_parser *p, const char *context, const char *expected,
		      struct prom_span *out)
{
	struct span s;

	p->span = (struct prom_wanted){context, expected};
	if (!parse_span(p, PREC_ADD, &s))
		return false;
	if (prom_is(p, PROM_ERROR))
		return prom_unexpected(p);
	if (s.literal && !(s.seconds > 0))
		return promql_fail(p->err, s.at, "duration must be greater than 0");
	*out = known_span(&s);
	return true;
}

bool prom_parse_offset(struct prom_parser *p, struct prom_span *out, bool *is_zero)
{
	struct span s;

	p->span = (struct prom_wanted){"offset", "number, duration, step(), or range()"};
	if (!parse_span_signed(p, PREC_POW + 1, &s) || !span_in_range(p, &s))
		return false;
	*is_zero = s.literal && s.seconds == 0;
	*out = known_span(&s);
	return true;
}
