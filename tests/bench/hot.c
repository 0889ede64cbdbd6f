/* The hot parts, each at three sizes: operations per second and instructions per operation
 * (where the kernel counts them for us), so that it shows how cost grows. All input comes
 * from fixed seeds. */
#include "base/base.h"
#include "api/alert_list.h"
#include "backend/backend.h"
#include "config/config.h"
#include "engine/view.h"
#include "receivers/attempt.h"
#include "store/alert_entry.h"
#include "store/entry_pack.h"
#include "text/json_reader.h"

#include <linux/perf_event.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SHORTEST 0.15 /* seconds of measuring */
#define NOW	 ((wall_ms)1700000000000)

static const size_t sizes[] = {1000, 10000, 100000};

/* -- measuring ------------------------------------------------------------------------ */

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* -1 where counting is not allowed. */
static int open_counter(void)
{
	struct perf_event_attr a = {.type = PERF_TYPE_HARDWARE,
				    .size = sizeof(a),
				    .config = PERF_COUNT_HW_INSTRUCTIONS,
				    .exclude_kernel = 1,
				    .exclude_hv = 1};

	return (int)syscall(SYS_perf_event_open, &a, 0, -1, -1, 0UL);
}

static double count(int fd)
{
	uint64_t n = 0;

	return fd >= 0 && read(fd, &n, sizeof(n)) == sizeof(n) ? (double)n : 0;
}

/* -- what is measured ----------------------------------------------------------------- */

struct world {
	size_t n;
	struct arena mem, step;
	struct engine *engine;
	struct actions out;
	struct buf text; /* JSON, entries */
	struct labels const **sets;
	struct alert_post *posts;
	struct matcher regex, words, equal;
	size_t at;    /* of the operation */
	uint64_t sum; /* what keeps the compiler from leaving things out */
};

static const char config_text[] =
	"route:\n"
	"  receiver: r\n"
	"  group_by: [alertname, cluster]\n"
	"  group_wait: 1h\n"
	"  routes:\n"
	"  - {receiver: r, matchers: ['team=~\"db|storage\"']}\n"
	"  - {receiver: r, matchers: [severity=critical, 'cluster=~\"c[5-9]\"']}\n"
	"  - {receiver: r, matchers: ['instance=~\"web-.*\"']}\n"
	"  - {receiver: r, matchers: [namespace=nowhere]}\n"
	"inhibit_rules:\n"
	"- source_matchers: [severity=source]\n"
	"  target_matchers: [severity=warning]\n"
	"  equal: [instance]\n"
	"receivers: [{name: r}]\n";

static struct label *labels_of(struct arena *mem, size_t i, const char *severity)
{
	struct label *v = ARENA_ARRAY(mem, struct label, 8);

	v[0] = (struct label){"alertname", arena_printf(mem, "HostLoad%02zu", i % 50)};
	v[1] = (struct label){"cluster", arena_printf(mem, "c%zu", i / 50 % 10)};
	v[2] = (struct label){"instance", arena_printf(mem, "host-%06zu:9100", i)};
	v[3] = (struct label){"job", arena_printf(mem, "node-%02zu", i % 20)};
	v[4] = (struct label){"namespace", arena_printf(mem, "ns-%03zu", i % 100)};
	v[5] = (struct label){"service", arena_printf(mem, "svc-%03zu", i % 200)};
	v[6] = (struct label){"severity", severity};
	v[7] = (struct label){"team", arena_printf(mem, "team-%zu", i % 10)};
	return v;
}

static struct alert_post *posts_of(struct arena *mem, size_t n, const char *severity)
{
	static const struct label notes[] = {
		{"description", "The value has been 7.3 for more than 10 minutes."},
		{"summary", "A host is above its limit"},
	};
	struct alert_post *v = ARENA_ARRAY(mem, struct alert_post, n);

	for (size_t i = 0; i < n; i++)
		v[i] = (struct alert_post){.labels = labels_of(mem, i, severity),
					   .annotations = notes,
					   .n_labels = 8,
					   .n_annotations = COUNT_OF(notes),
					   .starts_at = instant_of_ms(NOW - MINUTE),
					   .ends_at = instant_of_ms(NOW + DAY),
					   .generator_url = "http://rules.example.org/g"};
	return v;
}

static void feed(struct world *w, const struct event *ev)
{
	w->out.n = 0;
	arena_reset(&w->step);
	engine_step(w->engine, NOW, ev, 1, &w->step, &w->out);
}

static void post(struct world *w, const struct alert_post *v, size_t n)
{
	struct event ev = {.kind = EVENT_ALERTS, .alerts = {v, n}};

	feed(w, &ev);
}

static void start_engine(struct world *w)
{
	struct engine_options o = {
		.seed = 1, .started_at = NOW, .external_url = "http://x", .alert_gc = HOUR};
	struct config_options c = {.kinds = integration_kinds};
	struct errs errs = {.mem = &w->mem};
	struct event ev = {.kind = EVENT_CONFIG};

	w->engine = engine_new(&o);
	ev.config = config_parse(&w->mem, "c.yml", str_of(config_text), &c, &errs, NULL);
	if (!ev.config)
		BUG("%s", err_text(&w->mem, errs.v[0]));
	feed(w, &ev);
}

static void with_sets(struct world *w)
{
	struct err err;

	w->sets = ARENA_ARRAY(&w->mem, const struct labels *, w->n);
	for (size_t i = 0; i < w->n; i++)
		w->sets[i] = labels_new(&w->mem, labels_of(&w->mem, i, "warning"), 8, &err);
	if (!matcher_new(&w->mem, MATCH_EQUAL, STR("instance"), STR("host-000123:9100"),
			 &w->equal, &err) ||
	    !matcher_new(&w->mem, MATCH_REGEX, STR("severity"), STR("warning|critical"),
			 &w->words, &err) ||
	    !matcher_new(&w->mem, MATCH_REGEX, STR("instance"), STR("host-0000[0-9]{2}:.*"),
			 &w->regex, &err))
		BUG("%s", err.text);
}

static void with_alerts(struct world *w)
{
	start_engine(w);
	w->posts = posts_of(&w->mem, w->n, "warning");
	post(w, w->posts, w->n);
}

static void with_sources(struct world *w)
{
	with_alerts(w);
	post(w, posts_of(&w->mem, w->n, "source"), w->n);
}

static void with_silences(struct world *w)
{
	with_alerts(w);
	for (size_t i = 0; i < w->n; i++) {
		struct silence s = {.starts_at = instant_of_ms(NOW),
				    .ends_at = instant_of_ms(NOW + DAY),
				    .created_by = "bench",
				    .comment = "c",
				    .annotations = &labels_none};
		struct answer a = {.text = BUF(1000)};
		struct event ev = {.kind = EVENT_SILENCE_SET, .silence = &s, .answer = &a};

		s.matchers.n = 2;
		s.matchers.v = ARENA_ARRAY(&w->mem, struct matcher, 2);
		if (!matcher_new(&w->mem, MATCH_REGEX, STR("instance"),
				 str_of(arena_printf(&w->mem, "gone-%06zu:(9100|9200)", i)),
				 &s.matchers.v[0], NULL) ||
		    !matcher_new(&w->mem, MATCH_REGEX, STR("severity"),
				 STR("warning|critical"), &s.matchers.v[1], NULL))
			BUG("matchers");
		feed(w, &ev);
		buf_free(&a.text);
	}
}

static void with_json(struct world *w)
{
	w->posts = posts_of(&w->mem, w->n, "warning");
	w->text = BUF(BUF_NO_LIMIT);
	buf_add_char(&w->text, '[');
	for (size_t i = 0; i < w->n; i++) {
		const struct alert_post *p = &w->posts[i];

		buf_add_text(&w->text, i ? ",{\"labels\":" : "{\"labels\":");
		buf_add_labels_json(&w->text, labels_new(&w->mem, p->labels, 8, NULL));
		buf_add_text(&w->text, ",\"annotations\":");
		buf_add_labels_json(&w->text, labels_new(&w->mem, p->annotations, 2, NULL));
		buf_add_char(&w->text, '}');
	}
	buf_add_char(&w->text, ']');
}

static void with_answer(struct world *w)
{
	w->text = BUF(BUF_NO_LIMIT);
	buf_add_text(&w->text,
		     "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\","
		     "\"result\":[");
	for (size_t i = 0; i < w->n; i++) {
		buf_add_text(&w->text, i ? ",{\"metric\":" : "{\"metric\":");
		buf_add_labels_json(
			&w->text,
			labels_new(&w->mem, labels_of(&w->mem, i, "warning"), 8, NULL));
		buf_add_text(&w->text, ",\"value\":[1700000000,\"2.5\"]}");
	}
	buf_add_text(&w->text, "]}}");
}

/* -- operations: each gives how many it did ------------------------------------------- */

static size_t hash_labels(struct world *w)
{
	const struct labels *set = w->sets[w->at++ % w->n], *again;

	again = labels_borrow(&w->step, set->v, set->n, NULL);
	w->sum += again->fingerprint;
	if (w->at % 64 == 0)
		arena_reset(&w->step);
	return 1;
}

static size_t match(struct world *w, const struct matcher *m)
{
	w->sum += matcher_holds(m, w->sets[w->at++ % w->n]);
	return 1;
}

static size_t match_equal(struct world *w)
{
	return match(w, &w->equal);
}

static size_t match_words(struct world *w)
{
	return match(w, &w->words);
}

static size_t match_regex(struct world *w)
{
	return match(w, &w->regex);
}

static size_t post_again(struct world *w)
{
	size_t batch = MIN(w->n, 100), from = w->at % (w->n - batch + 1);

	w->at += batch;
	post(w, w->posts + from, batch);
	return batch;
}

/* A route walk, a group: alerts that are new to the engine. */
static size_t post_new(struct world *w)
{
	struct arena mem = {0};
	struct label *labels = labels_of(&mem, w->n + w->at++, "warning");
	struct alert_post p = w->posts[0];

	p.labels = labels;
	post(w, &p, 1);
	arena_free(&mem);
	return 1;
}

static size_t find_status(struct world *w)
{
	struct err err;
	const struct labels *set = labels_borrow(&w->step, w->posts[w->at++ % w->n].labels,
						 8, &err);
	struct alert_view v;

	if (view_alert(w->engine, NOW, &w->step, set->fingerprint, &v))
		w->sum += v.n_silenced_by + v.n_inhibited_by;
	arena_reset(&w->step);
	return 1;
}

static size_t write_alerts(struct world *w)
{
	static const char *const names[] = {"r"};
	struct buf b = BUF(BUF_NO_LIMIT);
	struct err err;
	struct alert_view v;

	for (size_t i = 0; i < 100; i++) {
		const struct labels *set = labels_borrow(
			&w->step, w->posts[w->at++ % w->n].labels, 8, &err);

		if (view_alert(w->engine, NOW, &w->step, set->fingerprint, &v))
			buf_add_alert(&b, &v, names, 1);
		arena_reset(&w->step);
	}
	w->sum += b.n;
	buf_free(&b);
	return 100;
}

static size_t filter_all(struct world *w)
{
	struct matchers one = {&w->equal, 1};
	struct err err;
	size_t n;

	if (!w->equal.name && !matcher_new(&w->mem, MATCH_EQUAL, STR("instance"),
					   STR("host-000123:9100"), &w->equal, &err))
		BUG("%s", err.text);
	view_fingerprints(w->engine, NOW, &one, &w->step, &n);
	w->sum += n;
	arena_reset(&w->step);
	return w->n; /* alerts looked at */
}

static size_t read_json(struct world *w)
{
	struct json_reader r = json_reader(&w->step, buf_str(&w->text));

	json_skip(&r);
	w->sum += json_is_good(&r, NULL);
	arena_reset(&w->step);
	return w->n;
}

static size_t decode_answer(struct world *w)
{
	static const struct datasource prometheus = {.type = DATASOURCE_PROMETHEUS};
	struct http_answer a = {.status = 200, .body = buf_str(&w->text)};
	struct query_ended end = {0};

	backend_judge(&w->step, &prometheus, false, &a, &end);
	if (end.samples.n != w->n)
		BUG("%zu samples: %s", end.samples.n, end.error ? end.error : "");
	arena_reset(&w->step);
	return w->n;
}

static size_t write_entries(struct world *w)
{
	struct buf b = BUF(BUF_NO_LIMIT), packed = BUF(BUF_NO_LIMIT);
	struct alert a = {.labels = w->sets[w->at++ % w->n],
			  .annotations = &labels_none,
			  .generator_url = "http://rules.example.org/g"};

	for (size_t i = 0; i < 100; i++) {
		a.labels = w->sets[w->at++ % w->n];
		buf_add_entry(&b, &a);
	}
	buf_add_packed(&packed, buf_str(&b));
	w->sum += packed.n;
	buf_free(&b);
	buf_free(&packed);
	return 100;
}

static const struct part {
	const char *name, *grows_with;
	void (*prepare)(struct world *);
	size_t (*run)(struct world *);
} parts[] = {
	{"label set sorted and hashed", "sets", with_sets, hash_labels},
	{"matcher =", "sets", with_sets, match_equal},
	{"matcher =~ of words", "sets", with_sets, match_words},
	{"matcher =~ by PCRE2", "sets", with_sets, match_regex},
	{"alert posted again", "alerts", with_alerts, post_again},
	{"new alert, routed and grouped", "alerts", with_alerts, post_new},
	{"status, with inhibiting sources", "sources", with_sources, find_status},
	{"status, with silences", "silences", with_silences, find_status},
	{"filter, for each alert", "alerts", with_alerts, filter_all},
	{"JSON in, for each alert", "alerts", with_json, read_json},
	{"JSON out, for each alert", "alerts", with_alerts, write_alerts},
	{"answer decoded, for each series", "series", with_answer, decode_answer},
	{"alert for the disk", "alerts", with_sets, write_entries},
};

static void measure(const struct part *p, size_t n, int counter)
{
	struct world w = {.n = n};
	double start, spent, before;
	size_t done = 0;

	p->prepare(&w);
	p->run(&w);
	start = seconds();
	before = count(counter);
	do
		done += p->run(&w);
	while ((spent = seconds() - start) < SHORTEST);
	printf("%-34s %7zu %-8s %12.0f /s %8.0f ns", p->name, n, p->grows_with,
	       (double)done / spent, spent / (double)done * 1e9);
	if (counter >= 0)
		printf(" %9.0f instructions\n", (count(counter) - before) / (double)done);
	else
		puts("");
	engine_free(w.engine);
	buf_free(&w.text);
	arena_free(&w.mem);
	arena_free(&w.step);
	free(w.out.v);
}

int main(void)
{
	int counter = open_counter();

	for (size_t i = 0; i < COUNT_OF(parts); i++) {
		for (size_t k = 0; k < COUNT_OF(sizes); k++)
			measure(&parts[i], sizes[k], counter);
	}
	if (counter < 0)
		puts("instructions are not counted: no counter, or not allowed to read it");
	return 0;
}
