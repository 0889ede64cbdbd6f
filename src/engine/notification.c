#include "base/base.h"
#include "engine/notification.h"
#include "base/xxhash.h"

const char *failure_text(enum failure f)
{
	static const char *const words[FAILURES] = {
		[FAILURE_OTHER] = "other",
		[FAILURE_CLIENT] = "clientError",
		[FAILURE_AUTH] = "authError",
		[FAILURE_RATE] = "rateLimited",
		[FAILURE_SERVER] = "serverError",
		[FAILURE_CANCELED] = "contextCanceled",
		[FAILURE_DEADLINE] = "contextDeadlineExceeded",
	};

	return words[f];
}

enum failure failure_of_status(int status)
{
	if (status == 401 || status == 403)
		return FAILURE_AUTH;
	if (status == 429)
		return FAILURE_RATE;
	if (status >= 400 && status < 500)
		return FAILURE_CLIENT;
	return status >= 500 && status < 600 ? FAILURE_SERVER : FAILURE_OTHER;
}

static void add_number(struct buf *b, uint64_t v)
{
	char bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (char)(v >> 8 * i & 0xff);
	buf_add(b, bytes, sizeof(bytes));
}

const char *notification_id(struct arena *mem, const char *to, const struct notification *n,
			    wall_ms last_at)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	const char *id;

	buf_add_text(&b, to);
	add_number(&b, (uint64_t)last_at);
	for (size_t i = 0; i < n->n_alerts; i++) {
		const struct notification_alert *a = &n->alerts[i];

		add_number(&b, a->labels->fingerprint);
		add_number(&b, (uint64_t)a->starts_at.s);
		add_number(&b, (uint64_t)a->starts_at.ns);
		buf_add_char(&b, a->resolved ? 'r' : 'f');
	}
	id = arena_printf(mem, "%016llx%016llx",
			  (unsigned long long)xxhash64(buf_str(&b), 0),
			  (unsigned long long)xxhash64(buf_str(&b), FNV_START));
	buf_free(&b);
	return id;
}
