#include "base/base.h"
#include "base/buf.h"
#include "base/utf8.h"
#include "text/float.h"
#include "text/literal.h"
#include "text/metricsql_lex.h"
#include "text/unicode.h"

#include <string.h>
#include <strings.h>

/* -- characters ----------------------------------------------------------------------- */

static bool is_one_of(char c, const char *set)
{
	return c && strchr(set, c);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char byte_at(struct str s, size_t i)
{
	return i < s.n ? s.p[i] : '\0';
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int hex_digit(char c)
{
	if (is_digit(c))
		return c - '0';
	c = lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static size_t digits(struct str s, size_t at)
{
	size_t end = at;

	while (is_digit(byte_at(s, end)))
		end++;
	return end - at;
}

/* -- names ---------------------------------------------------------------------------- */

/*	escape = "\" ( "x" 2 hex | "u" 4 hex | any printable character )
 * Its bytes without the backslash, and the character; 0: none. */
static size_t escape_length(struct str s, uint32_t *rune)
{
	char kind = lower(byte_at(s, 0));
	size_t n = kind == 'x' ? 2 : kind == 'u' ? 4 : 0;

	if (!s.n)
		return 0;
	if (!n) {
		n = utf8_decode(s, rune);
		return *rune == UTF8_BAD || *rune < ' ' || *rune == 0x7f ? 0 : n;
	}
	*rune = 0;
	for (size_t i = 1; i <= n; i++) {
		int digit = hex_digit(byte_at(s, i));

		if (digit < 0)
			return 0;
		*rune = *rune * 16 + (uint32_t)digit;
	}
	return n + 1;
}

static size_t name_char(struct str s, bool is_first, bool in_window)
{
	char c = byte_at(s, 0);
	uint32_t rune;
	size_t n;

	if (c == '_' || (c == ':' && !in_window))
		return 1;
	if (!is_first && (is_digit(c) || c == '.'))
		return 1;
	if (c == '\\') {
		n = escape_length(str_from(s, 1), &rune);
		return n ? n + 1 : 0;
	}
	if (!s.n)
		return 0;
	n = utf8_decode(s, &rune);
	return rune != UTF8_BAD && rune_is_letter(rune) ? n : 0;
}

static size_t name_length(struct str s, bool in_window)
{
	size_t n = 0, more;

	while ((more = name_char(str_from(s, n), n == 0, in_window)))
		n += more;
	return n;
}

struct str mql_unescape(struct arena *mem, struct str name)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	struct str out;
	uint32_t rune;

	if (str_find_char(name, '\\') == STR_NONE)
		return name;
	for (size_t i = 0; i < name.n;) {
		if (name.p[i] != '\\') {
			buf_add_char(&b, name.p[i++]);
			continue;
		}
		i += 1 + escape_length(str_from(name, i + 1), &rune);
		buf_add_rune(&b, rune);
	}
	out = buf_keep(&b, mem);
	buf_free(&b);
	return out;
}

/* -- numbers and durations ------------------------------------------------------------ */

static const struct {
	const char *suffix; /* longer ones first */
} multipliers[] = {
	{"kib"}, {"ki"}, {"kb"}, {"k"}, {"mib"}, {"mi"}, {"mb"}, {"m"},
	{"gib"}, {"gi"}, {"gb"}, {"g"}, {"tib"}, {"ti"}, {"tb"}, {"t"},
};

static size_t multiplier_length(struct str s)
{
	for (size_t i = 0; i < COUNT_OF(multipliers); i++) {
		size_t n = strlen(multipliers[i].suffix);

		if (s.n >= n && !strncasecmp(s.p, multipliers[i].suffix, n))
			return n;
	}
	return 0;
}

/*	part = digits [ "." digits ] ( "ms" | "s" | "m" | "h" | "d" | "w" | "y" | "i" )
 * In either case, but for M, which is a million; 0: none. */
static size_t duration_part(struct str s)
{
	size_t i = digits(s, 0);
	char unit;

	if (!i)
		return 0;
	if (byte_at(s, i) == '.')
		i += 1 + digits(s, i + 1);
	unit = lower(byte_at(s, i));
	if (unit == 'm') {
		char next = lower(byte_at(s, i + 1));

		if (next == 's')
			return i + 2;
		return s.p[i] == 'm' && next != 'i' && next != 'b' ? i + 1 : 0;
	}
	return is_one_of(unit, "shdwyi") ? i + 1 : 0;
}

/*	duration = part { [ "-" ] part }	*/
static size_t duration_length(struct str s)
{
	size_t n = duration_part(s), minus, more = n;

	while (more) {
		minus = byte_at(s, n) == '-';
		more = duration_part(str_from(s, n + minus));
		n += more ? minus + more : 0;
	}
	return n;
}

static size_t decimal_length(struct str s, size_t at)
{
	size_t end = at;

	while (is_digit(byte_at(s, end)) || byte_at(s, end) == '_')
		end++;
	return end - at;
}

static bool is_hex(struct str s)
{
	return byte_at(s, 0) == '0' && lower(byte_at(s, 1)) == 'x';
}

static size_t number_length(struct str s)
{
	size_t n, exponent;

	if (is_hex(s)) {
		for (n = 2; hex_digit(byte_at(s, n)) >= 0 || byte_at(s, n) == '_';)
			n++;
		return n;
	}
	n = byte_at(s, 0) == '0' && is_one_of(lower(byte_at(s, 1)), "ob") ? 2 : 0;
	n += decimal_length(s, n);
	if (byte_at(s, n) == '.')
		n += 1 + decimal_length(s, n + 1);
	if (multiplier_length(str_from(s, n)))
		return n + multiplier_length(str_from(s, n));
	if (lower(byte_at(s, n)) != 'e')
		return n;
	exponent = n + 1 + is_one_of(byte_at(s, n + 1), "+-");
	return digits(s, exponent) ? exponent + digits(s, exponent) : n + 1;
}

/* 0x1f, 0o17, 0b1, and 017 */
static bool is_based_integer(struct str s)
{
	char second = lower(byte_at(s, 1));

	return byte_at(s, 0) == '0' && (is_digit(second) || is_one_of(second, "xob"));
}

bool mql_number_is_good(struct arena *mem, struct str s)
{
	struct number n = {0};
	double value;

	if (is_based_integer(s))
		return !literal_number(mem, s, &n) && n.is_int && !n.looks_float;
	for (size_t i = 0; i < s.n; i++) {
		if (multiplier_length(str_from(s, i)) == s.n - i)
			s = str_slice(s, 0, i);
	}
	return float_parse(s, &value) == FLOAT_OK;
}

/* -- strings -------------------------------------------------------------------------- */

/* 0: it does not end. */
static size_t string_length(struct str s)
{
	char quote = s.p[0];
	size_t backslashes = 0;

	for (size_t i = 1; i < s.n; i++) {
		if (s.p[i] == quote && backslashes % 2 == 0)
			return i + 1;
		backslashes = s.p[i] == '\\' ? backslashes + 1 : 0;
	}
	return 0;
}

/* '...' as "...": only the quotes within change their escapes. */
static struct str double_quoted(struct arena *mem, struct str inner)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	struct str out;

	buf_add_char(&b, '"');
	for (size_t i = 0; i < inner.n; i++) {
		if (inner.p[i] == '\\' && byte_at(inner, i + 1) == '\'')
			continue;
		if (inner.p[i] == '"')
			buf_add_char(&b, '\\');
		buf_add_char(&b, inner.p[i]);
	}
	buf_add_char(&b, '"');
	out = buf_keep(&b, mem);
	buf_free(&b);
	return out;
}

bool mql_unquote(struct arena *mem, struct str token, struct str *out)
{
	struct str inner = str_slice(token, 1, token.n - 2);

	if (token.p[0] == '`') {
		if (str_find_char(inner, '`') != STR_NONE)
			return false;
	} else if (str_find_char(inner, '\n') != STR_NONE) {
		return false;
	}
	if (token.p[0] == '\'')
		token = double_quoted(mem, inner);
	if (token.p[0] == '"' && string_length(token) != token.n)
		return false;
	return !literal_string(mem, token, out);
}

/* -- tokens --------------------------------------------------------------------------- */

static void pass_blanks(struct mql_lexer *l)
{
	while (l->pos < l->in.n) {
		char c = l->in.p[l->pos];

		if (c == '#')
			l->pos += MIN(str_find_char(str_from(l->in, l->pos), '\n'),
				      l->in.n - l->pos - 1);
		else if (!is_one_of(c, " \t\n\v\f\r"))
			return;
		l->pos++;
	}
}

static size_t symbol_length(struct str s, bool in_window)
{
	static const char *const pairs[] = {"==", "!=", ">=", "<=", "=~", "!~"};

	for (size_t i = 0; i < COUNT_OF(pairs); i++) {
		if (str_starts(s, str_of(pairs[i])))
			return 2;
	}
	return is_one_of(s.p[0], "{}[](),@+-*/%^><=") || (in_window && s.p[0] == ':');
}

static bool starts_number(struct str s)
{
	return is_digit(s.p[0]) || (s.p[0] == '.' && is_digit(byte_at(s, 1)));
}

static struct mql_token found(struct mql_lexer *l, enum mql_kind kind, size_t n)
{
	struct mql_token t = {.kind = kind, .at = l->pos};

	t.text = str_slice(l->in, l->pos, n);
	l->pos += n;
	return t;
}

static struct mql_token bad(struct mql_lexer *l, const char *why)
{
	struct mql_token t = {MQL_BAD, l->pos, str_from(l->in, l->pos), why};

	l->pos = l->in.n;
	return t;
}

/* What Grafana puts in place of these two is the step of the query. */
static size_t variable_length(struct str s)
{
	if (str_starts(s, STR("$__interval")))
		return sizeof("$__interval") - 1;
	return str_starts(s, STR("$__rate_interval")) ? sizeof("$__rate_interval") - 1 : 0;
}

struct mql_token mql_next(struct mql_lexer *l)
{
	struct str s;
	size_t n;

	pass_blanks(l);
	s = str_from(l->in, l->pos);
	if (!s.n)
		return found(l, MQL_END, 0);
	if ((n = name_length(s, l->in_window)))
		return found(l, MQL_NAME, n);
	if (is_one_of(s.p[0], "\"'`")) {
		n = string_length(s);
		return n ? found(l, MQL_STRING, n) : bad(l, "unterminated string");
	}
	if ((n = symbol_length(s, l->in_window)))
		return found(l, MQL_SYMBOL, n);
	if ((n = duration_length(s)) || (n = variable_length(s)))
		return found(l, MQL_DURATION, n);
	if (starts_number(s))
		return found(l, MQL_NUMBER, number_length(s));
	return bad(l, NULL);
}

bool mql_is_word(const struct mql_token *t, const char *word)
{
	size_t n = strlen(word);

	return t->kind == MQL_NAME && t->text.n == n && !strncasecmp(t->text.p, word, n);
}

bool mql_is_symbol(const struct mql_token *t, const char *symbol)
{
	return t->kind == MQL_SYMBOL && str_is(t->text, symbol);
}
