#include "base/base.h"
#include "text/promql_lex.h"
#include "base/quote.h"
#include "base/utf8.h"

#include <string.h>
#include <strings.h>

#define END_OF_INPUT UINT32_MAX

enum { METRIC_NAME = 1, LABEL_NAME = 2 };
static const struct {
	const char *word;
	enum prom_kind kind;
	int uses;
} words[] = {
	{"and", PROM_AND, METRIC_NAME | LABEL_NAME},
	{"or", PROM_OR, METRIC_NAME | LABEL_NAME},
	{"unless", PROM_UNLESS, METRIC_NAME | LABEL_NAME},
	{"atan2", PROM_ATAN2, LABEL_NAME},
	{"avg", PROM_AVG, METRIC_NAME | LABEL_NAME},
	{"bottomk", PROM_BOTTOMK, METRIC_NAME | LABEL_NAME},
	{"count", PROM_COUNT, METRIC_NAME | LABEL_NAME},
	{"count_values", PROM_COUNT_VALUES, METRIC_NAME | LABEL_NAME},
	{"group", PROM_GROUP, METRIC_NAME | LABEL_NAME},
	{"limitk", PROM_LIMITK, METRIC_NAME | LABEL_NAME},
	{"limit_ratio", PROM_LIMIT_RATIO, METRIC_NAME | LABEL_NAME},
	{"max", PROM_MAX, METRIC_NAME | LABEL_NAME},
	{"min", PROM_MIN, METRIC_NAME | LABEL_NAME},
	{"quantile", PROM_QUANTILE, METRIC_NAME | LABEL_NAME},
	{"stddev", PROM_STDDEV, METRIC_NAME | LABEL_NAME},
	{"stdvar", PROM_STDVAR, METRIC_NAME | LABEL_NAME},
	{"sum", PROM_SUM, METRIC_NAME | LABEL_NAME},
	{"topk", PROM_TOPK, METRIC_NAME | LABEL_NAME},
	{"anchored", PROM_ANCHORED, METRIC_NAME | LABEL_NAME},
	{"bool", PROM_BOOL, LABEL_NAME},
	{"by", PROM_BY, METRIC_NAME | LABEL_NAME},
	{"fill", PROM_FILL, METRIC_NAME | LABEL_NAME},
	{"fill_left", PROM_FILL_LEFT, METRIC_NAME | LABEL_NAME},
	{"fill_right", PROM_FILL_RIGHT, METRIC_NAME | LABEL_NAME},
	{"group_left", PROM_GROUP_LEFT, LABEL_NAME},
	{"group_right", PROM_GROUP_RIGHT, LABEL_NAME},
	{"ignoring", PROM_IGNORING, LABEL_NAME},
	{"offset", PROM_OFFSET, METRIC_NAME | LABEL_NAME},
	{"on", PROM_ON, LABEL_NAME},
	{"smoothed", PROM_SMOOTHED, METRIC_NAME | LABEL_NAME},
	{"without", PROM_WITHOUT, METRIC_NAME},
	{"start", PROM_START, METRIC_NAME | LABEL_NAME},
	{"end", PROM_END, METRIC_NAME | LABEL_NAME},
	{"step", PROM_STEP, METRIC_NAME | LABEL_NAME},
	{"range", PROM_RANGE, METRIC_NAME | LABEL_NAME},
	{"max_of", PROM_MAX_OF, METRIC_NAME | LABEL_NAME},
	{"min_of", PROM_MIN_OF, METRIC_NAME | LABEL_NAME},
	{"inf", PROM_NUMBER, 0},
	{"nan", PROM_NUMBER, 0},
};

/* What stands for a length of time within brackets; max and min were its first names. */
static const struct {
	const char *word;
	enum prom_kind kind;
} bracket_words[] = {
	{"step", PROM_STEP},	 {"range", PROM_RANGE}, {"max_of", PROM_MAX_OF},
	{"min_of", PROM_MIN_OF}, {"max", PROM_MAX_OF},	{"min", PROM_MIN_OF},
};

/* -- names ---------------------------------------------------------------------------- */
static bool word_is(struct str s, const char *word)
{
	return strlen(word) == s.n && !strncasecmp(s.p, word, s.n);
}

static bool has_use(enum prom_kind kind, int use)
{
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (words[i].kind == kind)
			return words[i].uses & use;
	}
	return kind == PROM_IDENTIFIER || kind == PROM_METRIC_IDENTIFIER;
}

bool prom_is_metric_name(enum prom_kind kind)
{
	return has_use(kind, METRIC_NAME);
}

bool prom_is_label_name(enum prom_kind kind)
{
	return has_use(kind, LABEL_NAME);
}

bool prom_is_aggregator(enum prom_kind kind)
{
	return kind > PROM_AGGREGATORS && kind < PROM_KEYWORDS;
}

static void add_clipped(struct buf *b, struct str text)
{
	buf_add_quoted(b, utf8_first(text, text.n > 10 ? 10 : text.n));
	if (text.n > 10)
		buf_add_text(b, "...");
}

static const char *kind_name(enum prom_kind kind)
{
	switch ((int)kind) {
	case PROM_IDENTIFIER:
		return "identifier ";
	case PROM_METRIC_IDENTIFIER:
		return "metric identifier ";
	case PROM_NUMBER:
		return "number ";
	case PROM_DURATION:
		return "duration ";
	case PROM_STRING:
		return "string ";
	default:
		return "";
	}
}

void prom_describe(struct buf *b, const struct prom_token *t)
{
	buf_add_text(b, kind_name(t->kind));
	if (t->kind == PROM_EOF)
		buf_add_text(b, "end of input");
	else if (t->kind == PROM_IDENTIFIER || t->kind == PROM_METRIC_IDENTIFIER)
		buf_add_quoted(b, t->text);
	else if (t->kind > PROM_KEYWORDS && t->kind < PROM_PREPROCESSORS)
		buf_addf(b, "<%.*s>", FMT(t->text));
	else if (t->kind > PROM_OPERATORS && t->kind < PROM_AGGREGATORS)
		buf_addf(b, "<op:%.*s>", FMT(t->text));
	else if (prom_is_aggregator(t->kind))
		buf_addf(b, "<aggr:%.*s>", FMT(t->text));
	else
		add_clipped(b, t->text);
}

/* -- characters ----------------------------------------------------------------------- */
static bool is_space(uint32_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_digit(uint32_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_alpha(uint32_t c)
{
	return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_alnum(uint32_t c)
{
	return is_alpha(c) || is_digit(c);
}

static uint32_t peek_step(const struct prom_lexer *l, size_t *step)
{
	uint32_t rune;

	*step = 0;
	if (l->pos >= l->in.n)
		return END_OF_INPUT;
	*step = utf8_decode(str_from(l->in, l->pos), &rune);
	return rune == UTF8_BAD ? UTF8_REPLACE : rune;
}

static uint32_t peek(const struct prom_lexer *l)
{
	size_t step;

	return peek_step(l, &step);
}

static uint32_t next(struct prom_lexer *l)
{
	size_t step;
	uint32_t rune = peek_step(l, &step);

	l->pos += step;
	return rune;
}

static bool accept(struct prom_lexer *l, const char *any)
{
	if (l->pos >= l->in.n || !l->in.p[l->pos] || !strchr(any, l->in.p[l->pos]))
		return false;
	l->pos++;
	return true;
}

static size_t accept_run(struct prom_lexer *l, const char *any)
{
	size_t from = l->pos;

	while (accept(l, any))
		;
	return l->pos - from;
}

/* -- tokens --------------------------------------------------------------------------- */
static struct str so_far(const struct prom_lexer *l)
{
	return str_slice(l->in, l->start, l->pos - l->start);
}

static struct prom_token emit(struct prom_lexer *l, enum prom_kind kind)
{
	struct prom_token t = {kind, l->start, l->pos, so_far(l)};

	l->start = l->pos;
	return t;
}

static struct prom_token fail(struct prom_lexer *l, const char *text)
{
	return (struct prom_token){PROM_ERROR, l->start, l->start, str_of(text)};
}

static struct prom_token fail_buf(struct prom_lexer *l, struct buf *b)
{
	struct prom_token t = fail(l, "");

	t.text = buf_keep(b, l->mem);
	buf_free(b);
	return t;
}

/* A character as Go quotes it: 'x'. */
static void add_rune_quoted(struct buf *b, uint32_t rune)
{
	struct buf one = BUF(8), quoted = BUF(32);

	buf_add_rune(&one, rune);
	buf_add_quoted(&quoted, buf_str(&one));
	if (rune == '"' || rune == '\'')
		buf_add_text(b, rune == '"' ? "'\"'" : "'\\''");
	else
		buf_addf(b, "'%.*s'", (int)quoted.n - 2, buf_text(&quoted) + 1);
	buf_free(&one);
	buf_free(&quoted);
}

static struct prom_token fail_rune(struct prom_lexer *l, const char *before, uint32_t rune)
{
	struct buf b = BUF(256);

	buf_add_text(&b, before);
	add_rune_quoted(&b, rune);
	return fail_buf(l, &b);
}

static struct prom_token fail_number(struct prom_lexer *l)
{
	struct buf b = BUF(1024);

	buf_add_text(&b, "bad number or duration syntax: ");
	buf_add_quoted(&b, so_far(l));
	return fail_buf(l, &b);
}

/* -- numbers -------------------------------------------------------------------------- */
static bool scan_hex(struct prom_lexer *l)
{
	accept_run(l, "0123456789abcdefABCDEF_");
	if (accept(l, "."))
		return false;
	return !is_alnum(peek(l));
}

static bool scan_digits(struct prom_lexer *l)
{
	accept_run(l, "0123456789");
	while (accept(l, "_")) {
		if (accept(l, "._eE") || l->pos >= l->in.n)
			return false;
		accept_run(l, "0123456789");
	}
	return true;
}

static bool scan_exponent(struct prom_lexer *l)
{
	accept(l, "+-");
	return !accept(l, "._eE") && l->pos < l->in.n && scan_digits(l);
}

/*	decimal = digits [ "." digits ] [ ( "e" | "E" ) [ "+" | "-" ] digits ]	*/
static bool scan_decimal(struct prom_lexer *l)
{
	if (!scan_digits(l))
		return false;
	if (accept(l, ".") && (accept(l, "_.") || !scan_digits(l)))
		return false;
	if (accept(l, "eE") && !scan_exponent(l))
		return false;
	return !accept(l, ".eE") && !is_alnum(peek(l));
}

static bool scan_number(struct prom_lexer *l)
{
	if (accept(l, "0") && accept(l, "xX"))
		return scan_hex(l);
	return scan_decimal(l);
}

/* Behind the first digits. Units are looked at when the duration is read. */
static bool scan_duration(struct prom_lexer *l)
{
	if (!accept(l, "smhdwy"))
		return false;
	accept(l, "s");
	while (accept_run(l, "0123456789")) {
		if (!accept(l, "smhdw"))
			return false;
		accept(l, "s");
	}
	if (!is_alnum(peek(l)))
		return true;
	next(l);
	return false;
}

static struct prom_token lex_number(struct prom_lexer *l)
{
	l->got_duration = true;
	if (scan_number(l))
		return emit(l, PROM_NUMBER);
	if (scan_duration(l))
		return emit(l, PROM_DURATION);
	return fail_number(l);
}

/* -- strings -------------------------------------------------------------------------- */
static uint32_t digit_value(uint32_t c)
{
	if (is_digit(c))
		return c - '0';
	if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
		return (c | 0x20) - 'a' + 10;
	return 16;
}

static struct prom_token fail_escape(struct prom_lexer *l, const char *before, uint32_t c,
				     const char *after)
{
	struct buf b = BUF(256);

	buf_addf(&b, "%s U+%04X", before, c);
	if (rune_is_print(c)) {
		buf_add_text(&b, " '");
		buf_add_rune(&b, c);
		buf_add_char(&b, '\'');
	}
	buf_add_text(&b, after);
	return fail_buf(l, &b);
}

/* False when *error is the reason. */
static bool skip_code(struct prom_lexer *l, int digits, uint32_t base, uint32_t most,
		      struct prom_token *error)
{
	uint64_t value = 0;

	for (; digits; digits--) {
		uint32_t c = next(l), d = digit_value(c);

		if (d < base) {
			value = value * base + d;
			continue;
		}
		*error = c == END_OF_INPUT ? fail(l, "escape sequence not terminated")
					   : fail_escape(l, "illegal character", c,
							 " in escape sequence");
		return false;
	}
	if (value <= most && (value < 0xd800 || value >= 0xe000))
		return true;
	*error = fail(l, "escape sequence is an invalid Unicode code point");
	return false;
}

/* Behind the backslash. */
static bool skip_escape(struct prom_lexer *l, uint32_t quote, struct prom_token *error)
{
	uint32_t c = peek(l);

	if (c >= '0' && c <= '7')
		return skip_code(l, 3, 8, 255, error);
	next(l);
	if (c == quote || (c < 0x80 && c && strchr("abfnrtv\\", (int)c)))
		return true;
	if (c == 'x')
		return skip_code(l, 2, 16, 255, error);
	if (c == 'u' || c == 'U')
		return skip_code(l, c == 'u' ? 4 : 8, 16, 0x10ffff, error);
	*error = c == END_OF_INPUT ? fail(l, "escape sequence not terminated")
				   : fail_escape(l, "unknown escape sequence", c, "");
	return false;
}

/* Behind the opening quote. */
static struct prom_token lex_string(struct prom_lexer *l, uint32_t quote)
{
	bool raw = quote == '`';
	struct prom_token error;
	uint32_t c;

	while ((c = next(l)) != quote) {
		if (c == UTF8_REPLACE)
			return fail(l, "invalid UTF-8 rune");
		if (c == END_OF_INPUT || (c == '\n' && !raw))
			return fail(l, raw ? "unterminated raw string"
					   : "unterminated quoted string");
		if (c == '\\' && !raw && !skip_escape(l, quote, &error))
			return error;
	}
	return emit(l, PROM_STRING);
}

static uint32_t code_of(struct str s)
{
	uint32_t value = 0, base = s.n == 3 ? 8 : 16;

	for (size_t i = 0; i < s.n; i++)
		value = value * base + digit_value((unsigned char)s.p[i]);
	return value;
}

/* Behind a backslash; returns how many bytes that took. */
static size_t add_unescaped(struct buf *b, struct str s)
{
	static const char letters[] = "abfnrtv", meant[] = "\a\b\f\n\r\t\v";
	const char *hit = strchr(letters, s.p[0]);

	if (hit) {
		buf_add_char(b, meant[hit - letters]);
		return 1;
	}
	if (is_digit((unsigned char)s.p[0])) {
		buf_add_char(b, (char)code_of(str_slice(s, 0, 3)));
		return 3;
	}
	if (s.p[0] == 'x') {
		buf_add_char(b, (char)code_of(str_slice(s, 1, 2)));
		return 3;
	}
	if (s.p[0] == 'u' || s.p[0] == 'U') {
		size_t n = s.p[0] == 'u' ? 4 : 8;

		buf_add_rune(b, code_of(str_slice(s, 1, n)));
		return 1 + n;
	}
	buf_add_char(b, s.p[0]);
	return 1;
}

struct str prom_unquote(struct arena *mem, struct str token)
{
	struct str s = str_slice(token, 1, token.n - 2), out;
	struct buf b = BUF(BUF_NO_LIMIT);

	if (token.p[0] == '`' || str_find_char(s, '\\') == STR_NONE)
		return s;
	for (size_t i = 0; i < s.n;) {
		if (s.p[i] == '\\')
			i += 1 + add_unescaped(&b, str_from(s, i + 1));
		else
			buf_add_char(&b, s.p[i++]);
	}
	out = buf_keep(&b, mem);
	buf_free(&b);
	return out;
}

/* -- words ---------------------------------------------------------------------------- */

/* fill, fill_left and fill_right are words of the language before a parenthesis only. */
static bool is_fill_without_paren(const struct prom_lexer *l, enum prom_kind kind)
{
	struct prom_lexer ahead = *l;

	if (kind != PROM_FILL && kind != PROM_FILL_LEFT && kind != PROM_FILL_RIGHT)
		return false;
	while (is_space(peek(&ahead)))
		next(&ahead);
	return peek(&ahead) != '(';
}

static struct prom_token lex_word(struct prom_lexer *l)
{
	bool colon;

	while (is_alnum(peek(l)) || peek(l) == ':')
		l->pos++;
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (word_is(so_far(l), words[i].word) &&
		    !is_fill_without_paren(l, words[i].kind))
			return emit(l, words[i].kind);
	}
	colon = str_find_char(so_far(l), ':') != STR_NONE;
	return emit(l, colon ? PROM_METRIC_IDENTIFIER : PROM_IDENTIFIER);
}

static bool lex_bracket_word(struct prom_lexer *l, struct prom_token *t)
{
	while (is_alpha(peek(l)))
		l->pos++;
	for (size_t i = 0; i < COUNT_OF(bracket_words); i++) {
		if (word_is(so_far(l), bracket_words[i].word)) {
			*t = emit(l, bracket_words[i].kind);
			return true;
		}
	}
	return false;
}

/* -- the three places ----------------------------------------------------------------- */
static struct prom_token lex_braces(struct prom_lexer *l)
{
	uint32_t c = next(l);

	if (is_alpha(c)) {
		while (is_alnum(peek(l)))
			l->pos++;
		return emit(l, PROM_IDENTIFIER);
	}
	switch (c) {
	case END_OF_INPUT:
		return fail(l, "unexpected end of input inside braces");
	case ',':
		return emit(l, PROM_COMMA);
	case '"':
	case '\'':
	case '`':
		return lex_string(l, c);
	case '=':
		return emit(l, accept(l, "~") ? PROM_EQL_REGEX : PROM_EQL);
	case '!':
		if (accept(l, "~"))
			return emit(l, PROM_NEQ_REGEX);
		if (accept(l, "="))
			return emit(l, PROM_NEQ);
		return fail_rune(l,
				 "unexpected character after '!' inside braces: ", next(l));
	case '{':
		return fail_rune(l, "unexpected left brace ", c);
	case '}':
		l->in_braces = false;
		return emit(l, PROM_RIGHT_BRACE);
	default:
		return fail_rune(l, "unexpected character inside braces: ", c);
	}
}

static struct prom_token lex_paren(struct prom_lexer *l, uint32_t c)
{
	struct prom_token t = emit(l, c == '(' ? PROM_LEFT_PAREN : PROM_RIGHT_PAREN);

	l->parens += c == '(' ? 1 : -1;
	return l->parens < 0 ? fail_rune(l, "unexpected right parenthesis ", c) : t;
}

static struct prom_token lex_bracket_close(struct prom_lexer *l)
{
	if (!l->in_brackets)
		return fail_rune(l, "unexpected right bracket ", ']');
	l->in_brackets = false;
	return emit(l, PROM_RIGHT_BRACKET);
}

static struct prom_token lex_bracket_open(struct prom_lexer *l)
{
	if (l->in_brackets)
		return fail_rune(l, "unexpected left bracket ", '[');
	l->in_brackets = true;
	l->got_colon = l->got_duration = false;
	return emit(l, PROM_LEFT_BRACKET);
}

static struct prom_token lex_end(struct prom_lexer *l)
{
	if (l->in_brackets && !l->got_duration)
		return fail(l, "unexpected end of input in duration expression");
	if (l->parens)
		return fail(l, "unclosed left parenthesis");
	if (l->in_brackets)
		return fail(l, "unclosed left bracket");
	return emit(l, PROM_EOF);
}

static struct prom_token lex_operator(struct prom_lexer *l, uint32_t c)
{
	static const char signs[] = "+-*/%^@,";
	static const enum prom_kind kinds[] = {PROM_ADD, PROM_SUB, PROM_MUL, PROM_DIV,
					       PROM_MOD, PROM_POW, PROM_AT,  PROM_COMMA};

	switch (c) {
	case '=':
		if (peek(l) == '~')
			return fail_rune(l, "unexpected character after '=': ", '~');
		return emit(l, accept(l, "=") ? PROM_EQLC : PROM_EQL);
	case '!':
		if (accept(l, "="))
			return emit(l, PROM_NEQ);
		return fail_rune(l, "unexpected character after '!': ", next(l));
	case '<':
		if (accept(l, "/"))
			return emit(l, PROM_TRIM_UPPER);
		return emit(l, accept(l, "=") ? PROM_LTE : PROM_LSS);
	case '>':
		if (accept(l, "/"))
			return emit(l, PROM_TRIM_LOWER);
		return emit(l, accept(l, "=") ? PROM_GTE : PROM_GTR);
	default:
		if (c && c < 0x80 && strchr(signs, (int)c))
			return emit(l, kinds[strchr(signs, (int)c) - signs]);
		return fail_rune(l, "unexpected character: ", c);
	}
}

/* In brackets until the first number: nothing but arithmetic on lengths of time. */
static struct prom_token lex_duration_start(struct prom_lexer *l, uint32_t c)
{
	struct prom_token t;

	if (c == ':') {
		l->start = l->pos;
		return fail(l, "unexpected colon before duration in duration expression");
	}
	if (is_alpha(c) && lex_bracket_word(l, &t))
		return t;
	if (c < 0x80 && c && strchr("+-*/%^,", (int)c))
		return lex_operator(l, c);
	return fail_rune(l, "unexpected character in duration expression: ", c);
}

/* Behind it, whatever looks like a token. */
static struct prom_token lex_bracket_rest(struct prom_lexer *l, uint32_t c)
{
	struct prom_token t;
	struct buf b = BUF(256);

	if (c == ':' && l->got_colon)
		return fail_rune(l, "unexpected colon ", c);
	if (c == ':') {
		l->got_colon = true;
		return emit(l, PROM_COLON);
	}
	if (lex_bracket_word(l, &t))
		return t;
	buf_add_text(&b, "unexpected character: ");
	add_rune_quoted(&b, c);
	buf_add_text(&b, ", expected ':'");
	return fail_buf(l, &b);
}

static struct prom_token lex_plain(struct prom_lexer *l)
{
	uint32_t c = next(l);

	if (is_digit(c) || (c == '.' && is_digit(peek(l)))) {
		l->pos--;
		return lex_number(l);
	}
	if (c == END_OF_INPUT)
		return lex_end(l);
	if (c == '(' || c == ')')
		return lex_paren(l, c);
	if (c == ']')
		return lex_bracket_close(l);
	if (l->in_brackets && !l->got_duration)
		return lex_duration_start(l, c);
	if (l->in_brackets && (is_alpha(c) || c == ':'))
		return lex_bracket_rest(l, c);
	if (c == '[')
		return lex_bracket_open(l);
	if (is_alpha(c) || c == ':')
		return lex_word(l);
	if (c == '"' || c == '\'' || c == '`')
		return lex_string(l, c);
	if (c == '{') {
		l->in_braces = true;
		return emit(l, PROM_LEFT_BRACE);
	}
	return lex_operator(l, c);
}

static void skip_blanks(struct prom_lexer *l)
{
	while (l->pos < l->in.n) {
		unsigned char c = (unsigned char)l->in.p[l->pos];

		if (c == '#' && !(l->in_brackets && !l->got_duration)) {
			while (l->pos < l->in.n && l->in.p[l->pos] != '\n' &&
			       l->in.p[l->pos] != '\r')
				l->pos++;
		} else if (is_space(c)) {
			l->pos++;
		} else {
			break;
		}
	}
	l->start = l->pos;
}

struct prom_token prom_next(struct prom_lexer *l)
{
	skip_blanks(l);
	return l->in_braces ? lex_braces(l) : lex_plain(l);
}
