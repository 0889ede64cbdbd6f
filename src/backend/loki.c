#include "base/base.h"
#include "backend/loki.h"
#include "backend/form.h"

void loki_compose(struct arena *mem, const struct query_wish *q, struct http_request *out)
{
	struct buf form = BUF(BUF_NO_LIMIT);

	form_add(&form, "query", q->expr);
	form_add_default(&form, q, "direction", "forward");
	form_add(&form, "time", form_time(mem, q->at));
	form_add_params(&form, q);
	form_post(mem, q, "/loki/api/v1/query", &form, out);
	buf_free(&form);
}
