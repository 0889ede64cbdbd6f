#include "base/base.h"
#include "store/alert_entry.h"
#include "store/entry_pack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct text_alert { /* annotations and URL of alerts whose other parts are the same */
	const char *name, *summary, *url;
	wall_ms starts_at;
};

static const struct alert *make(struct arena *mem, const struct text_alert *t)
{
	struct alert *a = ARENA_NEW(mem, struct alert);
	const struct label labels[] = {{"alertname", t->name}, {"job", "node"}},
			   note = {"summary", t->summary};

	*a = (struct alert){
		.labels = labels_new(mem, labels, 2, NULL),
		.annotations = labels_new_raw(mem, &note, t->summary ? 1 : 0, NULL),
		.generator_url = t->url,
		.starts_at = instant_of_ms(t->starts_at),
		.ends_at = instant_of_ms(99000),
		.came_at = 5,
	};
	return a;
}

/* What can be read of it once it is unpacked, an alert a line; "?" for one that cannot. */
static void add_alerts(struct buf *out, struct str packed)
{
	struct buf entries = BUF(BUF_NO_LIMIT);
	struct arena mem = {0};
	struct log_entry e;
	const char *why;
	struct str rest;

	buf_add_unpacked(&entries, packed);
	rest = buf_str(&entries);
	while (entry_next(&rest, &e)) {
		const struct alert *a = e.content.n ? entry_read(&e, &mem, &why) : NULL;

		if (!e.content.n)
			buf_add_text(out, "left\n");
		else if (a)
			buf_addf(out, "%s '%s' %s %lld\n",
				 labels_get(a->labels, "alertname"),
				 labels_get(a->annotations, "summary"), a->generator_url,
				 (long long)instant_ms(a->starts_at));
		else
			buf_add_text(out, "?\n");
	}
	if (rest.n)
		buf_addf(out, "and %zu bytes\n", rest.n);
	buf_free(&entries);
	arena_free(&mem);
}

static void what_is_packed_comes_back(void **state)
{
	static const struct {
		const char *name;
		struct text_alert v[3]; /* no name: a farewell */
		size_t most;		/* bytes of the second entry */
		const char *text;
	} cases[] = {
		{"the same again",
		 {{"A", "x", "u", 1}, {"A", "x", "u", 1}},
		 22,
		 "A 'x' u 1\nA 'x' u 1\nand 7 bytes\n"},
		{"a word in the middle",
		 {{"A", "disk 1 of h1 is full", "u", 1},
		  {"A", "disk 1 of h20 is full", "u", 1}},
		 25,
		 "A 'disk 1 of h1 is full' u 1\nA 'disk 1 of h20 is full' u 1\nand 7 "
		 "bytes\n"},
		{"start and end overlap",
		 {{"A", "aaa", "u", 1}, {"A", "aaaa", "u", 1}, {"A", "aa", "u", 1}},
		 25,
		 "A 'aaa' u 1\nA 'aaaa' u 1\nA 'aa' u 1\nand 7 bytes\n"},
		{"more texts, then fewer",
		 {{"A", NULL, "u", 1}, {"A", "x", "u", 1}, {"A", NULL, "u", 1}},
		 48,
		 "A '' u 1\nA 'x' u 1\nA '' u 1\nand 7 bytes\n"},
		{"other numbers",
		 {{"A", "x", "u", 1}, {"A", "x", "u", 123456789}},
		 36,
		 "A 'x' u 1\nA 'x' u 123456789\nand 7 bytes\n"},
		{"one that left between them",
		 {{"A", "x", "u", 1}, {NULL}, {"B", "x", "u", 1}},
		 12,
		 "A 'x' u 1\nleft\nB 'x' u 1\nand 7 bytes\n"},
		{"empty texts",
		 {{"A", "", "", 1}, {"A", "x", "", 1}, {"A", "", "u", 1}},
		 25,
		 "A ''  1\nA 'x'  1\nA '' u 1\nand 7 bytes\n"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf entries = BUF(BUF_NO_LIMIT), packed = BUF(BUF_NO_LIMIT),
			   text = BUF(BUF_NO_LIMIT);
		struct arena mem = {0};
		struct log_entry second = {0};
		struct str rest;

		for (size_t k = 0; k < 3; k++) {
			if (cases[i].v[k].name)
				buf_add_entry(&entries, make(&mem, &cases[i].v[k]));
			else if (k == 1)
				buf_add_farewell(&entries, 7);
		}
		buf_add_text(&entries, "cut off");
		buf_add_packed(&packed, buf_str(&entries));
		rest = buf_str(&packed);
		assert_true(entry_next(&rest, &second) && entry_next(&rest, &second));
		add_alerts(&text, buf_str(&packed));
		if (strcmp(buf_text(&text), cases[i].text) ||
		    second.whole.n > cases[i].most)
			fail_msg("%s: %zu bytes, %s", cases[i].name, second.whole.n,
				 buf_text(&text));
		buf_free(&entries);
		buf_free(&packed);
		buf_free(&text);
		arena_free(&mem);
	}
}

/* What is left of 100 alerts when the content of one has a broken byte: all before it, and
 * all from the next that stands alone. */
static void check_damage(struct arena *mem, struct buf *packed, char *byte, size_t broken)
{
	struct buf text = BUF(BUF_NO_LIMIT);
	const char *rest;

	*byte ^= 0x55;
	add_alerts(&text, buf_str(packed));
	*byte ^= 0x55;
	rest = buf_text(&text);
	for (size_t i = 0; i < 100; i++) {
		const char *line = arena_printf(mem, "A%zu 'x' u 1\n", i);

		if (i >= broken && i < broken / PACK_CHAIN * PACK_CHAIN + PACK_CHAIN)
			continue;
		rest = strstr(rest, line);
		if (!rest)
			fail_msg("a byte of entry %zu costs %s", broken, line);
	}
	buf_free(&text);
}

static void a_broken_byte_costs_few(void **state)
{
	struct buf entries = BUF(BUF_NO_LIMIT), packed = BUF(BUF_NO_LIMIT);
	struct arena mem = {0};
	struct log_entry e;
	struct str rest;

	(void)state;
	for (size_t i = 0; i < 100; i++) {
		struct text_alert t = {arena_printf(&mem, "A%zu", i), "x", "u", 1};

		buf_add_entry(&entries, make(&mem, &t));
	}
	buf_add_packed(&packed, buf_str(&entries));
	assert_true(packed.n < 100 * 40);
	rest = buf_str(&packed);
	for (size_t i = 0; entry_next(&rest, &e); i++) {
		size_t at = (size_t)(e.content.p - packed.p);

		for (size_t k = 0; k < e.content.n; k++)
			check_damage(&mem, &packed, &packed.p[at + k], i);
		arena_reset(&mem);
	}
	buf_free(&entries);
	buf_free(&packed);
	arena_free(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_packed_comes_back),
		cmocka_unit_test(a_broken_byte_costs_few),
	};

	return cmocka_run_group_tests_name("entry_pack", tests, NULL, NULL);
}
