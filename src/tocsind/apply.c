#include "base/base.h"
#include "tocsind/daemon.h"
#include "base/log.h"
#include "net/tls_check.h"
#include "tocsind/outside.h"

struct applying {
	struct arena mem;
	struct errs *errs, *warnings;
	VEC(const struct http_config *) seen; /* the global one stands in many places */
};

static void check_tls(const struct tls_config *t, struct errs *errs)
{
	struct err err;

	if (!tls_config_check(t, &err))
		errs_add(errs, &err);
}

static void check_http(struct applying *a, const struct http_config *h)
{
	for (size_t i = 0; i < a->seen.n; i++) {
		if (a->seen.v[i] == h)
			return;
	}
	if (!h)
		return;
	vec_push_in(&a->mem, &a->seen, h);
	check_tls(&h->tls, a->errs);
	if (h->oauth2)
		check_tls(&h->oauth2->tls, a->errs);
}

static void check_file(struct applying *a, const char *path, struct pos at)
{
	struct str text;
	struct err err;

	if (!path || outside_read(NULL, &a->mem, path, &text, &err))
		return;
	err.at = at;
	err_in(&err, "%s", path);
	errs_add(a->errs, &err);
}

/* The peers look at the TLS of mail when they send one, so that is no reason to refuse. */
static void check_integration(struct applying *a, const struct integration_config *ic)
{
	struct integration_needs needs = integration_needs(ic);

	check_http(a, ic->http);
	if (needs.mail_tls)
		check_tls(needs.mail_tls, a->warnings);
	for (size_t i = 0; i < COUNT_OF(needs.files); i++)
		check_file(a, needs.files[i].path, needs.files[i].at);
}

static void check_route(struct applying *a, const struct route *r, span_ms retention)
{
	if (r->repeat_interval > retention)
		errs_addf(a->warnings, r->at,
			  "repeat_interval is greater than the data retention period: "
			  "notifications may be repeated more often than expected");
	if (r->repeat_interval < r->group_interval)
		errs_addf(a->warnings, r->at,
			  "repeat_interval is less than group_interval: notifications "
			  "will not repeat until the next group_interval");
}

void apply_check(const struct config *c, span_ms retention, struct errs *errs,
		 struct errs *warnings)
{
	struct applying a = {.errs = errs, .warnings = warnings};

	for (size_t i = 0; i < c->n_receivers; i++) {
		const struct receiver *r = &c->receivers[i];

		if (!r->used)
			log_info(
				"config",
				"skipping creation of receiver not referenced by any route",
				L_STR("receiver", r->name));
		for (size_t k = 0; r->used && k < r->n_integrations; k++)
			check_integration(&a, &r->integrations[k]);
	}
	for (size_t i = 0; i < c->n_datasources; i++)
		check_http(&a, c->datasources[i].http);
	for (size_t i = 0; i < c->n_remote_writes; i++)
		check_http(&a, c->remote_writes[i].http);
	for (size_t i = 0; i < c->n_routes; i++)
		check_route(&a, c->routes[i], retention);
	arena_free(&a.mem);
}
