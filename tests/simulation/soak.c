#include "base/base.h"
#include "simulation/sim.h"
#include "receivers/attempt.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Very many alerts, no two the same, go through one engine in waves: each fires, is told,
 * ends, is told again and is forgotten. What is in use after a wave must not grow. */

#define WAVE  20000
#define BATCH 1000

struct bath {
	struct engine *engine;
	wall_ms now, next;
	uint64_t sent;
};

static void feed(struct bath *b, const struct event *ev);

static void acknowledge(struct bath *b, uint64_t id)
{
	const struct delivery_ended end = {.id = id, .verdict = VERDICT_SENT};

	b->sent++;
	feed(b, &(struct event){.kind = EVENT_DELIVERY_ENDED, .delivery = &end});
}

static void feed(struct bath *b, const struct event *ev)
{
	struct actions todo = {0};
	struct arena mem = {0};

	b->next = engine_step(b->engine, b->now, ev, ev ? 1 : 0, &mem, &todo);
	for (size_t i = 0; i < todo.n; i++) {
		if (todo.v[i].kind == ACTION_DELIVER)
			acknowledge(b, todo.v[i].delivery.id);
	}
	free(todo.v);
	arena_free(&mem);
}

static void run(struct bath *b, span_ms length)
{
	wall_ms until = b->now + length;

	while (b->next <= until) {
		b->now = MAX(b->next, b->now);
		feed(b, NULL);
	}
	b->now = until;
	feed(b, NULL);
}

static void post(struct bath *b, size_t first, bool is_over)
{
	struct alert_post *v = mem_new(BATCH * sizeof(*v));
	struct event ev = {.kind = EVENT_ALERTS, .alerts = {v, BATCH}};
	struct arena mem = {0};

	for (size_t i = 0; i < BATCH; i++) {
		struct label *l = ARENA_ARRAY(&mem, struct label, 2);

		l[0] = (struct label){"alertname", arena_printf(&mem, "A%zu", i % 50)};
		l[1] = (struct label){"host", arena_printf(&mem, "host-%zu", first + i)};
		v[i] = (struct alert_post){
			.labels = l,
			.n_labels = 2,
			.starts_at = instant_of_ms(b->now - HOUR),
			.ends_at = instant_of_ms(is_over ? b->now : b->now + HOUR)};
	}
	feed(b, &ev);
	arena_free(&mem);
	free(v);
}

static void wave(struct bath *b, size_t first)
{
	for (size_t i = 0; i < WAVE; i += BATCH)
		post(b, first + i, false);
	run(b, MINUTE);
	for (size_t i = 0; i < WAVE; i += BATCH)
		post(b, first + i, true);
	run(b, 20 * MINUTE);
}

static const struct config *load(struct arena *mem)
{
	static const char text[] =
		"route: {receiver: a, group_by: [alertname], group_wait: "
		"5s, group_interval: 10s, repeat_interval: 4m}\n"
		"receivers: [{name: a, webhook_configs: [{url: "
		"'http://a/'}]}]\n";
	struct files files = {0};
	struct config_options options = {.files = &files, .kinds = integration_kinds};
	struct errs errs = {.mem = mem};
	const struct config *c = config_parse(mem, "c.yml", str_of(text), &options, &errs,
					      NULL);

	if (!c)
		BUG("%s", err_text(mem, errs.v[0]));
	return c;
}

static size_t resident(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long all, there = 0;

	if (!f || fscanf(f, "%lu %lu", &all, &there) != 2)
		there = 0;
	if (f)
		fclose(f);
	return there * (size_t)sysconf(_SC_PAGESIZE) / 1024;
}

int soak(size_t alerts)
{
	struct engine_options options = {.seed = 1,
					 .started_at = START,
					 .alert_gc = 5 * MINUTE,
					 .maintenance = 5 * MINUTE};
	struct bath b = {.engine = engine_new(&options), .now = START, .next = NEVER};
	struct arena mem = {0};
	struct engine_sizes z;
	size_t first = 0, last = 0, waves = 0;

	feed(&b, &(struct event){.kind = EVENT_CONFIG, .config = load(&mem)});
	for (size_t n = 0; n < alerts; n += WAVE) {
		wave(&b, n);
		last = mallinfo2().uordblks;
		first = ++waves == 2 ? last : first; /* the first one makes the tables */
		if (waves % 10 == 0 || waves <= 2)
			printf("%8zu alerts, %llu notifications: %zu KiB in use, %zu KiB "
			       "resident\n",
			       n + WAVE, (unsigned long long)b.sent, last / 1024,
			       resident());
	}
	z = view_sizes(b.engine, b.now);
	printf("left: %zu alerts, %zu groups, %zu deliveries, %zu told\n", z.alerts,
	       z.groups, z.deliveries, z.told);
	engine_free(b.engine);
	arena_free(&mem);
	if (!z.alerts && !z.groups && !z.told && last <= first + first / 20)
		return 0;
	printf("memory is not flat\n");
	return 1;
}
