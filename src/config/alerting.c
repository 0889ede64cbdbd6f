#include "base/base.h"
#include "config/parts.h"

/* Prometheus's section "alerting": what becomes of the labels of rules' alerts on their way
 * to the router. The Alertmanagers that it lists are not told: the router is in here. */

#define AT(m) offsetof(struct alerting_text, m)
static const struct field alerting_fields[] = {
	{"alert_relabel_configs", FIELD_LIST, AT(relabels), .of = &relabel_shape,
	 .help = "Changes or drops alerts of rules before they are routed."},
	{"alertmanagers", FIELD_ANY, AT(alertmanagers),
	 .help = "Accepted; alerts are routed here."},
	{0},
};
#undef AT

static void alerting_check(struct decode *d, const struct yaml *y, void *object)
{
	const struct alerting_text *t = object;

	if (t->alertmanagers && t->alertmanagers->n && d->warnings)
		errs_addf(d->warnings, pos_of_key(y, "alertmanagers"),
			  "alertmanagers have no effect: alerts are routed here");
}

const struct shape alerting_shape = {"alerting", alerting_fields,
				     sizeof(struct alerting_text), false, alerting_check};
