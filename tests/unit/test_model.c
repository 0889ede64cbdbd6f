#include "base/base.h"
#include "base/map.h"
#include "model/regex_words.h"
#include "model/alert.h"
#include "model/matcher.h"
#include "model/silence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* spec/routing.md 1.2 */
static void fingerprints(void **state)
{
	static const struct {
		struct label v[2];
		size_t n;
		uint64_t want;
	} cases[] = {
		{{{0}}, 0, UINT64_C(0xcbf29ce484222325)},
		{{{"alertname", "x"}}, 1, UINT64_C(0xd240efc3896bf266)},
		{{{"severity", "warning"}, {"alertname", "test1"}},
		 2,
		 UINT64_C(0x8f14a41207c8456c)},
		{{{"foo\xF0\x9F\x99\x82", "bar"}}, 1, UINT64_C(0x68477caefa9ff268)},
		{{{"alertname", "y"}, {"empty", ""}}, 2, UINT64_C(0xd23eefc3896b6f8f)},
	};
	struct arena mem = {0};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct labels *set = labels_new(&mem, cases[i].v, cases[i].n, NULL);

		if (set->fingerprint != cases[i].want)
			fail_msg("row %zu: %016llx", i,
				 (unsigned long long)set->fingerprint);
	}
	arena_free(&mem);
}

static const struct labels *set_of(struct arena *mem, const char *text)
{
	struct label v[10];
	struct str rest = str_of(text), piece;
	size_t n = 0;

	while (rest.n && str_cut(&rest, ',', &piece)) {
		size_t eq = str_find_char(piece, '=');

		v[n++] = (struct label){arena_copy(mem, str_slice(piece, 0, eq)),
					arena_copy(mem, str_from(piece, eq + 1))};
	}
	return labels_new(mem, v, n, NULL);
}

/* spec/routing.md 1.3: each is less than the next. */
static void alert_order(void **state)
{
	static const char *const rising[] = {
		"job=a,instance=1",
		"job=a,instance=1,x=1",
		"job=a,instance=2",
		"job=a",
		"job=b",
		"instance=0,z=9",
		"b=1",
		"a=1",
		"a=2",
		"a=1,b=1",
	};
	struct arena mem = {0};

	(void)state;
	for (size_t i = 0; i + 1 < COUNT_OF(rising); i++) {
		const struct labels *a = set_of(&mem, rising[i]),
				    *b = set_of(&mem, rising[i + 1]);

		if (alert_cmp(a, b) >= 0 || alert_cmp(b, a) <= 0)
			fail_msg("{%s} and {%s}", rising[i], rising[i + 1]);
	}
	arena_free(&mem);
}

static void label_sets(void **state)
{
	struct arena mem = {0};
	const struct labels *a = set_of(&mem, "b=2,a=1"), *b;
	struct buf text = BUF(100);
	struct err err;

	(void)state;
	buf_add_labels(&text, a);
	assert_string_equal(buf_text(&text), "{a=\"1\", b=\"2\"}");
	b = labels_with(&mem, a, "a", "");
	assert_true(labels_eq(b, set_of(&mem, "b=2")));
	assert_true(labels_eq(labels_merge(&mem, a, set_of(&mem, "a=9,c=3")),
			      set_of(&mem, "a=9,b=2,c=3")));
	assert_null(labels_new(&mem, (struct label[]){{"x", "1"}, {"x", "2"}}, 2, &err));
	assert_string_equal(err.text, "label \"x\" is given twice");
	buf_free(&text);
	arena_free(&mem);
}

/* spec/config.md 14: what each mode makes of a text; "!" is an error that says so. */
/* Label sets whose fingerprints are made the same. */
static void an_index_tells_label_sets_apart(void **state)
{
	static const char *const values[] = {"a", "b", "c", "a", "c", "d", "b"};
	static const bool is_new[] = {true, true, true, false, false, true, false};
	struct arena mem = {0};
	struct map index = {0};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(values); i++) {
		const struct label pair = {"name", values[i]};
		struct labels *l = labels_dup(labels_new(&mem, &pair, 1, NULL));
		const struct labels *kept;

		/* b's is the one before the others' */
		l->fingerprint = UINT64_MAX - !strcmp(values[i], "b");
		kept = labels_copy(&mem, l);
		assert_true(kept->fingerprint == l->fingerprint);
		free(l);
		if (labels_index(&mem, &index, kept) != is_new[i])
			fail_msg("%zu: %s", i, values[i]);
	}
	assert_int_equal(index.n, 4);
	map_free(&index);
	arena_free(&mem);
}

static void matchers(void **state)
{
	static const struct {
		const char *in, *fallback, *utf8, *classic;
	} cases[] = {
		{"a=b", "{a=\"b\"}", "{a=\"b\"}", "{a=\"b\"}"},
		{"{a=\"b\",c!~\"d|e\"}", "{a=\"b\",c!~\"d|e\"}", "{a=\"b\",c!~\"d|e\"}",
		 "{a=\"b\",c!~\"d|e\"}"},
		{" a = b , c =~ d ", "{a=\"b\",c=~\"d\"}", "{a=\"b\",c=~\"d\"}",
		 "{a=\"b\",c=~\"d\"}"},
		{"", "{}", "{}", "{}"},
		{"{}", "{}", "{}", "{}"},
		{"a=b,", "{a=\"b\"}", "{a=\"b\"}", "{a=\"b\"}"},
		{"a=", "{a=\"\"}", "!expected label value", "{a=\"\"}"},
		{"a=\"\"", "{a=\"\"}", "{a=\"\"}", "{a=\"\"}"},
		{"a=b c", "{a=\"b c\"}", "!expected a comma", "{a=\"b c\"}"},
		{"a=~\"\\d+\"", "{a=~\"\\\\d+\"}", "!not a valid string",
		 "{a=~\"\\\\d+\"}"},
		{"a=\"\\t\"", "{a=\"\\\\t\"}", "{a=\"\t\"}", "{a=\"\\\\t\"}"},
		{"\xCE\xA3=c", "{\xCE\xA3=\"c\"}", "{\xCE\xA3=\"c\"}",
		 "!bad matcher format"},
		{"\"a b\"=\"c\"", "{\"a b\"=\"c\"}", "{\"a b\"=\"c\"}",
		 "!bad matcher format"},
		{"a", "!bad matcher format: a", "!expected an operator",
		 "!bad matcher format"},
		{"a=b,,c=d", "!bad matcher format: ", "!expected label name",
		 "!bad matcher format"},
		{"a=~(", "!missing", "!", "!missing"},
		{"a='b'", "{a=\"'b'\"}", "!expected label value", "{a=\"'b'\"}"},
		{"a=\"\\x00\"", "{a=\"\\\\x00\"}", "!NUL", "{a=\"\\\\x00\"}"},
		{"a=\"b\"c\"", "!unescaped double quote", "!", "!unescaped double quote"},
	};
	static const enum matcher_mode modes[] = {MATCHERS_FALLBACK, MATCHERS_UTF8,
						  MATCHERS_CLASSIC};
	struct arena mem = {0};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const char *wants[] = {cases[i].fallback, cases[i].utf8, cases[i].classic};

		for (size_t k = 0; k < COUNT_OF(modes); k++) {
			struct buf b = BUF(1000);
			struct matchers m;
			struct err err = {0};
			bool ok = matchers_parse(&mem, str_of(cases[i].in), NOWHERE,
						 modes[k], &m, NULL, &err);

			if (ok)
				buf_add_matchers(&b, &m);
			if (wants[k][0] == '!' ? ok || !strstr(err.text, wants[k] + 1)
					       : !ok || !str_is(buf_str(&b), wants[k]))
				fail_msg("'%s' in mode %zu: %s%s", cases[i].in, k,
					 buf_text(&b), err.text);
			buf_free(&b);
		}
	}
	arena_free(&mem);
}

static void single_matchers(void **state)
{
	static const struct {
		const char *in, *err;
	} cases[] = {
		{"a=b", NULL},
		{"{a=b}", "unexpected open or close brace: {a=b}"},
		{"", "bad matcher format: "},
		{"foo", "bad matcher format: foo"},
	};
	struct arena mem = {0};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct matcher m;
		struct err err = {0};
		bool ok = matcher_parse(&mem, str_of(cases[i].in), NOWHERE,
					MATCHERS_FALLBACK, &m, NULL, &err);

		if (ok != !cases[i].err || (!ok && strcmp(err.text, cases[i].err)))
			fail_msg("'%s': %s", cases[i].in, err.text);
	}
	arena_free(&mem);
}

/* spec/config.md 14.6 */
static void missing_labels(void **state)
{
	static const struct {
		const char *matcher;
		bool missing, x;
	} cases[] = {
		{"a=\"\"", true, false},   {"a!=\"\"", false, true},
		{"a=~\".*\"", true, true}, {"a=~\".+\"", false, true},
		{"a!=\"y\"", true, true},  {"a!~\"x\"", true, false},
	};
	struct arena mem = {0};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct matchers m;

		assert_true(matchers_parse(&mem, str_of(cases[i].matcher), NOWHERE,
					   MATCHERS_UTF8, &m, NULL, NULL));
		if (matchers_hold(&m, &labels_none) != cases[i].missing ||
		    matchers_hold(&m, set_of(&mem, "a=x")) != cases[i].x)
			fail_msg("%s", cases[i].matcher);
	}
	arena_free(&mem);
}

/* RE2's dialect: what it refuses, and what must mean the same. */
static void expressions(void **state)
{
	static const struct {
		const char *pattern, *yes, *no; /* yes NULL: refused */
	} cases[] = {
		{"a|b", "b", "ab"},
		{"a.c", "abc", "a\nc"},
		{"(?s)a.c", "a\nc", "ac"},
		{"(?i)abc", "ABC", "ab"},
		{"\\d+", "123", "\xD9\xA3"},
		{"[[:alpha:]]+", "abc", "ab1"},
		{"\\v", "\x0b", "\n"},
		{"a{2,3}", "aaa", "a"},
		{"a{,2}", "a{,2}", "aa"},
		{"x{", "x{", "x"},
		{"\\Qa.b\\E", "a.b", "axb"},
		{"[a\\]]+", "a]", "b"},
		{"[]a]+", "]a", "b"},
		{"(?P<n>a)b", "ab", "a"},
		{"\\x41\\x{42}", "AB", "A"},
		{"gr\xC3\xBC.", "gr\xC3\xBC\xC3\x9F", "gr\xC3\xBC"},
		{"a$", "a", "a\n"},
		{"a\\_b", "a_b", "a\\_b"},
		{"(?P<n>a)|(?P<n>b)", "b", "c"},
		{"^+a$?", "a", "^a"},
		{"a\\b{2}.b", "a b", "acb"},
		{"(a", NULL, NULL},
		{"a)", NULL, NULL},
		{"a**", NULL, NULL},
		{"a++", NULL, NULL},
		{"(?=a)", NULL, NULL},
		{"(?<!a)b", NULL, NULL},
		{"(a)\\1", NULL, NULL},
		{".b",
		 "\xFF"
		 "b",
		 "b"}, /* no UTF-8: U+FFFD */
		{"\\R", NULL, NULL},
		{"\\h", NULL, NULL},
		{"(?>a)", NULL, NULL},
		{"(?x)a", NULL, NULL},
		{"a{1001}", NULL, NULL},
		{"[b-a]", NULL, NULL},
		{"\\", NULL, NULL},
		{"(*UCP)a", NULL, NULL},
		{"*", NULL, NULL},
		{"[a", NULL, NULL},
	};
	struct arena mem = {0};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct err err = {0};
		const struct regex *re = regex_new(&mem, str_of(cases[i].pattern),
						   REGEX_WHOLE, &err);

		if (!re != !cases[i].yes)
			fail_msg("%s: %s", cases[i].pattern, re ? "accepted" : err.text);
		if (re && (!regex_matches(re, str_of(cases[i].yes)) ||
			   regex_matches(re, str_of(cases[i].no))))
			fail_msg("%s", cases[i].pattern);
	}
	arena_free(&mem);
}

/* Lists of words in disguise; NULL where there is something else in the pattern. */
static void words_of_expressions(void **state)
{
	static const struct {
		const char *pattern, *words;
	} cases[] = {
		{"", ","},
		{"a", "a,"},
		{"b|a|b", "a,b,"},
		{"a||b", ",a,b,"},
		{"warning|critical", "critical,warning,"},
		{"host-(1|2|10):9100", "host-10:9100,host-1:9100,host-2:9100,"},
		{"(?:a|b)(c|d)", "ac,ad,bc,bd,"},
		{"web[0-3]", "web0,web1,web2,web3,"},
		{"[ab9]x?", "9,9x,a,ax,b,bx,"},
		{"abc?", "ab,abc,"},
		{"a\\.b\\-c", "a.b-c,"},
		{"gr\xC3\xBC?n", "grn,gr\xC3\xBCn,"},
		{"((a|b)|(c))d", "ad,bd,cd,"},
		{"(a|)b", "ab,b,"},
		{"()", ","},
		{"a.b", NULL},
		{"a*", NULL},
		{"(a|b)+", NULL},
		{"a{2}", NULL},
		{"^a", NULL},
		{"a$", NULL},
		{"(?i)a", NULL},
		{"(?P<n>a)", NULL},
		{"[^a]", NULL},
		{"[[:alpha:]]", NULL},
		{"[\xC3\xBC]", NULL},
		{"\\d", NULL},
		{"\\Qa\\E", NULL},
		{"a??", NULL},
		{"(a", NULL},
		{"a)", NULL},
		{"[b-a]", NULL},
		{"[a", NULL},
		{"[0-9][0-9][0-9][0-9]", NULL}, /* too many */
		{"[a-z0-9][a-z]", NULL},	/* many for so short a pattern */
	};
	struct arena mem = {0};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf b = BUF(10000);
		struct str *words;
		bool found;
		size_t n;

		found = regex_words_of(&mem, str_of(cases[i].pattern), &words, &n);
		for (size_t k = 0; found && k < n; k++)
			buf_addf(&b, "%.*s,", FMT(words[k]));
		if (found != !!cases[i].words ||
		    (found && strcmp(buf_text(&b), cases[i].words)))
			fail_msg("%s: %s", cases[i].pattern, found ? buf_text(&b) : "none");
		buf_free(&b);
	}
	arena_free(&mem);
}

/* What RE2 matches in linear time must not fail for want of a stack. */
static void long_texts_are_matched(void **state)
{
	static const char *const patterns[] = {"(a|bc|[0-9]x)+", "([a-z]+,?)+",
					       "(\\w+\\s?)+", "([a-z0-9-]+\\.)*[a-z]+"};
	struct arena mem = {0};
	char text[20000];

	(void)state;
	memset(text, 'a', sizeof(text));
	for (size_t i = 0; i < COUNT_OF(patterns); i++) {
		const struct regex *re = regex_new(&mem, str_of(patterns[i]), REGEX_WHOLE,
						   NULL);

		if (!regex_matches(re, (struct str){text, sizeof(text)}))
			fail_msg("%s", patterns[i]);
	}
	arena_free(&mem);
}

static void explosive_expressions_end(void **state)
{
	struct arena mem = {0};
	const struct regex *re = regex_new(&mem, STR("(a*)*b|(a+)+c"), REGEX_WHOLE, NULL);
	uint64_t before = regex_gave_up();
	char text[64];

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_false(regex_matches(re, (struct str){text, sizeof(text)}));
	assert_true(regex_gave_up() > before);
	arena_free(&mem);
}

/* Neither operator holds of what could not be decided: nothing is muted by accident. */
static void undecided_matchers_do_not_hold(void **state)
{
	static const struct {
		const char *matcher, *value;
		bool holds, undecided;
	} cases[] = {
		{"a=~\"(x+x+)+y\"", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxyz", false,
		 true},
		{"a!~\"(x+x+)+y\"", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxyz", false,
		 true},
		{"a=~\"(x+x+)+y\"", "xxy", true, false},
		{"a!~\"(x+x+)+y\"", "xxy", false, false},
		{"a!~\"(x+x+)+y\"", "z", true, false},
	};
	struct arena mem = {0};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		uint64_t before = regex_gave_up();
		struct matcher m;

		assert_true(matcher_parse(&mem, str_of(cases[i].matcher), NOWHERE,
					  MATCHERS_UTF8, &m, NULL, NULL));
		if (matcher_accepts(&m, cases[i].value) != cases[i].holds ||
		    (regex_gave_up() > before) != cases[i].undecided)
			fail_msg("%s of %s", cases[i].matcher, cases[i].value);
	}
	arena_free(&mem);
}

/* spec/routing.md 2.1 */
static void merging(void **state)
{
	static const struct {
		const char *why;
		int old[3], post[3]; /* starts, ends, updated */
		bool old_timeout, post_timeout;
		int now, starts, ends;
	} cases[] = {
		{"no overlap: replaced",
		 {0, 10, 0},
		 {20, 30, 20},
		 false,
		 false,
		 20,
		 20,
		 30},
		{"the start moves earlier",
		 {5, 100, 5},
		 {8, 120, 8},
		 false,
		 false,
		 8,
		 5,
		 120},
		{"an explicit later end stays",
		 {0, 100, 0},
		 {5, 50, 5},
		 false,
		 false,
		 5,
		 0,
		 100},
		{"a timeout's later end does not",
		 {0, 100, 0},
		 {5, 50, 5},
		 true,
		 false,
		 5,
		 0,
		 50},
		{"resolved now ends it", {0, 100, 0}, {0, 9, 10}, false, false, 10, 0, 9},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct alert old = {.starts_at = {cases[i].old[0], 0, 0},
				    .ends_at = {cases[i].old[1], 0, 0},
				    .updated_at = {cases[i].old[2], 0, 0},
				    .timeout = cases[i].old_timeout};
		struct alert post = {.starts_at = {cases[i].post[0], 0, 0},
				     .ends_at = {cases[i].post[1], 0, 0},
				     .updated_at = {cases[i].post[2], 0, 0},
				     .timeout = cases[i].post_timeout};
		struct alert got = alert_merge(&old, &post,
					       (struct instant){cases[i].now, 0, 0});

		if (got.starts_at.s != cases[i].starts || got.ends_at.s != cases[i].ends)
			fail_msg("%s: %lld to %lld", cases[i].why,
				 (long long)got.starts_at.s, (long long)got.ends_at.s);
	}
}

/* spec/routing.md 9.4 */
static void silence_checks(void **state)
{
	static const struct {
		const char *matchers, *err;
		int starts, ends;
	} cases[] = {
		{"a=b", NULL, 1, 2},
		{"a!=b", NULL, 1, 2},
		{"", "at least one matcher required", 1, 2},
		{"a=\"\"", "at least one matcher must not match the empty string", 1, 2},
		{"a=~\".*\"", "at least one matcher must not match the empty string", 1, 2},
		{"a=~\".*\",b=c", NULL, 1, 2},
		{"a=b", "end time must not be before start time", 2, 1},
	};
	struct arena mem = {0};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct silence s = {.starts_at = {cases[i].starts, 0, 0},
				    .ends_at = {cases[i].ends, 0, 0}};
		struct err err = {0};
		bool ok;

		assert_true(matchers_parse(&mem, str_of(cases[i].matchers), NOWHERE,
					   MATCHERS_UTF8, &s.matchers, NULL, NULL));
		ok = silence_check(&s, NAMES_UTF8, &err);
		if (ok != !cases[i].err || (!ok && !strstr(err.text, cases[i].err)))
			fail_msg("row %zu: %s", i, err.text);
	}
	arena_free(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fingerprints),
		cmocka_unit_test(alert_order),
		cmocka_unit_test(label_sets),
		cmocka_unit_test(an_index_tells_label_sets_apart),
		cmocka_unit_test(matchers),
		cmocka_unit_test(single_matchers),
		cmocka_unit_test(missing_labels),
		cmocka_unit_test(expressions),
		cmocka_unit_test(words_of_expressions),
		cmocka_unit_test(long_texts_are_matched),
		cmocka_unit_test(explosive_expressions_end),
		cmocka_unit_test(undecided_matchers_do_not_hold),
		cmocka_unit_test(merging),
		cmocka_unit_test(silence_checks),
	};

	return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
