#include "base/base.h"
#include "text/lex.h"
#include "base/quote.h"
#include "base/utf8.h"
#include "base/buf.h"
#include "text/unicode.h"

#include <string.h>

#define END_OF_INPUT UINT32_MAX
#define TRIM_MARKER  2 /* a minus and a blank */

static const struct str left_delim = {"{{", 2}, right_delim = {"}}", 2},
			left_comment = {"/*", 2}, right_comment = {"*/", 2};

static bool is_space(uint32_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool is_name_rune(uint32_t r)
{
	if (r < 0x80)
		return (r >= 'a' && r <= 'z') || (r >= 'A' && r <= 'Z') ||
		       (r >= '0' && r <= '9') || r == '_';
	return r != END_OF_INPUT && (rune_is_letter(r) || rune_is_digit(r));
}

struct lexer lex_start(struct arena *mem, struct str source)
{
	return (struct lexer){.mem = mem, .in = source, .line = 1, .start_line = 1};
}

static struct str rest(const struct lexer *l)
{
	return str_from(l->in, l->pos);
}

static int count_lines(struct str s)
{
	const char *p = s.p, *end = s.p + s.n;
	int n = 0;

	while (p < end && (p = memchr(p, '\n', (size_t)(end - p)))) {
		n++;
		p++;
	}
	return n;
}

/* The next character and its length in bytes; a bad byte is U+FFFD as for Go. */
static uint32_t peek_step(const struct lexer *l, size_t *step)
{
	uint32_t rune;

	*step = 0;
	if (l->pos >= l->in.n)
		return END_OF_INPUT;
	if ((unsigned char)l->in.p[l->pos] < 0x80) {
		*step = 1;
		return (unsigned char)l->in.p[l->pos];
	}
	*step = utf8_decode(rest(l), &rune);
	return rune == UTF8_BAD ? UTF8_REPLACE : rune;
}

static uint32_t peek(const struct lexer *l)
{
	size_t step;

	return peek_step(l, &step);
}

static uint32_t next(struct lexer *l)
{
	size_t step;
	uint32_t rune = peek_step(l, &step);

	l->pos += step;
	if (rune == '\n')
		l->line++;
	return rune;
}

static struct token emit(struct lexer *l, enum token_kind kind)
{
	struct token t = {kind, (uint32_t)l->start, l->start_line,
			  str_slice(l->in, l->start, l->pos - l->start)};

	l->start = l->pos;
	l->start_line = l->line;
	return t;
}

/* Drops what was passed over; its lines were not counted yet. */
static void ignore(struct lexer *l)
{
	l->line += count_lines(str_slice(l->in, l->start, l->pos - l->start));
	l->start = l->pos;
	l->start_line = l->line;
}

static struct token fail(struct lexer *l, const char *text)
{
	struct token t = {TOKEN_ERROR, (uint32_t)l->start, l->start_line, str_of(text)};

	l->in.n = l->start = l->pos = 0;
	return t;
}

static struct token fail_rune(struct lexer *l, const char *what, uint32_t rune)
{
	struct buf b = BUF(256);
	const char *text;

	buf_addf(&b, "%s U+%04X", what, rune);
	if (rune_is_print(rune)) {
		buf_add_text(&b, " '");
		buf_add_rune(&b, rune);
		buf_add_char(&b, '\'');
	}
	text = arena_text(l->mem, buf_text(&b));
	buf_free(&b);
	return fail(l, text);
}

static struct token fail_number(struct lexer *l)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	const char *text;

	buf_add_text(&b, "bad number syntax: ");
	buf_add_quoted(&b, str_slice(l->in, l->start, l->pos - l->start));
	text = arena_text(l->mem, buf_text(&b));
	buf_free(&b);
	return fail(l, text);
}

/* "- " behind a left delimiter, " -" before a right one. */
static bool is_left_marker(struct str s)
{
	return s.n >= 2 && s.p[0] == '-' && is_space((unsigned char)s.p[1]);
}

static bool is_right_marker(struct str s)
{
	return s.n >= 2 && is_space((unsigned char)s.p[0]) && s.p[1] == '-';
}

static bool at_right_delim(const struct lexer *l, bool *trims)
{
	*trims = is_right_marker(rest(l)) &&
		 str_starts(str_from(l->in, l->pos + TRIM_MARKER), right_delim);
	return *trims || str_starts(rest(l), right_delim);
}

static size_t trailing_space(struct str s)
{
	size_t n = 0;

	while (n < s.n && is_space((unsigned char)s.p[s.n - 1 - n]))
		n++;
	return n;
}

static void skip_leading_space(struct lexer *l)
{
	while (l->pos < l->in.n && is_space((unsigned char)l->in.p[l->pos]))
		l->pos++;
	ignore(l);
}

static bool at_terminator(const struct lexer *l)
{
	uint32_t r = peek(l);

	return r == END_OF_INPUT || is_space(r) || (r < 0x80 && strchr(".,|:)(", (int)r)) ||
	       str_starts(rest(l), right_delim);
}

static void skip_name(struct lexer *l)
{
	while (is_name_rune(peek(l)))
		next(l);
}

static struct token lex_field_or_variable(struct lexer *l, enum token_kind kind)
{
	if (at_terminator(l))
		return emit(l, kind == TOKEN_VARIABLE ? TOKEN_VARIABLE : TOKEN_DOT);
	skip_name(l);
	if (!at_terminator(l))
		return fail_rune(l, "bad character", peek(l));
	return emit(l, kind);
}

static enum token_kind word_kind(struct str word)
{
	static const struct {
		const char *word;
		enum token_kind kind;
	} words[] = {
		{"block", TOKEN_BLOCK},
		{"break", TOKEN_BREAK},
		{"continue", TOKEN_CONTINUE},
		{"define", TOKEN_DEFINE},
		{"else", TOKEN_ELSE},
		{"end", TOKEN_END},
		{"if", TOKEN_IF},
		{"nil", TOKEN_NIL},
		{"range", TOKEN_RANGE},
		{"template", TOKEN_TEMPLATE},
		{"with", TOKEN_WITH},
		{"true", TOKEN_BOOL},
		{"false", TOKEN_BOOL},
	};

	for (size_t i = 0; i < COUNT_OF(words); i++) {
		if (str_is(word, words[i].word))
			return words[i].kind;
	}
	return TOKEN_IDENTIFIER;
}

static struct token lex_identifier(struct lexer *l)
{
	skip_name(l);
	if (!at_terminator(l))
		return fail_rune(l, "bad character", peek(l));
	return emit(l, word_kind(str_slice(l->in, l->start, l->pos - l->start)));
}

static bool accept(struct lexer *l, const char *any)
{
	if (l->pos >= l->in.n || !l->in.p[l->pos] || !strchr(any, l->in.p[l->pos]))
		return false;
	l->pos++;
	return true;
}

static void accept_run(struct lexer *l, const char *any)
{
	while (accept(l, any))
		;
}

static bool scan_number(struct lexer *l)
{
	static const char decimal[] = "0123456789_", hex[] = "0123456789abcdefABCDEF_";
	const char *digits = decimal;

	accept(l, "+-");
	if (accept(l, "0")) {
		if (accept(l, "xX"))
			digits = hex;
		else if (accept(l, "oO"))
			digits = "01234567_";
		else if (accept(l, "bB"))
			digits = "01_";
	}
	accept_run(l, digits);
	if (accept(l, "."))
		accept_run(l, digits);
	if ((digits == decimal && accept(l, "eE")) || (digits == hex && accept(l, "pP"))) {
		accept(l, "+-");
		accept_run(l, decimal);
	}
	accept(l, "i");
	if (is_name_rune(peek(l))) {
		next(l);
		return false;
	}
	return true;
}

static struct token lex_number(struct lexer *l)
{
	uint32_t sign;

	if (!scan_number(l))
		return fail_number(l);
	sign = peek(l);
	if (sign != '+' && sign != '-')
		return emit(l, TOKEN_NUMBER);
	if (!scan_number(l) || l->in.p[l->pos - 1] != 'i')
		return fail_number(l);
	return emit(l, TOKEN_COMPLEX);
}

/* Up to the closing quote, a backslash taking the next character along. */
static struct token lex_quoted(struct lexer *l, char quote, enum token_kind kind,
			       const char *unterminated)
{
	uint32_t r;

	while ((r = next(l)) != (uint32_t)(unsigned char)quote) {
		if (r == '\\')
			r = next(l);
		if (r == END_OF_INPUT || r == '\n')
			return fail(l, unterminated);
	}
	return emit(l, kind);
}

static struct token lex_raw_quoted(struct lexer *l)
{
	uint32_t r;

	while ((r = next(l)) != '`') {
		if (r == END_OF_INPUT)
			return fail(l, "unterminated raw quoted string");
	}
	return emit(l, TOKEN_RAW_STRING);
}

static struct token lex_right_delim(struct lexer *l)
{
	struct token t;
	bool trims;

	at_right_delim(l, &trims);
	if (trims) {
		l->pos += TRIM_MARKER;
		ignore(l);
	}
	l->pos += right_delim.n;
	t = emit(l, TOKEN_RIGHT_DELIM);
	if (trims)
		skip_leading_space(l);
	l->inside = false;
	return t;
}

/* A run of white space, less the last one when it belongs to " -}}". */
static struct token lex_space(struct lexer *l)
{
	size_t n = 0;
	bool trims;

	for (; is_space(peek(l)); n++)
		next(l);
	l->pos--;
	if (at_right_delim(l, &trims) && trims) {
		if (l->in.p[l->pos] == '\n')
			l->line--;
		if (n == 1)
			return lex_right_delim(l);
	} else {
		l->pos++;
	}
	return emit(l, TOKEN_SPACE);
}

static struct token lex_parenthesis(struct lexer *l, uint32_t r)
{
	if (r == '(') {
		l->parens++;
		return emit(l, TOKEN_LEFT_PAREN);
	}
	if (--l->parens < 0)
		return fail(l, "unexpected right paren");
	return emit(l, TOKEN_RIGHT_PAREN);
}

static bool is_digit_next(const struct lexer *l)
{
	return l->pos < l->in.n && l->in.p[l->pos] >= '0' && l->in.p[l->pos] <= '9';
}

static struct token lex_other(struct lexer *l, uint32_t r, size_t before)
{
	/* at the very end a lone dot is scanned as a number, as Go does */
	if (r == '.' && l->pos < l->in.n && !is_digit_next(l))
		return lex_field_or_variable(l, TOKEN_FIELD);
	if (r == '.' || r == '+' || r == '-' || (r >= '0' && r <= '9')) {
		l->pos = before;
		return lex_number(l);
	}
	if (is_name_rune(r)) {
		l->pos = before;
		return lex_identifier(l);
	}
	if (r == '(' || r == ')')
		return lex_parenthesis(l, r);
	if (r < 0x7f && r >= ' ')
		return emit(l, TOKEN_CHAR);
	return fail_rune(l, "unrecognized character in action:", r);
}

static struct token lex_inside_action(struct lexer *l)
{
	size_t before = l->pos;
	bool trims;
	uint32_t r;

	if (at_right_delim(l, &trims)) {
		if (l->parens)
			return fail(l, "unclosed left paren");
		return lex_right_delim(l);
	}
	if (is_space(peek(l)))
		return lex_space(l);
	r = next(l);
	switch (r) {
	case END_OF_INPUT:
		return fail(l, "unclosed action");
	case '=':
		return emit(l, TOKEN_ASSIGN);
	case ':':
		return next(l) == '=' ? emit(l, TOKEN_DECLARE) : fail(l, "expected :=");
	case '|':
		return emit(l, TOKEN_PIPE);
	case '"':
		return lex_quoted(l, '"', TOKEN_STRING, "unterminated quoted string");
	case '`':
		return lex_raw_quoted(l);
	case '$':
		return lex_field_or_variable(l, TOKEN_VARIABLE);
	case '\'':
		return lex_quoted(l, '\'', TOKEN_CHAR_CONSTANT,
				  "unterminated character constant");
	default:
		return lex_other(l, r, before);
	}
}

/* Behind the left delimiter and its marker. False when the token is an error. */
static bool skip_comment(struct lexer *l, struct token *error)
{
	size_t end;
	bool trims;

	l->pos += left_comment.n;
	end = str_find(rest(l), right_comment);
	if (end == STR_NONE) {
		*error = fail(l, "unclosed comment");
		return false;
	}
	l->pos += end + right_comment.n;
	if (!at_right_delim(l, &trims)) {
		*error = fail(l, "comment ends before closing delimiter");
		return false;
	}
	l->pos += right_delim.n + (trims ? TRIM_MARKER : 0);
	ignore(l);
	if (trims)
		skip_leading_space(l);
	return true;
}

/* At a left delimiter. True when the token is there, false after a comment. */
static bool lex_left_delim(struct lexer *l, struct token *t)
{
	size_t marker;

	l->pos += left_delim.n;
	marker = is_left_marker(rest(l)) ? TRIM_MARKER : 0;
	if (str_starts(str_from(l->in, l->pos + marker), left_comment)) {
		l->pos += marker;
		ignore(l);
		return !skip_comment(l, t);
	}
	*t = emit(l, TOKEN_LEFT_DELIM);
	l->inside = true;
	l->parens = 0;
	l->pos += marker;
	ignore(l);
	return true;
}

static struct token lex_text(struct lexer *l)
{
	struct token t;
	size_t x, trim;

	for (;;) {
		x = str_find(rest(l), left_delim);
		if (x == STR_NONE)
			break;
		trim = 0;
		if (is_left_marker(str_from(rest(l), x + left_delim.n)))
			trim = trailing_space(str_slice(rest(l), 0, x));
		l->pos += x - trim;
		l->line += count_lines(str_slice(l->in, l->start, x - trim));
		t = emit(l, TOKEN_TEXT);
		l->pos += trim;
		ignore(l);
		if (t.text.n)
			return t;
		if (lex_left_delim(l, &t))
			return t;
	}
	l->pos = l->in.n;
	if (l->pos == l->start)
		return (struct token){TOKEN_EOF, (uint32_t)l->pos, l->start_line,
				      STR("EOF")};
	l->line += count_lines(str_from(l->in, l->start));
	return emit(l, TOKEN_TEXT);
}

struct token lex_next(struct lexer *l)
{
	return l->inside ? lex_inside_action(l) : lex_text(l);
}
