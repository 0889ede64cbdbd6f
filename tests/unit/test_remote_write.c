#include "base/base.h"
#include "backend/remote_write.h"
#include "backend/remote_write.pb-c.h"

#include <math.h>
#include <setjmp.h>
#include <snappy-c.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* -- the body (spec/remote-write.md A2 to A4) ----------------------------------------- */

static struct str uncompress(struct arena *mem, struct str in)
{
	size_t n;
	char *out;

	assert_int_equal(snappy_uncompressed_length(in.p, in.n, &n), SNAPPY_OK);
	out = arena_alloc(mem, n + 1);
	assert_int_equal(snappy_uncompress(in.p, in.n, out, &n), SNAPPY_OK);
	return (struct str){out, n};
}

static const char *hex(struct arena *mem, struct str s)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	const char *text;

	for (size_t i = 0; i < s.n; i++)
		buf_addf(&b, "%02x", (unsigned char)s.p[i]);
	text = buf_keep(&b, mem).p;
	buf_free(&b);
	return text;
}

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

#define UP_JOB	"0a2c0a0e0a085f5f6e616d655f5f120275700a080a036a6f621201611210"
#define AT_1700 "1080d095ffbc31"

static void bodies(void **state)
{
	static const struct {
		const char *labels;
		double value;
		bool is_stale;
		wall_ms at;
		const char *want;
	} cases[] = {
		{"job=a,__name__=up", 1, false, 1700000000000,
		 UP_JOB "09000000000000f03f" AT_1700},
		{"job=a,__name__=up", 7, true, 1700000000000,
		 UP_JOB "09020000000000f07f" AT_1700},
		{"job=a,__name__=up", NAN, false, 1700000000000,
		 UP_JOB "09010000000000f87f" AT_1700},
		{"job=a,__name__=up", -NAN, false, 1700000000000,
		 UP_JOB "09010000000000f87f" AT_1700},
		{"job=a,__name__=up", HUGE_VAL, false, 1700000000000,
		 UP_JOB "09000000000000f07f" AT_1700},
		{"job=a,__name__=up", 0, false, 1700000000000,
		 UP_JOB "090000000000000000" AT_1700},
		{"job=a,__name__=up", -0.0, false, 1700000000000,
		 UP_JOB "090000000000000080" AT_1700},
		/* Z < _ < a; a time before 1970 takes ten bytes */
		{"a=1,Z=2,__name__=x", 1, false, -1,
		 "0a350a060a015a1201320a0d0a085f5f6e616d655f5f1201780a060a0161120131"
		 "1214"
		 "09000000000000f03f10ffffffffffffffffff01"},
		{"__name__=x", 1, false, 0,
		 "0a1c0a0d0a085f5f6e616d655f5f120178120b09000000000000f03f1000"},
	};
	struct arena mem = {0};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct remote_sample s = {.labels = labels_of(&mem, cases[i].labels),
					  .value = cases[i].value,
					  .at = cases[i].at,
					  .is_stale = cases[i].is_stale};
		const struct remote_sample *v[] = {&s};
		struct str body = uncompress(&mem, remote_encode(&mem, v, 1));

		if (strcmp(hex(&mem, body), cases[i].want) != 0)
			fail_msg("%zu (%s):\nwanted %s\ngot    %s", i, cases[i].labels,
				 cases[i].want, hex(&mem, body));
		assert_true(body.n <= remote_sample_size(&s));
	}
	arena_free(&mem);
}

static void many_come_back(void **state)
{
	struct arena mem = {0};
	enum { MANY = 5000 };
	const struct remote_sample **v = ARENA_ARRAY(&mem, const struct remote_sample *,
						     MANY);
	Remote__WriteRequest *back;
	struct str packed, body;

	(void)state;
	for (size_t i = 0; i < MANY; i++) {
		struct remote_sample *s = ARENA_NEW(&mem, struct remote_sample);

		*s = (struct remote_sample){
			.labels = labels_of(
				&mem,
				arena_printf(&mem, "__name__=x,a=same in all,n=%zu", i)),
			.value = (double)i,
			.at = (wall_ms)i * 1000};
		v[i] = s;
	}
	packed = remote_encode(&mem, v, MANY);
	body = uncompress(&mem, packed);
	assert_true(packed.n < body.n / 2);
	back = remote__write_request__unpack(NULL, body.n, (const uint8_t *)body.p);
	assert_non_null(back);
	assert_int_equal(back->n_timeseries, MANY);
	for (size_t i = 0; i < MANY; i++) {
		const Remote__TimeSeries *t = back->timeseries[i];

		assert_int_equal(t->n_samples, 1);
		assert_int_equal(t->samples[0]->timestamp, (wall_ms)i * 1000);
		assert_true(t->samples[0]->value == (double)i);
		assert_int_equal(t->n_labels, 3);
		assert_string_equal(t->labels[2]->value, arena_printf(&mem, "%zu", i));
	}
	remote__write_request__free_unpacked(back, NULL);
	arena_free(&mem);
}

static void add_side(struct buf *b, char sign, Remote__BucketSpan *const *spans,
		     size_t n_spans, const double *counts, size_t n)
{
	size_t at = 0;

	for (size_t i = 0; i < n_spans; i++) {
		buf_addf(b, " %c%d:", sign, spans[i]->offset);
		for (size_t k = 0; k < spans[i]->length; k++)
			buf_addf(b, "%s%g", k ? "," : "", counts[at++]);
	}
	assert_int_equal(at, n);
}

/* Buckets to spans: each with the distance from the one before, and its counts. */
static void histograms(void **state)
{
	static const struct {
		size_t n;
		struct histogram_bucket v[6];
		const char *want;
	} cases[] = {
		{0, {{0}}, "schema 8 zero 0 within 2.93874e-39"},
		{1, {{ENDS_UPPER, 1, 2, 3}}, "schema 0 zero 0 within 2.93874e-39 +1:3"},
		{4,
		 {{ENDS_UPPER, 1, 2, 3},
		  {ENDS_UPPER, 2, 4, 4},
		  {ENDS_UPPER, 8, 16, 5},
		  {ENDS_UPPER, 16, 32, 6}},
		 "schema 0 zero 0 within 2.93874e-39 +1:3,4 +1:5,6"},
		{6,
		 {{ENDS_LOWER, -8, -4, 1},
		  {ENDS_LOWER, -1, -0.5, 2},
		  {ENDS_LOWER, -0.5, -0.25, 3},
		  {ENDS_BOTH, -0.125, 0.125, 9},
		  {ENDS_UPPER, 0.25, 0.5, 4},
		  {ENDS_UPPER, 0.5, 1, 5}},
		 "schema 0 zero 9 within 0.125 --1:3,2 -2:1 +-1:4,5"},
	};
	struct arena mem = {0};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct histogram *in = arena_alloc(&mem, sizeof(*in) + sizeof(cases[i].v));
		struct remote_sample s = {.labels = labels_of(&mem, "__name__=x"),
					  .at = 1700,
					  .histogram = in,
					  .is_histogram = true};
		const struct remote_sample *v[] = {&s};
		struct buf b = BUF(1000);
		Remote__WriteRequest *back;
		const Remote__Histogram *h;
		struct str body;

		in->count = 7;
		in->sum = -1.5;
		in->n = cases[i].n;
		memcpy(in->v, cases[i].v, sizeof(cases[i].v));
		body = uncompress(&mem, remote_encode(&mem, v, 1));
		assert_true(body.n <= remote_sample_size(&s));
		back = remote__write_request__unpack(NULL, body.n, (const uint8_t *)body.p);
		assert_non_null(back);
		assert_int_equal(back->timeseries[0]->n_samples, 0);
		assert_int_equal(back->timeseries[0]->n_histograms, 1);
		h = back->timeseries[0]->histograms[0];
		assert_true(h->count_float == 7 && h->sum == -1.5 && h->timestamp == 1700);
		buf_addf(&b, "schema %d zero %g within %g", h->schema, h->zero_count_float,
			 h->zero_threshold);
		add_side(&b, '-', h->negative_spans, h->n_negative_spans,
			 h->negative_counts, h->n_negative_counts);
		add_side(&b, '+', h->positive_spans, h->n_positive_spans,
			 h->positive_counts, h->n_positive_counts);
		if (strcmp(buf_text(&b), cases[i].want) != 0)
			fail_msg("row %zu:\nwanted %s\ngot    %s", i, cases[i].want,
				 buf_text(&b));
		buf_free(&b);
		remote__write_request__free_unpacked(back, NULL);
	}
	arena_free(&mem);
}

/* -- the queue ------------------------------------------------------------------------ */

/* A receiver on a pretended clock. Script, a command a line, each with its time in seconds:
 *	0 add a b=2 c! d# e#!	samples of these series at that time: 1, 2, a stale marker,
 *				a native histogram, the stale marker of one
 *	0 answer 500 [text]	from now on; with text: its Retry-After
 *	0 refuse b		400 to whatever holds b; without a name: nothing
 *	0 hate b		the same with 500
 *	0 numbers		from now on, without send_native_histograms
 *	0 flush
 *	9 run
 * Trace:
 *	5 a b: sent		a request with these samples, and what became of it
 */
struct stage {
	struct arena mem;
	struct remote_write *config;
	struct remote_queue *queue;
	struct buf trace;
	mono_ms now;
	int status;
	const char *retry_after, *refused, *hated;
};

#define WALL INT64_C(784111717000) /* Sun, 06 Nov 1994 08:48:37 GMT, less a play's time */

static bool is_stale(double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	return bits == UINT64_C(0x7ff0000000000002);
}

static void add_names(struct stage *s, const struct http_request *r, int *status)
{
	struct str body = uncompress(&s->mem, r->body);
	Remote__WriteRequest *w = remote__write_request__unpack(NULL, body.n,
								(const uint8_t *)body.p);

	assert_non_null(w);
	for (size_t i = 0; i < w->n_timeseries; i++) {
		const Remote__TimeSeries *t = w->timeseries[i];
		const char *name = t->labels[0]->value;
		double v = t->n_samples ? t->samples[0]->value : 1;

		assert_int_equal(t->n_samples + t->n_histograms, 1);
		buf_addf(&s->trace, " %s", name);
		if (t->n_histograms)
			buf_add_char(&s->trace, '#');
		if (t->n_histograms ? is_stale(t->histograms[0]->sum) : isnan(v))
			buf_add_char(&s->trace, '!');
		else if (v != 1)
			buf_addf(&s->trace, "=%g", v);
		if (s->refused && !strcmp(s->refused, name))
			*status = 400;
		if (s->hated && !strcmp(s->hated, name))
			*status = 500;
	}
	remote__write_request__free_unpacked(w, NULL);
	for (size_t i = 0; i < r->n_headers; i++) {
		if (!strcmp(r->headers[i].name, "Retry-Attempt"))
			buf_addf(&s->trace, " (%s)", r->headers[i].value);
	}
}

static void send_one(struct stage *s)
{
	static const char *const words[] = {"sent", "again", "split", "given up"};
	struct http_header h = {"Retry-After", s->retry_after};
	struct http_answer a = {.status = s->status, .body = STR("why"), .headers = &h};
	struct remote_outcome end;
	struct http_request r;

	if (!remote_queue_compose(s->queue, s->now, WALL + s->now, &r))
		return;
	buf_addf(&s->trace, "%g", (double)s->now / 1000);
	add_names(s, &r, &a.status);
	a.n_headers = s->retry_after != NULL;
	assert_true(remote_queue_due(s->queue, s->now) == NEVER);
	end = remote_queue_judge(s->queue, s->now, WALL + s->now, &a);
	buf_addf(&s->trace, ": %s", words[end.verdict]);
	if (end.verdict == REMOTE_RETRY)
		buf_addf(&s->trace, " in %g", (double)end.wait / 1000);
	buf_add_char(&s->trace, '\n');
}

static void run_until(struct stage *s, mono_ms t)
{
	mono_ms due;

	while ((due = remote_queue_due(s->queue, s->now)) <= t) {
		s->now = due;
		send_one(s);
	}
	s->now = t;
}

static struct str word(struct str *rest)
{
	struct str w = STR("");

	*rest = str_trim(*rest);
	(void)str_cut(rest, ' ', &w);
	return w;
}

static void add(struct stage *s, struct str rest)
{
	static const struct histogram empty = {.count = 0};
	struct write_sample v[16];
	struct write_wish wish = {.at = WALL + s->now, .v = v};
	struct remote_block *b;

	while (rest.n) {
		struct str name = word(&rest), value = STR("1");
		bool ends = str_ends(name, STR("!")), is_histogram;
		size_t eq = str_find_char(name, '=');
		double number;

		name.n -= ends;
		is_histogram = str_ends(name, STR("#"));
		name.n -= is_histogram;
		if (eq != STR_NONE) {
			value = str_from(name, eq + 1);
			name.n = eq;
		}
		assert_true(str_double(value, &number));
		v[wish.n++] = (struct write_sample){
			.labels = labels_of(
				&s->mem, arena_printf(&s->mem, "__name__=%.*s", FMT(name))),
			.value = number,
			.is_stale = ends};
		v[wish.n - 1].is_histogram = is_histogram;
		if (is_histogram && !ends)
			v[wish.n - 1].histogram = &empty;
	}
	b = remote_block_new(&wish, NULL, NULL);
	if (!remote_queue_add(s->queue, b, s->now))
		buf_addf(&s->trace, "%g full\n", (double)s->now / 1000);
	remote_block_unref(b);
}

static void command(struct stage *s, struct str text)
{
	double at;
	struct str what;

	assert_true(str_double(word(&text), &at));
	run_until(s, (mono_ms)(at * 1000));
	what = word(&text);
	if (str_is(what, "add")) {
		add(s, text);
	} else if (str_is(what, "answer")) {
		s->status = atoi(arena_copy(&s->mem, word(&text)));
		text = str_trim(text);
		s->retry_after = text.n ? arena_copy(&s->mem, text) : NULL;
	} else if (str_is(what, "refuse")) {
		s->refused = text.n ? arena_copy(&s->mem, text) : NULL;
	} else if (str_is(what, "hate")) {
		s->hated = text.n ? arena_copy(&s->mem, text) : NULL;
	} else if (str_is(what, "numbers")) {
		s->config->sends_histograms = false;
	} else if (str_is(what, "flush")) {
		remote_queue_flush(s->queue);
	} else {
		assert_true(str_is(what, "run"));
	}
}

struct queue_play {
	const char *name;
	struct queue_config config;
	const char *script, *trace;
};

static void play(const struct queue_play *p)
{
	struct remote_write config = {.name = "0",
				      .url = "http://w/",
				      .queue = p->config,
				      .sends_histograms = true};
	struct stage s = {.config = &config, .trace = BUF(100000), .status = 204};
	struct str rest = str_of(p->script), one;

	config.queue.max_backoff = 5 * SECOND;
	config.queue.min_backoff = 30;
	if (!config.queue.capacity)
		config.queue.capacity = 100;
	if (!config.queue.max_samples_per_send)
		config.queue.max_samples_per_send = 4;
	if (!config.queue.batch_send_deadline)
		config.queue.batch_send_deadline = 5 * SECOND;
	s.queue = remote_queue_new(&config);
	while (str_cut(&rest, '\n', &one) && one.n)
		command(&s, one);
	if (!str_is(buf_str(&s.trace), p->trace))
		fail_msg("%s\n-- wanted:\n%s-- got:\n%s", p->name, p->trace,
			 buf_text(&s.trace));
	remote_queue_free(s.queue);
	buf_free(&s.trace);
	arena_free(&s.mem);
}

static void queues(void **state)
{
	static const struct queue_play plays[] = {
		{"the oldest sample waits for the deadline",
		 {0},
		 "0 add a\n3 add b\n7 add c\n20 run\n",
		 "5 a b: sent\n12 c: sent\n"},
		{"a flush, and a full batch, do not wait",
		 {0},
		 "0 add a\n1 flush\n2 add b c d e f\n20 run\n",
		 "1 a: sent\n2 b c d e: sent\n7 f: sent\n"},
		{"a flush sends all batches",
		 {0},
		 "0 add a b c d e f g h i\n0 flush\n1 run\n",
		 "0 a b c d: sent\n0 e f g h: sent\n0 i: sent\n"},
		{"again with growing waits, unchanged, those behind wait",
		 {0},
		 "0 answer 500\n0 add a b\n0 flush\n0.01 add c\n0.2 answer 204\n9 run\n",
		 "0 a b: again in 0.03\n"
		 "0.03 a b (1): again in 0.06\n"
		 "0.09 a b (2): again in 0.12\n"
		 "0.21 a b (3): sent\n"
		 "5.01 c: sent\n"},
		{"a connection that fails is tried again, at most each 5 s",
		 {0},
		 "0 answer 0\n0 add a\n0 flush\n15 answer 200\n99 run\n",
		 "0 a: again in 0.03\n0.03 a (1): again in 0.06\n"
		 "0.09 a (2): again in 0.12\n0.21 a (3): again in 0.24\n"
		 "0.45 a (4): again in 0.48\n0.93 a (5): again in 0.96\n"
		 "1.89 a (6): again in 1.92\n3.81 a (7): again in 3.84\n"
		 "7.65 a (8): again in 5\n12.65 a (9): again in 5\n17.65 a (10): sent\n"},
		{"Retry-After in seconds takes the place of the wait",
		 {.retry_on_http_429 = true},
		 "0 answer 429 20\n0 add a\n0 flush\n10 answer 503\n21 answer 202\n99 "
		 "run\n",
		 "0 a: again in 20\n20 a (1): again in 5\n25 a (2): sent\n"},
		{"Retry-After as a date; one that is past or none is not heard",
		 {0},
		 "0 answer 503 Sun, 06 Nov 1994 08:48:47 GMT\n0 add a\n0 flush\n"
		 "9 answer 503 -5\n10.1 answer 503 soon\n15.1 answer 503 Sun, 06 Nov 1994 "
		 "08:48:47 GMT\n"
		 "20.1 answer 204\n40 run\n",
		 "0 a: again in 10\n10 a (1): again in 5\n15 a (2): again in 5\n"
		 "20 a (3): again in 5\n25 a (4): sent\n"},
		{"an absurd Retry-After is an hour",
		 {0},
		 "0 answer 503 999999999999\n0 add a\n0 flush\n1 answer 204\n4000 run\n",
		 "0 a: again in 3600\n3600 a (1): sent\n"},
		{"429 when it is not to be tried again",
		 {0},
		 "0 answer 429\n0 add a b\n0 flush\n9 run\n",
		 "0 a b: given up\n"},
		{"404: all of it goes at once",
		 {0},
		 "0 answer 404\n0 add a b c d\n9 run\n",
		 "0 a b c d: given up\n"},
		{"400 for one of them: the others arrive",
		 {0},
		 "0 refuse b\n0 add a b c d\n9 run\n",
		 "0 a b c d: split\n0 a b: split\n0 a: sent\n0 b c d: split\n"
		 "0 b: given up\n0 c d: sent\n"},
		{"400 for all: after the first batch, little is tried",
		 {.max_samples_per_send = 8},
		 "0 answer 400\n0 add a b c d e f g h\n1 add a b c d e f g h\n2 answer "
		 "204\n"
		 "2 refuse a\n2 add a b c d e f g h\n3 add a b c d e f g h\n9 run\n",
		 "0 a b c d e f g h: split\n0 a b c d: split\n0 a b: split\n0 a: given up\n"
		 "0 b c d e f g h: split\n0 b c d: split\n0 b: given up\n"
		 "0 c d e f g h: split\n0 c d e: split\n0 c: given up\n"
		 "0 d e f g h: split\n0 d e: split\n0 d: given up\n"
		 "0 e f g h: split\n0 e f: split\n0 e: given up\n"
		 "0 f g h: split\n0 f: given up\n0 g h: split\n0 g: given up\n"
		 "0 h: given up\n"
		 "1 a b c d e f g h: split\n1 a b c d: given up\n1 e f g h: given up\n"
		 "2 a b c d e f g h: split\n2 a b c d: given up\n2 e f g h: sent\n"
		 "3 a b c d e f g h: split\n3 a b c d: split\n3 a b: split\n"
		 "3 a: given up\n3 b c d e f g h: sent\n"},
		{"no room: the oldest go, what is being sent stays",
		 {.capacity = 3},
		 "0 answer 500 10\n0 add a\n0 flush\n1 add b c\n2 add d e\n"
		 "5 answer 204\n30 run\n",
		 "0 a: again in 10\n2 full\n10 a (1): sent\n10 c d e: sent\n"},
		{"too old to be sent",
		 {.sample_age_limit = 8 * SECOND, .batch_send_deadline = SECOND},
		 "0 answer 500 10\n0 add a\n0 flush\n3 add b\n5 answer 204\n20 run\n",
		 "0 a: again in 10\n10 b: sent\n"},
		{"one value for a series and a time; a real one beats a marker",
		 {.max_samples_per_send = 10},
		 "0 add a b! c! d!\n0 add a=2 b c! e\n9 run\n",
		 "5 a b c! d! e: sent\n"},
		{"histograms go by themselves, behind the numbers",
		 {.max_samples_per_send = 10},
		 "0 add a h# b i#\n9 run\n",
		 "5 a b: sent\n5 h# i#: sent\n"},
		{"... but not behind later numbers of their series",
		 {.max_samples_per_send = 10},
		 "0 add h=2 i#\n1 add h# i#\n2 add i! a\n3 add i#\n20 run\n",
		 "5 h=2: sent\n5 i# h# i#: sent\n10 i! a: sent\n10 i#: sent\n"},
		{"the end of one is one",
		 {.max_samples_per_send = 10},
		 "0 add a# b\n1 add a#! b!\n9 run\n",
		 "5 b b!: sent\n5 a# a#!: sent\n"},
		{"without send_native_histograms they are left out",
		 {0},
		 "0 numbers\n0 add a h# b\n0 add i#\n9 run\n",
		 "5 a b: sent\n"},
		{"500 for histograms: a few tries, and nothing stays behind them",
		 {0},
		 "0 hate h\n0 add a h#\n0 flush\n0.1 add b\n9 flush\n9 run\n",
		 "0 a: sent\n0 h#: again in 0.03\n0.03 h# (1): again in 0.06\n"
		 "0.09 h# (2): again in 0.12\n0.21 h# (3): again in 0.24\n"
		 "0.45 h# (4): again in 0.48\n0.93 h# (5): given up\n5.1 b: sent\n"},
		{"... then one, until one is taken; the wait of numbers did not grow",
		 {0},
		 "0 hate h\n0 add h#\n0 flush\n2 add a h# i#\n2 flush\n3 hate\n"
		 "3 answer 500\n3 add c\n3 flush\n3.01 answer 204\n"
		 "4 add h#\n4 flush\n5 hate h\n5 add h#\n5 flush\n5.01 hate\n6 run\n",
		 "0 h#: again in 0.03\n0.03 h# (1): again in 0.06\n"
		 "0.09 h# (2): again in 0.12\n0.21 h# (3): again in 0.24\n"
		 "0.45 h# (4): again in 0.48\n0.93 h# (5): given up\n"
		 "2 a: sent\n2 h# i#: given up\n3 c: again in 0.03\n3.03 c (1): sent\n"
		 "4 h#: sent\n5 h#: again in 0.03\n5.03 h# (1): sent\n"},
		{"500 for one histogram: the others arrive, in smaller pieces",
		 {.max_samples_per_send = 10},
		 "0 hate h\n0 add g# h#\n0 flush\n9 run\n",
		 "0 g# h#: again in 0.03\n0.03 g# h# (1): again in 0.06\n"
		 "0.09 g# h# (2): again in 0.12\n0.21 g# h# (3): again in 0.24\n"
		 "0.45 g# h# (4): again in 0.48\n0.93 g# h# (5): split\n0.93 g#: sent\n"
		 "0.93 h#: again in 0.03\n0.96 h# (1): again in 0.06\n"
		 "1.02 h# (2): again in 0.12\n1.14 h# (3): again in 0.24\n"
		 "1.38 h# (4): again in 0.48\n1.86 h# (5): given up\n"},
		{"503 says that the server is away: histograms wait, too",
		 {0},
		 "0 answer 503\n0 add h#\n0 flush\n2 answer 204\n9 run\n",
		 "0 h#: again in 0.03\n0.03 h# (1): again in 0.06\n"
		 "0.09 h# (2): again in 0.12\n0.21 h# (3): again in 0.24\n"
		 "0.45 h# (4): again in 0.48\n0.93 h# (5): again in 0.96\n"
		 "1.89 h# (6): again in 1.92\n3.81 h# (7): sent\n"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(plays); i++)
		play(&plays[i]);
}

/* Every sample is somewhere: sent, refused, dropped, or still there. */
static void nothing_is_lost_uncounted(void **state)
{
	struct remote_write config = {
		.name = "0",
		.url = "http://w/",
		.queue = {.capacity = 50,
			  .max_samples_per_send = 7,
			  .retry_on_http_429 = true},
	};
	static const int statuses[] = {204, 500, 400, 0, 429, 404, 204, 413};
	struct remote_queue *q = remote_queue_new(&config);
	struct remote_counters c;
	struct arena mem = {0};
	uint64_t added = 0, random = 1;
	mono_ms now = 0;

	(void)state;
	for (int turn = 0; turn < 20000; turn++) {
		random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
		if (random >> 63) {
			struct http_request r;
			struct http_answer a = {.status = statuses[random >> 33 & 7]};

			now += (mono_ms)(random >> 40 & 1023);
			if (remote_queue_due(q, now) > now ||
			    !remote_queue_compose(q, now, now, &r))
				continue;
			(void)remote_queue_judge(q, now, now, &a);
		} else {
			struct write_sample v[9];
			struct write_wish w = {.at = now, .v = v, .n = random >> 50 & 7};
			struct remote_block *b;

			for (size_t i = 0; i < w.n; i++)
				v[i] = (struct write_sample){
					.labels = labels_of(&mem, i & 1 ? "__name__=a"
									: "__name__=b"),
					.value = 1};
			b = remote_block_new(&w, NULL, NULL);
			(void)remote_queue_add(q, b, now);
			remote_block_unref(b);
			added += w.n;
			arena_reset(&mem);
		}
	}
	c = remote_queue_counters(q);
	for (int i = 0; i < REMOTE_DROPS; i++)
		added -= c.dropped[i];
	assert_int_equal(added, c.sent + c.failed + c.pending);
	assert_true(c.sent > 0 && c.failed > 0 && c.dropped[REMOTE_DROP_FULL] > 0);
	remote_queue_free(q);
	arena_free(&mem);
}

static void the_request(void **state)
{
	static const struct text_pair own[] = {{.name = "X-Scope-OrgID", .text = "t"}};
	struct remote_write config = {
		.name = "0",
		.url = "http://w/api/v1/push",
		.timeout = 7 * SECOND,
		.headers = {(struct text_pair *)(uintptr_t)own, 1, true},
		.queue = {.capacity = 5, .max_samples_per_send = 5},
	};
	static const char *const want[][2] = {
		{"Content-Type", "application/x-protobuf"},
		{"Content-Encoding", "snappy"},
		{"X-Prometheus-Remote-Write-Version", "0.1.0"},
		{"X-Scope-OrgID", "t"},
	};
	struct arena mem = {0};
	const struct labels *external = labels_of(&mem, "cluster=eu,job=outer");
	struct write_sample v[] = {
		{.labels = labels_of(&mem, "__name__=x,job=inner"), .value = 1}};
	struct write_wish w = {.at = 1, .v = v, .n = 1};
	struct remote_block *b = remote_block_new(&w, external, NULL);
	struct remote_queue *q = remote_queue_new(&config);
	struct http_request r;

	(void)state;
	assert_true(remote_queue_add(q, b, 0));
	remote_block_unref(b);
	assert_true(remote_queue_compose(q, 0, 0, &r));
	assert_string_equal(r.method, "POST");
	assert_string_equal(r.url, "http://w/api/v1/push");
	assert_int_equal(r.timeout, 7 * SECOND);
	assert_int_equal(r.n_headers, COUNT_OF(want));
	for (size_t i = 0; i < COUNT_OF(want); i++) {
		assert_string_equal(r.headers[i].name, want[i][0]);
		assert_string_equal(r.headers[i].value, want[i][1]);
	}
	assert_true(str_find(uncompress(&mem, r.body), STR("cluster")) != STR_NONE);
	assert_true(str_find(uncompress(&mem, r.body), STR("inner")) != STR_NONE);
	assert_true(str_find(uncompress(&mem, r.body), STR("outer")) == STR_NONE);
	remote_queue_free(q);
	arena_free(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies),     cmocka_unit_test(many_come_back),
		cmocka_unit_test(histograms), cmocka_unit_test(the_request),
		cmocka_unit_test(queues),     cmocka_unit_test(nothing_is_lost_uncounted),
	};

	return cmocka_run_group_tests_name("remote_write", tests, NULL, NULL);
}
