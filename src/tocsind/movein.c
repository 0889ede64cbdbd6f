#include "base/base.h"
#include "tocsind/daemon.h"
#include "base/log.h"
#include "store/alertmanager.h"
#include "tocsind/outside.h"

#include <sys/stat.h>

struct moving {
	struct daemon *daemon;
	size_t n;
};

static void move_silence(void *arg, const struct silence *s)
{
	struct moving *m = arg;

	daemon_restore(m->daemon,
		       &(struct event){.kind = EVENT_RESTORE_SILENCE, .silence = s});
	store_save_silence(m->daemon->store, s);
	m->n++;
}

static void move_broken(void *arg, const char *id, const char *why)
{
	(void)arg;
	log_warn("store", "a silence of Alertmanager's cannot be taken over",
		 L_STR("id", id), L_STR("err", why));
}

/* A new state in the folder where an Alertmanager kept its own: its silences stay in
 * force. */
void move_in(struct daemon *d)
{
	struct moving m = {d, 0};
	const struct alertmanager_visitor visitor = {&m, move_silence, move_broken};
	struct arena mem = {0};
	const char *path = arena_printf(&mem, "%s/silences", d->flags.storage_path);
	struct stat st;
	struct str bytes;
	struct err err;

	if (stat(path, &st)) {
		arena_free(&mem);
		return;
	}
	if (!outside_read(NULL, &mem, path, &bytes, &err))
		log_warn("store", "Alertmanager's silences cannot be read", L_ERR(&err));
	else
		alertmanager_silences_read(bytes, &visitor);
	log_info(
		"store",
		"silences taken over from Alertmanager; what it had told is told once more",
		L_STR("file", path), L_INT("silences", (int64_t)m.n));
	arena_free(&mem);
}
