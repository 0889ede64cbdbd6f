#include "base/base.h"
#include "tocsind/daemon.h"
#include "base/log.h"

#include <string.h>
#include <sys/stat.h>

/* -- while it runs ----------------------------------------------------------------- */

/* What the damaged file had is in memory, but for the journal. */
static void save_again(struct daemon *d, const char *why)
{
	struct record r = {.kind = RECORD_START,
			   .at = daemon_now(d),
			   .file = d->flags.config_file,
			   .change = "replaced",
			   .error = why};

	log_error("store",
		  "the database was damaged, another takes its place: what is known is "
		  "written again, the journal begins anew",
		  L_STR("folder", d->flags.storage_path), L_STR("err", why));
	ledger_record(d, &r);
	daemon_feed(d, &(struct event){.kind = EVENT_SAVE_ALL});
	rulefiles_keep_all(d->rules);
	store_seal(d->store);
}

static void on_store(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	struct store_health h = store_health(d->store);

	(void)fd, (void)what;
	if (h.error[0] && !d->store_fails)
		log_error("store", "state cannot be written, will try again",
			  L_STR("folder", d->flags.storage_path), L_STR("err", h.error));
	else if (!h.error[0] && d->store_fails)
		log_info("store", "state is on disk again",
			 L_INT("rows", (int64_t)h.writes));
	d->store_fails = h.error[0] != 0;
	if (h.renewals != d->store_renewals) {
		d->store_renewals = h.renewals;
		save_again(d, h.damage);
	}
	store_poll(d->store);
}

/* -- what an earlier life left ----------------------------------------------------- */

static void restore_silence(void *d, const struct silence *s)
{
	daemon_restore(d, &(struct event){.kind = EVENT_RESTORE_SILENCE, .silence = s});
}

static void restore_told(void *d, const struct told *t)
{
	daemon_restore(d, &(struct event){.kind = EVENT_RESTORE_TOLD, .told = t});
}

static void restore_alert(void *d, const struct alert *a)
{
	daemon_restore(d, &(struct event){.kind = EVENT_RESTORE_ALERT, .alert = a});
}

static void restore_rule_alert(void *arg, const struct rule_alert *a)
{
	struct daemon *d = arg;

	d->had_alerts = true;
	daemon_restore(d,
		       &(struct event){.kind = EVENT_RESTORE_RULE_ALERT, .rule_alert = a});
}

static void restore_rule_file(void *arg, const char *path, const char *text)
{
	struct daemon *d = arg;

	rulefiles_remember(d->rules, path, text);
}

static const uint64_t *keep_hashes(struct daemon *d, const uint64_t *v, size_t n)
{
	uint64_t *copy = ARENA_ARRAY(&d->mem, uint64_t, n);

	if (n)
		memcpy(copy, v, n * sizeof(*v));
	return copy;
}

/* Kept until all is read: what becomes of it is written. */
static void restore_open(void *arg, const struct open_delivery *o)
{
	struct daemon *d = arg;
	struct open_delivery copy = *o;

	copy.id = arena_text(&d->mem, o->id);
	copy.group_key = arena_text(&d->mem, o->group_key);
	copy.receiver = arena_text(&d->mem, o->receiver);
	copy.integration = arena_text(&d->mem, o->integration);
	copy.firing = keep_hashes(d, o->firing, o->n_firing);
	copy.resolved = keep_hashes(d, o->resolved, o->n_resolved);
	vec_push_in(&d->mem, &d->left_open, copy);
}

static void restore_broken(void *d, const char *table, const char *key, const char *why)
{
	(void)d;
	log_error("store", "a row cannot be read and is left alone", L_STR("table", table),
		  L_STR("key", key), L_STR("err", why));
}

/* -- the start --------------------------------------------------------------------- */

static bool has_state(const struct daemon *d)
{
	struct arena mem = {0};
	struct stat st;
	bool has = !stat(arena_printf(&mem, "%s/tocsin.db", d->flags.storage_path), &st);

	arena_free(&mem);
	return has;
}

bool state_open(struct daemon *d, struct err *err)
{
	struct store_options options = {
		.folder = d->flags.storage_path,
		.journal_age = d->flags.journal_retention_ns / 1000000,
		.journal_bytes = d->flags.journal_bytes,
		.seconds = clock_seconds,
	};
	struct store_visitor visitor = {
		.ctx = d,
		.silence = restore_silence,
		.told = restore_told,
		.alert = restore_alert,
		.rule_alert = restore_rule_alert,
		.rule_file = restore_rule_file,
		.open = restore_open,
		.broken = restore_broken,
	};
	struct buf notes = BUF(4096);
	bool ok, is_damaged = false, is_new = !has_state(d);

	d->store = store_open(&options, d->started_at, &notes, err);
	ok = d->store && store_load(d->store, &visitor, &is_damaged, err);
	if (!ok && is_damaged) {
		log_error("store",
			  "the database is damaged, what can be read of it goes on",
			  L_ERR(err));
		store_found_damage(d->store);
		ok = true;
	}
	d->lost_journal = is_damaged || notes.n;
	for (size_t i = 0; ok && i < d->left_open.n; i++)
		ledger_found_open(d, &d->left_open.v[i]);
	if (ok && is_new)
		move_in(d);
	if (notes.n)
		log_error("store", buf_text(&notes));
	buf_free(&notes);
	if (!ok)
		return false;
	d->store_ready = event_new(d->base, store_fd(d->store), EV_READ | EV_PERSIST,
				   on_store, d);
	event_add(d->store_ready, NULL);
	return true;
}
