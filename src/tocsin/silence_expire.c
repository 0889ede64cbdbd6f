#include "base/base.h"
#include "tocsin/commands.h"
#include "base/url.h"

const struct option_row silence_expire_options[] = {{0}};

const char *silence_path(struct tool *t, const char *id)
{
	struct buf b = BUF(BUF_NO_LIMIT);
	const char *path;

	buf_add_text(&b, "/api/v2/silence/");
	buf_add_path_escaped(&b, str_of(id));
	path = buf_keep(&b, &t->mem).p;
	buf_free(&b);
	return path;
}

int silence_expire(struct tool *t)
{
	if (!t->args.n)
		return fail(t, "no silence IDs specified");
	for (size_t i = 0; i < t->args.n; i++) {
		struct reply r = request(t, "DELETE", silence_path(t, t->args.v[i]),
					 STR(""));

		if (check_reply(t, &r, "DELETE", "/silence/{silenceID}", "deleteSilence"))
			return 1;
	}
	return 0;
}
