#include "base/base.h"
#include "model/regex.h"
#include "model/regex_words.h"
#include "base/buf.h"
#include "base/utf8.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <string.h>

struct regex {
	struct str *words; /* all that it accepts; then the rest is empty. NULL: too many */
	size_t n_words;
	struct str prefix; /* how all that a WHOLE one accepts begins */
	pcre2_code *code;
	pcre2_match_data *space;
	pcre2_match_context *context; /* NULL: the shared one */
	struct meter *meter;	      /* of regex_search */
	size_t n_groups;
};

static uint64_t gave_up;

/* -- RE2's dialect --------------------------------------------------------------------
 * One walk over the pattern copies it for PCRE2 and refuses what RE2 would refuse or read
 * in another way. PCRE2 itself then checks what both agree on. */

struct walk {
	struct str rest;
	struct buf *out;
	struct err *err;
	const char *repeat; /* the last thing, when it was a repeat: another is an error */
};

static bool refuse(struct walk *w, const char *what, struct str piece)
{
	return err_set(w->err, NOWHERE, "error parsing regexp: %s: `%.*s`", what,
		       FMT(piece));
}

static void copy(struct walk *w, size_t n)
{
	buf_add_str(w->out, str_slice(w->rest, 0, n));
	w->rest = str_from(w->rest, n);
}

/* ^, $, \b and their like: PCRE2 repeats none of them, RE2 does. */
static void copy_assertion(struct walk *w, size_t n)
{
	struct str after = str_from(w->rest, n);
	bool wraps = after.n && strchr("*+?{", after.p[0]);

	buf_add_text(w->out, wraps ? "(?:" : "");
	copy(w, n);
	buf_add_text(w->out, wraps ? ")" : "");
}

static bool is_octal(struct str s, size_t at)
{
	return at < s.n && s.p[at] >= '0' && s.p[at] <= '7';
}

static bool is_hex(struct str s, size_t at)
{
	return at < s.n && (is_octal(s, at) || strchr("89abcdefABCDEF", s.p[at]));
}

static bool walk_octal(struct walk *w)
{
	uint32_t v = 0;
	size_t n = 1;

	if (w->rest.p[1] != '0' && !is_octal(w->rest, 2))
		return refuse(w, "invalid escape sequence", str_slice(w->rest, 0, 2));
	for (; n <= 3 && is_octal(w->rest, n); n++)
		v = v * 8 + (uint32_t)(w->rest.p[n] - '0');
	buf_addf(w->out, "\\x{%x}", v);
	w->rest = str_from(w->rest, n);
	return true;
}

static bool walk_hex(struct walk *w)
{
	size_t n = 3;

	if (w->rest.n > 2 && w->rest.p[2] == '{') {
		while (is_hex(w->rest, n))
			n++;
		if (n == 3 || n > 11 || n >= w->rest.n || w->rest.p[n] != '}')
			return refuse(w, "invalid escape sequence",
				      str_slice(w->rest, 0, n));
		copy(w, n + 1);
		return true;
	}
	if (!is_hex(w->rest, 2) || !is_hex(w->rest, 3))
		return refuse(w, "invalid escape sequence", str_slice(w->rest, 0, 3));
	copy(w, 4);
	return true;
}

/* \pN or \p{Greek} */
static bool walk_property(struct walk *w)
{
	size_t n = 3;

	if (w->rest.n > 2 && w->rest.p[2] == '{') {
		size_t end = str_find_char(w->rest, '}');

		if (end == STR_NONE)
			return refuse(w, "invalid character class range", w->rest);
		n = end + 1;
	}
	copy(w, n);
	return true;
}

/* \Q...\E: each character as itself */
static void walk_verbatim(struct walk *w)
{
	size_t end;

	w->rest = str_from(w->rest, 2);
	end = str_find(w->rest, STR("\\E"));
	for (size_t i = 0; i < MIN(end, w->rest.n); i++) {
		unsigned char c = (unsigned char)w->rest.p[i];

		if (c < 0x80 && strchr("\\.+*?()|[]{}^$", c))
			buf_add_char(w->out, '\\');
		buf_add_char(w->out, (char)c);
	}
	w->rest = str_from(w->rest, end == STR_NONE ? w->rest.n : end + 2);
}

static bool walk_escape(struct walk *w, bool in_class)
{
	const char *same = in_class ? "dDsSwWabfnrt" : "dDsSwWafnrt";
	unsigned char c;

	if (w->rest.n < 2)
		return err_set(w->err, NOWHERE,
			       "error parsing regexp: trailing backslash at end of "
			       "expression: ``");
	c = (unsigned char)w->rest.p[1];
	if (c >= '0' && c <= '7')
		return walk_octal(w);
	if (c == 'x')
		return walk_hex(w);
	if (c == 'p' || c == 'P')
		return walk_property(w);
	if (c == 'Q' && !in_class) {
		walk_verbatim(w);
		return true;
	}
	if (c == 'v') {
		buf_add_text(w->out, "\\x0b");
		w->rest = str_from(w->rest, 2);
		return true;
	}
	if (in_class && c == 'b')
		return refuse(w, "invalid escape sequence", str_slice(w->rest, 0, 2));
	if (!in_class && c && strchr("bBAz", c)) {
		copy_assertion(w, 2);
		return true;
	}
	if (strchr(same, c) && c) {
		copy(w, 2);
		return true;
	}
	if (c >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9'))
		return refuse(w, "invalid escape sequence", str_slice(w->rest, 0, 2));
	copy(w, 2);
	return true;
}

static bool walk_class(struct walk *w)
{
	struct str whole = w->rest;
	bool first = true;

	copy(w, 1);
	if (w->rest.n && w->rest.p[0] == '^')
		copy(w, 1);
	for (; w->rest.n; first = false) {
		if (w->rest.p[0] == ']' && !first) {
			copy(w, 1);
			return true;
		}
		if (w->rest.p[0] == '\\') {
			if (!walk_escape(w, true))
				return false;
		} else if (str_starts(w->rest, STR("[:"))) {
			size_t end = str_find(w->rest, STR(":]"));

			if (end == STR_NONE) {
				buf_add_text(w->out, "\\[");
				w->rest = str_from(w->rest, 1);
			} else {
				copy(w, end + 2);
			}
		} else if (w->rest.p[0] == '[' || w->rest.p[0] == ']') {
			buf_add_char(w->out, '\\'); /* PCRE2 would look for [. and [= */
			copy(w, 1);
		} else {
			copy(w, 1);
		}
	}
	return refuse(w, "missing closing ]", whole);
}

/* (?flags) (?flags: (?P<name> (?<name> and plain ( */
static bool walk_group(struct walk *w)
{
	size_t n = 2;

	if (!str_starts(w->rest, STR("(?"))) {
		if (str_starts(w->rest, STR("(*")))
			return refuse(w, "missing argument to repetition operator",
				      STR("*"));
		copy(w, 1);
		return true;
	}
	if (str_starts(w->rest, STR("(?P<")) ||
	    (str_starts(w->rest, STR("(?<")) && w->rest.n > 3 && w->rest.p[3] != '=' &&
	     w->rest.p[3] != '!')) {
		copy(w, w->rest.p[2] == 'P' ? 4 : 3);
		return true;
	}
	while (n < w->rest.n && strchr("imsU-", w->rest.p[n]))
		n++;
	if (n >= w->rest.n)
		return refuse(w, "missing argument to repetition operator", STR("?"));
	if (w->rest.p[n] != ':' && w->rest.p[n] != ')')
		return refuse(w, "invalid or unsupported Perl syntax",
			      str_slice(w->rest, 0, n + 1));
	if (w->rest.p[n] == ')' && n == 2)
		return refuse(w, "missing argument to repetition operator", STR("?"));
	copy(w, n + 1);
	return true;
}

/* The length of "{n}", "{n,}" or "{n,m}" at the start; 0: an ordinary brace. */
static size_t counted_repeat(struct str s, int64_t *low, int64_t *high)
{
	size_t end = str_find_char(s, '}'), comma;
	struct str inside;

	if (end == STR_NONE)
		return 0;
	inside = str_slice(s, 1, end - 1);
	comma = str_find_char(inside, ',');
	if (!inside.n || inside.p[0] == '-' || inside.p[0] == '+' ||
	    !str_int(str_slice(inside, 0, comma), low))
		return 0;
	*high = *low;
	if (comma != STR_NONE) {
		struct str second = str_from(inside, comma + 1);

		*high = *low;
		if (second.n &&
		    (second.p[0] == '-' || second.p[0] == '+' || !str_int(second, high)))
			return 0;
	}
	return end + 1;
}

static bool walk_repeat(struct walk *w, size_t n)
{
	const char *start = w->rest.p;

	if (w->repeat)
		return refuse(w, "invalid nested repetition operator",
			      (struct str){w->repeat, (size_t)(start - w->repeat) + n});
	copy(w, n);
	if (w->rest.n && w->rest.p[0] == '?')
		copy(w, 1);
	w->repeat = start;
	return true;
}

static bool walk_brace(struct walk *w)
{
	int64_t low, high;
	size_t n = counted_repeat(w->rest, &low, &high);

	if (!n) {
		buf_add_char(w->out, '\\');
		copy(w, 1);
		w->repeat = NULL;
		return true;
	}
	if (low > 1000 || high > 1000 || high < low)
		return refuse(w, "invalid repeat count", str_slice(w->rest, 0, n));
	return walk_repeat(w, n);
}

static bool walk_one(struct walk *w)
{
	switch (w->rest.p[0]) {
	case '*':
	case '+':
	case '?':
		return walk_repeat(w, 1);
	case '{':
		return walk_brace(w);
	case '\\':
		w->repeat = NULL;
		return walk_escape(w, false);
	case '[':
		w->repeat = NULL;
		return walk_class(w);
	case '(':
		w->repeat = NULL;
		return walk_group(w);
	case '^':
	case '$':
		w->repeat = NULL;
		copy_assertion(w, 1);
		return true;
	default:
		w->repeat = NULL;
		copy(w, 1);
		return true;
	}
}

static bool translate(struct str pattern, struct buf *out, struct err *err)
{
	struct walk w = {pattern, out, err, NULL};

	while (w.rest.n) {
		if (!walk_one(&w))
			return false;
	}
	return true;
}

/* -- compiling and matching ----------------------------------------------------------- */

static void release(void *arg)
{
	struct regex *re = arg;

	pcre2_match_context_free(re->context);
	pcre2_match_data_free(re->space);
	pcre2_code_free(re->code);
}

static pcre2_match_context *limits(void)
{
	static pcre2_match_context *shared;

	if (!shared) {
		shared = pcre2_match_context_create(NULL);
		ASSERT(shared);
		pcre2_set_match_limit(shared, REGEX_MAX_STEPS);
		pcre2_set_heap_limit(shared, 20 * 1024);
	}
	return shared;
}

/* What a search costs: PCRE2 tells before each item of the pattern where it stands. From
 * one such call to the next it passed over the characters between. */
struct meter {
	size_t at, used, most;
};
#define ITEM_COST     24 /* in characters passed over */
#define COST_PER_STEP 48

static int count_work(pcre2_callout_block *b, void *arg)
{
	struct meter *m = arg;
	size_t at = b->current_position;

	m->used += ITEM_COST + (at > m->at ? at - m->at : m->at - at);
	m->at = at;
	return m->used > m->most ? PCRE2_ERROR_CALLOUT : 0;
}

static void add_meter(struct arena *mem, struct regex *re)
{
	re->meter = ARENA_NEW(mem, struct meter);
	re->context = pcre2_match_context_create(NULL);
	ASSERT(re->context);
	pcre2_set_match_limit(re->context, UINT32_MAX); /* the meter has another */
	pcre2_set_heap_limit(re->context, 20 * 1024);
	pcre2_set_callout(re->context, count_work, re->meter);
}

/* Go's words for what people get wrong most. */
static const char *words_of(int code, char *text, size_t size)
{
	if (code == PCRE2_ERROR_MISSING_CLOSING_PARENTHESIS)
		return "missing closing )";
	if (code == PCRE2_ERROR_UNMATCHED_CLOSING_PARENTHESIS)
		return "unexpected )";
	pcre2_get_error_message(code, (PCRE2_UCHAR *)text, size);
	return text;
}

#define JIT_MAX (16 * 1024) /* larger ones take longer to translate than to run */

static bool compile(struct arena *mem, struct regex *re, struct str text,
		    enum regex_anchor anchor, struct str pattern, struct err *err)
{
	uint32_t options = PCRE2_UTF | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_BACKSLASH_C |
			   PCRE2_DUPNAMES;
	char words[160];
	uint32_t groups;
	size_t at;
	int code;

	if (anchor == REGEX_WHOLE)
		options |= PCRE2_ANCHORED | PCRE2_ENDANCHORED;
	else
		options |= PCRE2_AUTO_CALLOUT;
	re->code = pcre2_compile((PCRE2_SPTR)text.p, text.n, options, &code, &at, NULL);
	if (!re->code)
		return err_set(err, NOWHERE, "error parsing regexp: %s: `%.*s`",
			       words_of(code, words, sizeof(words)), FMT(pattern));
	if (anchor == REGEX_WHOLE || regex_size(re) <= JIT_MAX)
		pcre2_jit_compile(re->code, PCRE2_JIT_COMPLETE); /* else interpreted */
	if (anchor == REGEX_ANYWHERE)
		add_meter(mem, re);
	re->space = pcre2_match_data_create_from_pattern(re->code, NULL);
	ASSERT(re->space);
	pcre2_pattern_info(re->code, PCRE2_INFO_CAPTURECOUNT, &groups);
	re->n_groups = groups;
	return true;
}

/* Plain characters at the start of a pattern that has no alternatives: most texts differ
 * there already. */
static struct str plain_prefix(struct arena *mem, struct str pattern)
{
	size_t n = 0;

	if (str_find_char(pattern, '|') != STR_NONE)
		return STR("");
	while (n < pattern.n && !strchr("^$\\.*+?()[]{}", pattern.p[n]) &&
	       (unsigned char)pattern.p[n] < 0x80)
		n++;
	if (n && n < pattern.n && strchr("*?{", pattern.p[n]))
		n--; /* the last may be missing */
	return arena_str(mem, str_slice(pattern, 0, n));
}

const struct regex *regex_new(struct arena *mem, struct str pattern,
			      enum regex_anchor anchor, struct err *err)
{
	struct regex *re = ARENA_NEW(mem, struct regex);
	struct buf text = BUF(REGEX_MAX_PATTERN * 8);
	bool ok = false;

	if (anchor == REGEX_WHOLE && utf8_valid(pattern) &&
	    regex_words_of(mem, pattern, &re->words, &re->n_words))
		return re;
	if (pattern.n > REGEX_MAX_PATTERN)
		err_set(err, NOWHERE, "regular expression of %zu bytes, at most %d",
			pattern.n, REGEX_MAX_PATTERN);
	else if (!utf8_valid(pattern))
		err_set(err, NOWHERE, "error parsing regexp: invalid UTF-8");
	else if (translate(pattern, &text, err))
		ok = compile(mem, re, buf_str(&text), anchor, pattern, err);
	buf_free(&text);
	if (!ok)
		return NULL;
	if (anchor == REGEX_WHOLE)
		re->prefix = plain_prefix(mem, pattern);
	arena_defer(mem, release, re);
	return re;
}

const struct regex *regex_copy(struct arena *mem, const struct regex *old)
{
	struct regex *re = ARENA_NEW(mem, struct regex);

	ASSERT(old->words);
	re->n_words = old->n_words;
	re->words = ARENA_ARRAY(mem, struct str, re->n_words);
	for (size_t i = 0; i < re->n_words; i++)
		re->words[i] = arena_str(mem, old->words[i]);
	return re;
}

static int run(const struct regex *re, struct str s, size_t at, uint32_t options)
{
	return pcre2_match(re->code, (PCRE2_SPTR)(s.p ? s.p : ""), s.n, at, options,
			   re->space, re->context ? re->context : limits());
}

const struct str *regex_words(const struct regex *re, size_t *n)
{
	*n = re->n_words;
	return re->words;
}

enum regex_found regex_match(const struct regex *re, struct str s)
{
	struct arena mem = {0};
	int n;

	if (re->words)
		return regex_words_have(re->words, re->n_words, s) ? REGEX_FOUND
								   : REGEX_NOTHING;
	if (!str_starts(s, re->prefix))
		return REGEX_NOTHING;
	n = run(re, s, 0, 0);
	if (n <= PCRE2_ERROR_UTF8_ERR1 && n >= PCRE2_ERROR_UTF8_ERR21)
		n = run(re, regex_text_new(&mem, s).text, 0, PCRE2_NO_UTF_CHECK);
	if (n == PCRE2_ERROR_JIT_STACKLIMIT) /* the interpreter has the heap */
		n = run(re, regex_text_new(&mem, s).text, 0,
			PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT);
	arena_free(&mem);
	if (n >= 0)
		return REGEX_FOUND;
	if (n == PCRE2_ERROR_NOMATCH)
		return REGEX_NOTHING;
	gave_up++;
	return REGEX_TIRED;
}

bool regex_matches(const struct regex *re, struct str s)
{
	return regex_match(re, s) == REGEX_FOUND;
}

struct regex_text regex_text_new(struct arena *mem, struct str raw)
{
	struct regex_text t = {raw, raw, NULL};
	struct buf b = BUF(BUF_NO_LIMIT);
	size_t step, before;
	uint32_t *raw_at;
	uint32_t r;

	ASSERT(raw.n < UINT32_MAX);
	if (utf8_valid(raw))
		return t;
	t.raw_at = raw_at = ARENA_ARRAY(mem, uint32_t, raw.n * 3 + 1);
	for (size_t i = 0; i < raw.n; i += step) {
		before = b.n;
		step = utf8_decode(str_from(raw, i), &r);
		buf_add_rune(&b, r == UTF8_BAD ? UTF8_REPLACE : r);
		for (size_t k = before; k < b.n; k++)
			raw_at[k] = (uint32_t)i;
	}
	raw_at[b.n] = (uint32_t)raw.n;
	t.text = buf_keep(&b, mem);
	buf_free(&b);
	return t;
}

struct str regex_text_piece(const struct regex_text *t, size_t from, size_t to)
{
	if (t->raw_at) {
		from = t->raw_at[from];
		to = t->raw_at[to];
	}
	return str_slice(t->raw, from, to - from);
}

enum regex_found regex_search(const struct regex *re, const struct regex_text *t, size_t at,
			      struct regex_span *spans, size_t n, size_t *work)
{
	struct meter *m = re->meter;
	const PCRE2_SIZE *offsets;
	size_t steps;
	int found;

	if (at > t->text.n)
		return REGEX_NOTHING;
	*m = (struct meter){.at = at, .most = MIN(*work, SIZE_MAX / 2 / COST_PER_STEP)};
	m->most *= COST_PER_STEP;
	found = run(re, t->text, at, PCRE2_NO_UTF_CHECK);
	if (found == PCRE2_ERROR_JIT_STACKLIMIT)
		found = run(re, t->text, at, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT);
	offsets = pcre2_get_ovector_pointer(re->space);
	/* the way to the end of what was found, or of the text */
	m->used += (found > 0 ? MAX(offsets[1], at) : t->text.n) - at;
	steps = 1 + m->used / COST_PER_STEP;
	if (steps > *work || (found < 0 && found != PCRE2_ERROR_NOMATCH)) {
		gave_up++;
		*work = 0;
		return REGEX_TIRED;
	}
	*work -= steps;
	if (found < 0)
		return REGEX_NOTHING;
	for (size_t i = 0; i < MIN(n, re->n_groups + 1); i++)
		spans[i] = (struct regex_span){offsets[2 * i], offsets[2 * i + 1]};
	return REGEX_FOUND;
}

size_t regex_size(const struct regex *re)
{
	size_t size = 0;

	pcre2_pattern_info(re->code, PCRE2_INFO_SIZE, &size);
	return size;
}

size_t regex_groups(const struct regex *re)
{
	return re->n_groups;
}

size_t regex_group_named(const struct regex *re, struct str name)
{
	PCRE2_SPTR first, last;
	char text[64];

	if (name.n >= sizeof(text))
		return 0;
	memcpy(text, name.p, name.n);
	text[name.n] = 0;
	if (pcre2_substring_nametable_scan(re->code, (PCRE2_SPTR)text, &first, &last) < 0)
		return 0;
	return (size_t)first[0] << 8 | first[1];
}

uint64_t regex_gave_up(void)
{
	return gave_up;
}
