#include "base/base.h"
#include "store/parts.h"

#include <stdio.h>
#include <unistd.h>

void renewal_want(struct store *s, const char *why)
{
	s->renewal = RENEWAL_WANTED;
	snprintf(s->damage, sizeof(s->damage), "%.*s", (int)sizeof(s->damage) - 1, why);
}

bool renewal_begin(struct store *s, struct err *err)
{
	bool damaged;

	alert_log_forget(&s->alert_log);
	database_close(&s->db);
	database_remove(s->new_path);
	if (!database_open(&s->db, s->new_path, &damaged, err))
		return false;
	s->alert_log = (struct alert_log){.db = s->db.db};
	s->span = (struct journal_span){0};
	s->renewal = RENEWAL_FILLING;
	s->is_sealed = false;
	pthread_mutex_lock(&s->mtx);
	s->health.renewals++;
	snprintf(s->health.damage, sizeof(s->health.damage), "%s", s->damage);
	eventfd_wake(s->report_fd);
	pthread_mutex_unlock(&s->mtx);
	return true;
}

bool renewal_finish(struct store *s, struct err *err)
{
	struct buf notes = BUF(2000);
	bool damaged, ok;

	s->is_sealed = false;
	if (s->renewal != RENEWAL_FILLING)
		return true;
	alert_log_forget(&s->alert_log);
	database_close(&s->db);
	ok = database_set_aside(s->path, s->damage, store_now(s), &notes, err) &&
	     (database_take_new(s->path, s->new_path) ||
	      err_sys(err, (struct pos){s->new_path, 0, 0}, "cannot be renamed")) &&
	     database_open(&s->db, s->path, &damaged, err);
	fsync(s->lock_fd); /* the names last, too */
	buf_free(&notes);
	if (!ok) {
		s->renewal = RENEWAL_WANTED;
		return false;
	}
	s->alert_log = (struct alert_log){.db = s->db.db};
	s->renewal = RENEWAL_NONE;
	return true;
}

void store_found_damage(struct store *s)
{
	pthread_mutex_lock(&s->mtx);
	s->told_damage = true;
	pthread_mutex_unlock(&s->mtx);
	eventfd_wake(s->wake_fd);
}
