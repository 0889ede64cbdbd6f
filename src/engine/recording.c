#include "base/base.h"
#include "engine/core.h"
#include "model/histogram.h"

/* Recording rules: what an answer's series become (spec/rules.md 14.1). What of that is
 * written, and when series end, is in written.c. */

/* With those that are empty, which take a label away. */
static const struct labels *labels_to_set(struct arena *mem, const struct rule *r)
{
	struct label *v = ARENA_ARRAY(mem, struct label, r->n_labels);

	for (size_t i = 0; i < r->n_labels; i++)
		v[i] = (struct label){r->labels[i].name, r->labels[i].text};
	return labels_new_raw(mem, v, r->n_labels, NULL);
}

static bool writes_histograms(const struct engine *e)
{
	for (size_t i = 0; e->config && i < e->config->n_remote_writes; i++) {
		if (e->config->remote_writes[i].sends_histograms)
			return true;
	}
	return false;
}

/* Why one of them cannot be written as it was; NULL: all can. */
static const char *unwritable(struct run *run, const struct samples *in)
{
	struct exponential made_of;
	const char *why = NULL;

	for (size_t i = 0; i < in->n; i++) {
		const struct histogram *h = in->v[i].histogram;

		if (!h)
			continue;
		if (!histogram_has_counts(h, &why) ||
		    !histogram_exponential(&run->eval_mem, h, &made_of, &why))
			return arena_printf(&run->eval_mem,
					    "a native histogram of the result cannot be "
					    "written: %s",
					    why);
	}
	return NULL;
}

static bool label_results(struct run *run, struct arena *mem, struct sample *v,
			  const char **error)
{
	const struct rule *rule = run_rule(run)->rule;
	const struct labels *own = labels_to_set(mem, rule);
	struct map seen = {0};
	bool ok = true;

	for (size_t i = 0; i < run->answer.n && ok; i++) {
		const struct labels *set = labels_with(mem, run->answer.v[i].labels,
						       "__name__", rule->record);

		set = labels_copy(mem, labels_merge(mem, set, own));
		v[i] = run->answer.v[i];
		v[i].labels = set;
		if (v[i].histogram)
			v[i].histogram = histogram_copy(mem, v[i].histogram);
		ok = labels_index(mem, &seen, set);
	}
	map_free(&seen);
	if (!ok)
		*error = "vector contains metrics with the same labelset after applying "
			 "rule labels";
	return ok;
}

static bool is_within_limit(struct run *run, const char **error)
{
	int64_t limit = run->group->config->limit;
	size_t n = run->answer.n;

	if (limit <= 0 || n <= (size_t)limit)
		return true;
	*error = arena_printf(&run->eval_mem, "exceeded limit of %lld with %zu series",
			      (long long)limit, n);
	return false;
}

bool recording_take(struct engine *e, struct run *run, const char **error)
{
	struct rule_state *r = run_rule(run);
	size_t n = run->answer.n;
	struct arena mem = {0};
	struct sample *v = ARENA_ARRAY(&mem, struct sample, n);

	*error = writes_histograms(e) ? unwritable(run, &run->answer) : NULL;
	if (*error || !label_results(run, &mem, v, error) || !is_within_limit(run, error)) {
		arena_free(&mem);
		return false;
	}
	arena_free(&r->results_mem);
	r->results_mem = mem;
	r->results = (struct samples){v, n};
	r->samples = n;
	return true;
}
