#include "base/base.h"
#include "tocsind/daemon.h"
#include "base/log.h"

static void log_note(const struct note *n)
{
	struct log_field what = L_STR(n->what ? "of" : NULL, n->what);
	struct log_field error = L_STR(n->error ? "err" : NULL, n->error);

	if (n->is_warning)
		log_warn(n->part, n->text, what, error);
	else
		log_info(n->part, n->text, what, error);
}

static void log_silence(struct daemon *d, const struct record *r)
{
	const struct silence *s;
	struct buf matchers = BUF(64 * 1024);

	if (!d->flags.log_silences || r->kind != RECORD_SILENCE)
		return;
	s = r->silence;
	buf_add_matchers(&matchers, &s->matchers);
	log_info("silences", arena_printf(&d->step, "%s silence", r->change),
		 L_STR("id", s->id), L_STR("createdBy", s->created_by),
		 L_STR("comment", s->comment), L_STR("matchers", buf_text(&matchers)));
	buf_free(&matchers);
}

static void keep_record(struct daemon *d, const struct record *r)
{
	struct record kept = *r;

	log_silence(d, r);
	if (log_wants(LOG_DEBUG))
		log_debug("journal", record_kind_text(r->kind),
			  L_STR("reason", reason_name(r->reason)),
			  L_STR(r->group_key ? "group" : NULL, r->group_key),
			  L_STR(r->receiver ? "receiver" : NULL, r->receiver),
			  L_STR(r->integration ? "integration" : NULL, r->integration),
			  L_STR(r->error ? "err" : NULL, r->error));
	if (r->kind == RECORD_CONFIG)
		ledger_reloaded(d, NULL);
	else if (!r->is_unchanged)
		ledger_record(d, &kept);
}

void perform(struct daemon *d, const struct action *a)
{
	switch (a->kind) {
	case ACTION_QUERY:
		asker_start(d, &a->query);
		break;
	case ACTION_QUERY_CANCEL:
		asker_cancel(d, a->id);
		break;
	case ACTION_WRITE:
		remotes_write(d, &a->write);
		break;
	case ACTION_WRITE_FLUSH:
		remotes_flush(d);
		break;
	case ACTION_DELIVER:
		sender_start(d, &a->delivery);
		break;
	case ACTION_DELIVERY_CANCEL:
		sender_cancel(d, a->id);
		break;
	case ACTION_SAVE_SILENCE:
		store_save_silence(d->store, a->silence);
		break;
	case ACTION_FORGET_SILENCE:
		store_forget_silence(d->store, a->key);
		break;
	case ACTION_SAVE_TOLD:
		store_save_told(d->store, a->told);
		break;
	case ACTION_FORGET_TOLD:
		store_forget_told(d->store, a->number);
		break;
	case ACTION_SAVE_ALERT:
		store_save_alert(d->store, a->alert, a->is_known);
		sender_expect(d);
		break;
	case ACTION_FORGET_ALERT:
		store_forget_alert(d->store, a->fingerprint);
		break;
	case ACTION_SAVE_RULE_ALERT:
		store_save_rule_alert(d->store, a->key, a->rule_alert);
		break;
	case ACTION_FORGET_RULE_ALERT:
		store_forget_rule_alert(d->store, a->key);
		break;
	case ACTION_SAVE_OPEN:
		store_save_open(d->store, a->open);
		break;
	case ACTION_FORGET_OPEN:
		store_forget_open(d->store, a->key);
		break;
	case ACTION_RECORD:
		keep_record(d, a->record);
		break;
	case ACTION_NOTE:
		log_note(&a->note);
		break;
	}
}
