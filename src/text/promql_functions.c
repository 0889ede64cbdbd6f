#include "base/base.h"
#include "text/promql_ast.h"

#include <stdlib.h>

/* The functions of all releases since 2.42, by name. */

#define S PROM_SCALAR
#define V PROM_VECTOR
#define M PROM_MATRIX
#define T PROM_TEXT
static const struct prom_func funcs[] = {
	{"abs", V, {V}, 1, 0},
	{"absent", V, {V}, 1, 0},
	{"absent_over_time", V, {M}, 1, 0},
	{"acos", V, {V}, 1, 0},
	{"acosh", V, {V}, 1, 0},
	{"asin", V, {V}, 1, 0},
	{"asinh", V, {V}, 1, 0},
	{"atan", V, {V}, 1, 0},
	{"atanh", V, {V}, 1, 0},
	{"avg_over_time", V, {M}, 1, 0},
	{"ceil", V, {V}, 1, 0},
	{"changes", V, {M}, 1, 0},
	{"clamp", V, {V, S, S}, 3, 0},
	{"clamp_max", V, {V, S}, 2, 0},
	{"clamp_min", V, {V, S}, 2, 0},
	{"cos", V, {V}, 1, 0},
	{"cosh", V, {V}, 1, 0},
	{"count_over_time", V, {M}, 1, 0},
	{"day_of_month", V, {V}, 1, 1},
	{"day_of_week", V, {V}, 1, 1},
	{"day_of_year", V, {V}, 1, 1},
	{"days_in_month", V, {V}, 1, 1},
	{"deg", V, {V}, 1, 0},
	{"delta", V, {M}, 1, 0},
	{"deriv", V, {M}, 1, 0},
	{"double_exponential_smoothing", V, {M, S, S}, 3, 0},
	{"end", S, {PROM_NONE}, 0, 0},
	{"exp", V, {V}, 1, 0},
	{"first_over_time", V, {M}, 1, 0},
	{"floor", V, {V}, 1, 0},
	{"histogram_avg", V, {V}, 1, 0},
	{"histogram_count", V, {V}, 1, 0},
	{"histogram_fraction", V, {S, S, V}, 3, 0},
	{"histogram_quantile", V, {S, V}, 2, 0},
	{"histogram_quantiles", V, {V, T, S, S}, 4, 9},
	{"histogram_stddev", V, {V}, 1, 0},
	{"histogram_stdvar", V, {V}, 1, 0},
	{"histogram_sum", V, {V}, 1, 0},
	{"holt_winters", V, {M, S, S}, 3, 0},
	{"hour", V, {V}, 1, 1},
	{"idelta", V, {M}, 1, 0},
	{"increase", V, {M}, 1, 0},
	{"info", V, {V, V}, 2, 1},
	{"irate", V, {M}, 1, 0},
	{"label_join", V, {V, T, T, T}, 4, -1},
	{"label_replace", V, {V, T, T, T, T}, 5, 0},
	{"last_over_time", V, {M}, 1, 0},
	{"ln", V, {V}, 1, 0},
	{"log10", V, {V}, 1, 0},
	{"log2", V, {V}, 1, 0},
	{"mad_over_time", V, {M}, 1, 0},
	{"max_of", S, {S, S}, 2, 0},
	{"max_over_time", V, {M}, 1, 0},
	{"min_of", S, {S, S}, 2, 0},
	{"min_over_time", V, {M}, 1, 0},
	{"minute", V, {V}, 1, 1},
	{"month", V, {V}, 1, 1},
	{"pi", S, {PROM_NONE}, 0, 0},
	{"predict_linear", V, {M, S}, 2, 0},
	{"present_over_time", V, {M}, 1, 0},
	{"quantile_over_time", V, {S, M}, 2, 0},
	{"rad", V, {V}, 1, 0},
	{"range", S, {PROM_NONE}, 0, 0},
	{"rate", V, {M}, 1, 0},
	{"resets", V, {M}, 1, 0},
	{"round", V, {V, S}, 2, 1},
	{"scalar", S, {V}, 1, 0},
	{"sgn", V, {V}, 1, 0},
	{"sin", V, {V}, 1, 0},
	{"sinh", V, {V}, 1, 0},
	{"sort", V, {V}, 1, 0},
	{"sort_by_label", V, {V, T}, 2, -1},
	{"sort_by_label_desc", V, {V, T}, 2, -1},
	{"sort_desc", V, {V}, 1, 0},
	{"sqrt", V, {V}, 1, 0},
	{"start", S, {PROM_NONE}, 0, 0},
	{"start_timestamp", V, {V}, 1, 0},
	{"stddev_over_time", V, {M}, 1, 0},
	{"stdvar_over_time", V, {M}, 1, 0},
	{"step", S, {PROM_NONE}, 0, 0},
	{"sum_over_time", V, {M}, 1, 0},
	{"tan", V, {V}, 1, 0},
	{"tanh", V, {V}, 1, 0},
	{"time", S, {PROM_NONE}, 0, 0},
	{"timestamp", V, {V}, 1, 0},
	{"ts_of_first_over_time", V, {M}, 1, 0},
	{"ts_of_last_over_time", V, {M}, 1, 0},
	{"ts_of_max_over_time", V, {M}, 1, 0},
	{"ts_of_min_over_time", V, {M}, 1, 0},
	{"vector", V, {S}, 1, 0},
	{"year", V, {V}, 1, 1},
};
#undef S
#undef V
#undef M
#undef T

static int compare(const void *key, const void *row)
{
	return str_cmp(*(const struct str *)key,
		       str_of(((const struct prom_func *)row)->name));
}

const struct prom_func *prom_func_find(struct str name)
{
	return bsearch(&name, funcs, COUNT_OF(funcs), sizeof(*funcs), compare);
}
