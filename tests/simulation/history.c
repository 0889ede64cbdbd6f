#include "base/base.h"
#include "simulation/sim.h"

#include <string.h>

uint64_t chance_next(struct chance *c)
{
	uint64_t z = c->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

unsigned chance_of(struct chance *c, unsigned n)
{
	return (unsigned)(chance_next(c) % n);
}

span_ms chance_span(struct chance *c, span_ms least, span_ms most)
{
	return least + (span_ms)(chance_next(c) % (uint64_t)(most - least + 1));
}

/* -- moves ---------------------------------------------------------------------------- */

static const struct {
	const char *name;
	unsigned weight;
	unsigned a, b, c; /* below these */
} kinds[MOVES] = {
	[MOVE_FIRE] = {"fire", 26, 100, 2, 1},
	[MOVE_END] = {"end", 18, 100, 1, 1},
	[MOVE_VANISH] = {"vanish", 3, 100, 1, 1},
	[MOVE_SILENCE] = {"silence", 6, 100, 60, 2},
	[MOVE_EXTEND] = {"extend", 3, 100, 90, 1},
	[MOVE_EXPIRE] = {"expire", 3, 100, 1, 1},
	[MOVE_SINK] = {"sink", 14, 100, 2 * SINK_MODES, 1},
	[MOVE_BACKEND] = {"backend", 7, RULE_FILES, 2 * BACKEND_MODES, 1 << MOST_SERIES},
	[MOVE_RULES] = {"rules", 3, RULE_FILES, 4, 1},
	[MOVE_NO_RULES] = {"no rules", 1, RULE_FILES, 1, 1},
	[MOVE_RELOAD] = {"reload", 4, 1000, 1, 1},
	[MOVE_BROKEN] = {"broken", 1, 2, 1, 1},
	[MOVE_STORM] = {"storm", 2, 100, 40, 1500},
	[MOVE_CLOCK] = {"clock", 1, 1, 8000, 1},
	[MOVE_KILL] = {"kill", 6, 12, 4000, 1},
	[MOVE_DISK] = {"disk", 2, 20000, 2, 1},
};

const char *move_kind_text(enum move_kind kind)
{
	return kinds[kind].name;
}

void move_print(const struct move *m, struct buf *b)
{
	buf_addf(b, "%s %u %u %u", kinds[m->kind].name, m->a, m->b, m->c);
}

static enum move_kind any_kind(struct chance *c)
{
	unsigned sum = 0, at;
	size_t i = 0;

	for (i = 0; i < MOVES; i++)
		sum += kinds[i].weight;
	at = chance_of(c, sum);
	for (i = 0; at >= kinds[i].weight; i++)
		at -= kinds[i].weight;
	return (enum move_kind)i;
}

void history_make(struct history *h, uint64_t seed)
{
	struct chance c = {seed * UINT64_C(0x2545f4914f6cdd1d)};
	size_t n = 20 + chance_of(&c, MOST_MOVES - 20);
	span_ms longest = 500 << chance_of(&c, 6); /* some are hasty, some are slow */
	span_ms at = 0;

	*h = (struct history){.seed = seed, .on_real_disk = seed % 16 == 3};
	h->config = chance_of(&c, 1000);
	for (size_t i = 0; i < n; i++) {
		enum move_kind kind = any_kind(&c);

		at += chance_span(&c, 1, longest) / 50 * 50; /* often at the same time */
		h->v[i] = (struct move){.at = at,
					.kind = kind,
					.a = chance_of(&c, kinds[kind].a),
					.b = chance_of(&c, kinds[kind].b),
					.c = chance_of(&c, kinds[kind].c)};
	}
	h->n = n;
	h->ends_at = at + 20 * SECOND;
}

/* -- files ---------------------------------------------------------------------------- */

static const char config_text[] =
	"global: {resolve_timeout: 2m, evaluation_interval: 10s}\n"
	"datasources: [{name: d, url: 'http://p/'}]\n"
	"route:\n"
	"  receiver: all\n"
	"  group_by: [%s]\n"
	"  group_wait: %us\n"
	"  group_interval: %us\n"
	"  repeat_interval: %us\n"
	"  routes:\n"
	"  - {matchers: ['team=\"a\"'], receiver: a, continue: true, group_by: [team]%s}\n"
	"  - {matchers: ['team=~\"a|b\"', 'host=\"1\"'], receiver: b, group_by: ['...'], "
	"mute_time_intervals: [pause]}\n"
	"  - {matchers: ['team=\"b\"'], receiver: %s, group_wait: 0s, "
	"active_time_intervals: [work]}\n"
	"receivers:\n"
	"- {name: all, webhook_configs: [{url: 'http://all/0'}, {url: 'http://all/1', "
	"send_resolved: false}, {url: 'http://all/2'}]}\n"
	"- {name: a, webhook_configs: [{url: 'http://a/0'}, {url: 'http://a/1'}]}\n"
	"- {name: b, webhook_configs: [{url: 'http://b/0', send_resolved: %s}]}\n"
	"- {name: spare, webhook_configs: [{url: 'http://spare/0'}]}\n"
	"time_intervals:\n"
	"- {name: pause, time_intervals: [{times: [{start_time: '00:03', end_time: "
	"'00:05'}, {start_time: '00:12', end_time: '00:13'}]}]}\n"
	"- {name: work, time_intervals: [{times: [{start_time: '00:00', end_time: "
	"'00:06'}, {start_time: '00:08', end_time: '24:00'}]}]}\n"
	"inhibit_rules: [{source_matchers: [alertname=Source], target_matchers: "
	"[alertname=Target], equal: [host]}]\n";

/* What some have in common and some have not. */
const char *history_config(struct arena *mem, unsigned v)
{
	static const unsigned waits[] = {1, 2, 4}, intervals[] = {6, 8, 12},
			      repeats[] = {30, 60, 150};
	static const char *const by[] = {"alertname", "alertname, host"};

	return arena_printf(mem, config_text, by[v % 7 == 0], waits[v % 3],
			    intervals[v / 3 % 3], repeats[v / 9 % 3],
			    v % 2 ? ", fallback_receiver: spare" : "",
			    v % 5 == 0 ? "a" : "b", v % 11 == 0 ? "false" : "true");
}

const char *history_rules(struct arena *mem, unsigned file, unsigned variant)
{
	static const char *const holds[] = {"0s", "20s", "35s", "90s"};

	return arena_printf(mem,
			    "groups: [{name: g, interval: %us, rules: [{alert: Up%u, expr: "
			    "up == %u, for: %s, labels: {team: %s, host: '%u'}}]}]\n",
			    file ? 5u : 10u, file, file, holds[variant], file ? "a" : "c",
			    file + 1);
}
