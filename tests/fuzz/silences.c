/* A snapshot of Alertmanager's silences: each is given whole, or told to be broken. */
#include "base/base.h"
#include "store/alertmanager.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take(void *ctx, const struct silence *s)
{
	(void)ctx;
	if (!s->id[0] || !s->matchers.n || !s->created_by || !s->comment || !s->annotations)
		BUG("half a silence");
}

static void complain(void *ctx, const char *id, const char *why)
{
	(void)ctx, (void)id;
	if (!why[0])
		BUG("broken without a reason");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct alertmanager_visitor visitor = {NULL, take, complain};

	alertmanager_silences_read((struct str){(const char *)data, size}, &visitor);
	return 0;
}
