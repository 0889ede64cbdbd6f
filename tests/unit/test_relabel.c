#include "base/base.h"
#include "config/config.h"
#include "receivers/attempt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* spec/rules.md 12.5 */
static const struct {
	const char *rules;     /* a YAML list */
	const char *in, *want; /* labels a=b,c=d; NULL: dropped */
} cases[] = {
	{"[]", "a=1", "{a=\"1\"}"},
	{"[]", "", NULL},
	/* replace */
	{"[{source_labels: [a], target_label: b}]", "a=1", "{a=\"1\", b=\"1\"}"},
	{"[{source_labels: [a, b, c], target_label: d, separator: '-'}]", "a=1,c=3",
	 "{a=\"1\", c=\"3\", d=\"1--3\"}"},
	{"[{source_labels: [a], regex: 'x(.*)z', target_label: b, replacement: "
	 "'$1${1}q$$'}]",
	 "a=xyz", "{a=\"xyz\", b=\"yyq$\"}"},
	{"[{source_labels: [a], regex: 'x(.*)z', target_label: b}]", "a=xyzz0",
	 "{a=\"xyzz0\"}"},
	{"[{source_labels: [a], regex: 'b|(c', target_label: b}]", "a=x",
	 "!missing closing )"},
	{"[{source_labels: [a], regex: 'a)(b', target_label: b}]", "a=x", "!unexpected )"},
	{"[{source_labels: [a], regex: a|b, target_label: c, replacement: x}]", "a=ab",
	 "{a=\"ab\"}"},
	{"[{source_labels: [a], regex: '(.*)', target_label: b}]", "a=x\ny",
	 "{a=\"x\\ny\", b=\"x\\ny\"}"},
	{"[{source_labels: [a], regex: '(?P<k>.)=(.)', target_label: 'to_${k}', "
	 "replacement: "
	 "$2}]",
	 "a=k=v", "{a=\"k=v\", to_k=\"v\"}"},
	{"[{source_labels: [a], target_label: '${2}', replacement: x}]", "a=1",
	 "{a=\"1\"}"},
	{"[{target_label: a, replacement: ''}]", "a=1,b=2", "{b=\"2\"}"},
	{"[{target_label: a, replacement: ''}]", "a=1", NULL},
	{"[{target_label: c, replacement: fixed}]", "a=1", "{a=\"1\", c=\"fixed\"}"},
	/* keep, drop */
	{"[{action: keep, source_labels: [__name__], regex: 'ALERTS.*'}]",
	 "__name__=ALERTS", "{__name__=\"ALERTS\"}"},
	{"[{action: keep, source_labels: [__name__], regex: 'ALERTS'}]", "__name__=ALERTSX",
	 NULL},
	{"[{action: drop, source_labels: [a], regex: '1'}]", "a=1", NULL},
	{"[{action: DROP, source_labels: [a], regex: '1'}]", "a=2", "{a=\"2\"}"},
	{"[{action: drop, source_labels: [none], regex: ''}]", "a=2", NULL},
	{"[{action: keepequal, source_labels: [a], target_label: b}]", "a=1,b=1",
	 "{a=\"1\", b=\"1\"}"},
	{"[{action: keepequal, source_labels: [a], target_label: b}]", "a=1,b=2", NULL},
	{"[{action: dropequal, source_labels: [a], target_label: b}]", "a=1,b=1", NULL},
	{"[{action: dropequal, source_labels: [a], target_label: b}]", "a=1", "{a=\"1\"}"},
	/* names */
	{"[{action: labelmap, regex: 'm_(.*)', replacement: 'n_$1'}]", "m_a=1,b=2",
	 "{b=\"2\", m_a=\"1\", n_a=\"1\"}"},
	{"[{action: labelmap, regex: 'm_(.*)'}]", "m_=1", "{m_=\"1\"}"},
	{"[{action: labeldrop, regex: 'm_.*'}]", "m_a=1,b=2", "{b=\"2\"}"},
	{"[{action: labelkeep, regex: 'm_.*'}]", "m_a=1,b=2", "{m_a=\"1\"}"},
	/* values */
	{"[{action: lowercase, source_labels: [a], target_label: a}]", "a=ÄB",
	 "{a=\"äb\"}"},
	{"[{action: uppercase, source_labels: [a], target_label: b}]", "a=äb",
	 "{a=\"äb\", b=\"ÄB\"}"},
	/* Prometheus's own test: MD5("foo\nbar") */
	{"[{action: hashmod, source_labels: [c], target_label: d, modulus: 1000, "
	 "separator: "
	 "';'}]",
	 "a=foo\nbar,c=baz", "{a=\"foo\\nbar\", c=\"baz\", d=\"976\"}"},
	/* one after the other */
	{"[{source_labels: [a], target_label: b}, {action: labeldrop, regex: a}, {action: "
	 "keep, "
	 "source_labels: [b], regex: '1'}]",
	 "a=1", "{b=\"1\"}"},
	/* mistakes */
	{"[{action: what}]", "", "!unknown relabel action \"what\""},
	{"[{}]", "",
	 "!relabel configuration for replace action requires 'target_label' value"},
	{"[{action: hashmod, target_label: a}]", "",
	 "!relabel configuration for hashmod requires non-zero modulus"},
	{"[{action: lowercase, target_label: a, replacement: x}]", "",
	 "!'replacement' can not be set for lowercase action"},
	{"[{action: labeldrop, regex: a, source_labels: [b]}]", "",
	 "!labeldrop action requires only 'regex', and no other fields"},
	{"[{action: keepequal, target_label: a, regex: b}]", "",
	 "!keepequal action requires only 'source_labels' and 'target_label', and no other "
	 "fields"},
};

static const struct labels *labels_of(struct arena *mem, const char *text)
{
	struct label v[8];
	struct str rest = str_of(text), one;
	size_t n = 0;

	while (rest.n && str_cut(&rest, ',', &one)) {
		size_t eq = str_find_char(one, '=');

		v[n++] = (struct label){arena_copy(mem, str_slice(one, 0, eq)),
					arena_copy(mem, str_from(one, eq + 1))};
	}
	return labels_new(mem, v, n, NULL);
}

/* What came out, or the first mistake behind a "!". */
static const char *result(struct arena *mem, const char *rules, const char *in)
{
	struct files files = {0};
	struct config_options options = {.files = &files, .kinds = integration_kinds};
	struct errs errs = {.mem = mem};
	const struct config *c = config_parse(
		mem, "c.yml",
		str_of(arena_printf(mem,
				    "route: {receiver: r}\nreceivers: [{name: r}]\n"
				    "remote_write: [{url: 'http://w/', "
				    "write_relabel_configs: %s}]\n",
				    rules)),
		&options, &errs, NULL);
	const struct labels *out;
	struct buf b = BUF(10000);
	const char *text;

	if (!c)
		return arena_printf(mem, "!%s", errs.v[0]->text);
	out = relabel(mem, labels_of(mem, in), &c->remote_writes[0].relabels);
	if (!out)
		return NULL;
	buf_add_labels(&b, out);
	text = buf_keep(&b, mem).p;
	buf_free(&b);
	return text;
}

static bool is_as_wanted(const char *got, const char *want)
{
	if (!got || !want)
		return !got && !want;
	if (want[0] == '!')
		return got[0] == '!' && strstr(got, want + 1);
	return !strcmp(got, want);
}

static void rules(void **state)
{
	int wrong = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct arena mem = {0};
		const char *got = result(&mem, cases[i].rules, cases[i].in);

		if (!is_as_wanted(got, cases[i].want)) {
			print_error("%s of %s\nwanted %s\ngot    %s\n", cases[i].rules,
				    cases[i].in, cases[i].want ? cases[i].want : "nothing",
				    got ? got : "nothing");
			wrong++;
		}
		arena_free(&mem);
	}
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules),
	};

	return cmocka_run_group_tests_name("relabel", tests, NULL, NULL);
}
