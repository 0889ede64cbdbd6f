#include "base/base.h"
#include "api/request.h"

/* GET /api/v2/status and /api/v2/receivers (spec/api.md 3.1, 3.2). */

static void add_version(struct buf *b, const struct request *r)
{
	buf_add_text(b, "{\"branch\":\"\",\"buildDate\":\"\",\"buildUser\":\"\","
			"\"goVersion\":\"\",\"revision\":\"\",\"version\":");
	buf_add_json(b, str_of(r->api->options.peer_version));
	buf_add_char(b, '}');
}

void get_status(struct request *r)
{
	const struct api_host *host = &r->api->options.host;
	struct buf b = BUF(BUF_NO_LIMIT), yaml = BUF(BUF_NO_LIMIT);

	buf_add_alertmanager_config(&yaml, host->config(host->ctx));
	buf_add_text(&b, "{\"cluster\":{\"peers\":[],\"status\":\"disabled\"},"
			 "\"config\":{\"original\":");
	buf_add_json(&b, buf_str(&yaml));
	buf_add_text(&b, "},\"uptime\":");
	buf_add_api_time(&b, instant_of_ms(r->api->options.started_at));
	buf_add_text(&b, ",\"versionInfo\":");
	add_version(&b, r);
	buf_add_text(&b, "}\n");
	answer_json(r, 200, &b);
	buf_free(&b);
	buf_free(&yaml);
}

void get_receivers(struct request *r)
{
	const struct api_host *host = &r->api->options.host;
	const struct config *c = host->config(host->ctx);
	struct buf b = BUF(BUF_NO_LIMIT);
	struct matchers wanted;
	size_t shown = 0;

	if (!param_matchers(r, "receiver_matchers",
			    "failed to parse receiver_matchers param: ", &wanted))
		return;
	buf_add_char(&b, '[');
	for (size_t i = 0; i < c->n_receivers; i++) {
		if (!matchers_hold(&wanted, c->receivers[i].labels))
			continue;
		buf_add_text(&b, shown++ ? ",{\"labels\":" : "{\"labels\":");
		buf_add_labels_json(&b, c->receivers[i].labels);
		buf_add_text(&b, ",\"name\":");
		buf_add_json(&b, str_of(c->receivers[i].name));
		buf_add_char(&b, '}');
	}
	buf_add_text(&b, "]\n");
	answer_json(r, 200, &b);
	buf_free(&b);
}
