#include "base/base.h"
#include "api/journal.h"
#include "net/clock.h"
#include "text/float.h"

#include <stdlib.h>
#include <string.h>

static const char too_many[] = "too many requests read the journal, try again later";

/* -- reading elsewhere ---------------------------------------------------------------- */

static void reading_end(void *arg)
{
	struct reading *d = arg;

	journal_close(d->journal);
	arena_free(&d->mem);
}

struct reading *reading_new(struct request *r)
{
	struct reading *d = ARENA_NEW(r->mem, struct reading);
	const struct api_host *host = &r->api->options.host;

	d->r = r;
	d->now = host->now(host->ctx);
	d->to = d->now;
	arena_defer(r->mem, reading_end, d);
	return d;
}

wall_ms reading_until(const struct reading *d)
{
	return d->to < d->now ? d->to : NEVER;
}

static void run(void *arg)
{
	struct reading *d = arg;
	struct store *store = d->r->api->options.host.store;

	d->began = clock_seconds();
	d->journal = journal_open(d->r->api->options.storage_path, &d->err);
	if (!d->journal)
		return;
	if (journal_begins(d->journal, &d->begins_at, &d->err)) {
		d->begins_at = MIN(d->begins_at, d->now);
		d->read(d);
	}
	if (journal_found_damage(d->journal) && store)
		store_found_damage(store);
}

/* It gives its place among GET requests back while it lasts. */
static void begin(struct api *api)
{
	api->readings++;
	api->gets--;
}

static void end(struct api *api)
{
	api->readings--;
	api->gets++;
}

static void done(void *arg)
{
	struct reading *d = arg;

	end(d->r->api);
	if (d->err.text[0])
		answer_bad(d->r, 503, d->err.text);
	else
		d->answer(d);
}

static void on_disk(void *arg, bool ok)
{
	struct reading *d = arg;
	const struct api_host *host = &d->r->api->options.host;

	(void)ok; /* what is not there is not told */
	if (host->reading(host->ctx, run, done, d))
		return;
	end(d->r->api);
	answer_bad(d->r, 503, too_many);
}

void reading_start(struct reading *d)
{
	const struct api_host *host = &d->r->api->options.host;

	if (!host->store || !d->r->api->options.storage_path) {
		d->answer(d); /* of what is known now */
	} else if (d->r->api->readings >= MOST_READINGS) {
		answer_bad(d->r, 503, too_many);
	} else {
		begin(d->r->api);
		store_sync(host->store, on_disk, d);
	}
}

bool reading_rows(struct reading *d, struct journal_query *q, struct journal_rows *rows)
{
	span_ms used = (span_ms)((clock_seconds() - d->began) * 1000);

	span_ms left = MAX(READ_PATIENCE - used, 50);

	q->patience = q->patience ? MIN(q->patience, left) : left;
	return journal_read(d->journal, q, &d->mem, rows, &d->err);
}

/* -- parameters, errors --------------------------------------------------------------- */

void answer_bad(struct request *r, int status, const char *text)
{
	struct buf b = BUF(BUF_NO_LIMIT);

	buf_addf(&b, "{\"status\":\"error\",\"errorType\":\"%s\",\"error\":",
		 status == 400	 ? "bad_data"
		 : status == 404 ? "not_found"
				 : "unavailable");
	buf_add_json(&b, str_of(text));
	buf_add_text(&b, "}\n");
	answer_json(r, status, &b);
	buf_free(&b);
}

bool param_time(struct request *r, const char *name, wall_ms *out)
{
	const struct param *p = param_last(r, name);
	struct instant t;
	double seconds;

	if (!p || !p->value.n)
		return true;
	if (instant_parse(p->value, &t)) {
		*out = instant_ms(t);
		return true;
	}
	if (str_double(p->value, &seconds) && seconds >= 0 && seconds < 1e11) {
		*out = (wall_ms)(seconds * 1000);
		return true;
	}
	answer_bad(r, 400,
		   arena_printf(r->mem, "%s: \"%.*s\" is no time (RFC 3339, or seconds)",
				name, FMT(p->value)));
	return false;
}

/* -- JSON out ------------------------------------------------------------------------- */

void put_comma(struct buf *b)
{
	char last = b->n ? b->p[b->n - 1] : '{';

	if (last != '{' && last != '[')
		buf_add_char(b, ',');
}

void put_name(struct buf *b, const char *name)
{
	put_comma(b);
	buf_addf(b, "\"%s\":", name);
}

void put_str(struct buf *b, const char *name, const char *text)
{
	if (!text)
		return;
	put_name(b, name);
	buf_add_json(b, str_of(text));
}

void put_int(struct buf *b, const char *name, int64_t v)
{
	put_name(b, name);
	buf_add_int(b, v);
}

void put_value(struct buf *b, const char *name, double v)
{
	put_name(b, name);
	buf_add_char(b, '"');
	buf_add_float_value(b, v);
	buf_add_char(b, '"');
}

void put_bool(struct buf *b, const char *name, bool on)
{
	put_name(b, name);
	buf_add_text(b, on ? "true" : "false");
}

void put_at(struct buf *b, const char *name, wall_ms at)
{
	if (!at)
		return;
	put_name(b, name);
	buf_add_api_time(b, instant_of_ms(at));
}

void put_set(struct buf *b, const char *name, const struct labels *set)
{
	if (!set)
		return;
	put_name(b, name);
	buf_add_labels_json(b, set);
}

void put_hash(struct buf *b, const char *name, uint64_t fingerprint)
{
	put_name(b, name);
	buf_add_char(b, '"');
	buf_add_fingerprint(b, fingerprint);
	buf_add_char(b, '"');
}

void put_lines(struct buf *b, const char *name, struct str text)
{
	struct str one;

	put_name(b, name);
	buf_add_char(b, '[');
	while (text.n && str_cut(&text, '\n', &one)) {
		put_comma(b);
		buf_add_json(b, one);
	}
	buf_add_char(b, ']');
}

void put_integration(struct buf *b, const char *receiver, const char *integration,
		     size_t index)
{
	put_str(b, "receiver", receiver);
	put_str(b, "integration", integration);
	if (integration)
		put_int(b, "index", (int64_t)index);
}

void begin_data(struct buf *b)
{
	buf_add_text(b, "{\"status\":\"success\",\"data\":{");
}

void answer_data(struct request *r, struct buf *b, const struct buf *text)
{
	put_lines(b, "text", buf_str(text));
	buf_add_text(b, "}}\n");
	answer_json(r, 200, b);
}
