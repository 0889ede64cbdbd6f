#include "base/base.h"
#include "api/rules_filter.h"
#include "base/libcrypto.h"
#include "text/promql_ast.h"

#include <openssl/evp.h>
#include <string.h>
#include <strings.h>

static void answer_wrong(struct request *r, int status, const char *type, const char *text)
{
	struct buf b = BUF(4096);

	buf_addf(&b, "{\"status\":\"error\",\"errorType\":\"%s\",\"error\":", type);
	buf_add_json(&b, str_of(text));
	buf_add_char(&b, '}');
	answer_json(r, status, &b);
	buf_free(&b);
}

void bad_data(struct request *r, const char *text)
{
	answer_wrong(r, 400, "bad_data", text);
}

static bool is_word(struct str s, const char *word)
{
	return s.n == strlen(word) && !strncasecmp(s.p, word, s.n);
}

/* As Go's ParseBool. */
static bool parse_bool(struct str s, bool *out)
{
	static const char *const yes[] = {"1", "t", "true"}, *const no[] = {"0", "f",
									    "false"};

	for (size_t i = 0; i < 3; i++) {
		if (is_word(s, yes[i]) || is_word(s, no[i])) {
			*out = is_word(s, yes[i]);
			return true;
		}
	}
	return false;
}

/* The readers of parameters give what is wrong, or NULL. */
static const char *parse_kinds(struct request *r, struct rules_filter *f)
{
	const struct param *type = param_last(r, "type"),
			   *bare = param_last(r, "exclude_alerts");
	bool exclude = false;

	*f = (struct rules_filter){
		.alerting = true, .recording = true, .with_alerts = true};
	if (type && type->value.n) {
		f->alerting = is_word(type->value, "alert");
		f->recording = is_word(type->value, "record");
		if (!f->alerting && !f->recording)
			return arena_printf(r->mem,
					    "invalid parameter \"type\": not supported "
					    "value \"%.*s\"",
					    FMT(type->value));
	}
	if (bare && bare->value.n && !parse_bool(bare->value, &exclude))
		return arena_printf(r->mem,
				    "invalid parameter \"exclude_alerts\": error "
				    "converting exclude_alerts: strconv.ParseBool: parsing "
				    "\"%.*s\": invalid syntax",
				    FMT(bare->value));
	f->with_alerts = !exclude;
	return NULL;
}

/* -- match[] -------------------------------------------------------------------------- */

static enum match_op op_of(enum prom_kind op)
{
	return op == PROM_EQL	      ? MATCH_EQUAL
	       : op == PROM_NEQ	      ? MATCH_NOT_EQUAL
	       : op == PROM_EQL_REGEX ? MATCH_REGEX
				      : MATCH_NOT_REGEX;
}

static bool add_matcher(struct arena *mem, enum match_op op, struct str name,
			struct str value, struct matchers *out, struct err *err)
{
	struct matcher *v = (struct matcher *)(uintptr_t)out->v;

	return matcher_new(mem, op, name, value, &v[out->n++], err);
}

static bool parse_selector(struct arena *mem, struct str text, struct matchers *out,
			   struct err *err)
{
	struct promql_error wrong;
	const struct prom_node *n;
	bool has_one = false;

	if (!promql_check(text, &wrong))
		return err_set(err, NOWHERE, "%d:%d: parse error: %s", wrong.line,
			       wrong.col, wrong.text);
	n = prom_parse(mem, text, &wrong);
	ASSERT(n);
	if (n->kind != PROM_NODE_VECTOR || n->has_offset || n->has_at)
		return err_set(err, NOWHERE, "not a selector");
	*out = (struct matchers){ARENA_ARRAY(mem, struct matcher, n->n_matchers + 1), 0};
	if (n->name.n && !add_matcher(mem, MATCH_EQUAL, STR("__name__"), n->name, out, err))
		return false;
	for (size_t i = 0; i < n->n_matchers; i++) {
		if (!add_matcher(mem, op_of(n->matchers[i].op), n->matchers[i].name,
				 n->matchers[i].value, out, err))
			return false;
	}
	for (size_t i = 0; i < out->n; i++)
		has_one = has_one || !matcher_accepts(&out->v[i], "");
	return has_one ||
	       err_set(err, NOWHERE, "match[] must contain at least one non-empty matcher");
}

static const char *parse_matches(struct request *r, struct rules_filter *f)
{
	struct err err;

	f->matches = ARENA_ARRAY(r->mem, struct matchers, r->params.n);
	for (size_t i = 0; i < r->params.n; i++) {
		if (!str_is(r->params.v[i].name, "match[]"))
			continue;
		if (!parse_selector(r->mem, r->params.v[i].value,
				    &f->matches[f->n_matches++], &err))
			return arena_printf(r->mem, "invalid parameter \"match[]\": %s",
					    err.text);
	}
	return NULL;
}

/* -- pages ---------------------------------------------------------------------------- */

static const char *parse_page(struct request *r, struct rules_filter *f)
{
	const struct param *limit = param_last(r, "group_limit"),
			   *token = param_last(r, "group_next_token");
	const char *why = NULL;
	int64_t n = 0;

	if (limit && limit->value.n && (!str_int(limit->value, &n) || n > INT32_MAX))
		why = arena_printf(
			r->mem,
			"invalid parameter \"group_limit\": group_limit needs to be "
			"a valid number: strconv.ParseInt: parsing \"%.*s\": invalid "
			"syntax",
			FMT(limit->value));
	else if (limit && limit->value.n && n <= 0)
		why = "invalid parameter \"group_limit\": group_limit needs to be greater "
		      "than 0";
	else if (token && token->value.n && !n)
		why = "invalid parameter \"group_next_token\": group_limit needs to be "
		      "present in order to paginate over the groups";
	f->limit = (size_t)n;
	f->token = token ? token->value : STR("");
	return why;
}

const char *rules_filter_read(struct request *r, struct rules_filter *f)
{
	const char *why = parse_kinds(r, f);

	return why ? why : parse_matches(r, f);
}

bool rules_filter_parse(struct request *r, struct rules_filter *f)
{
	const char *why = rules_filter_read(r, f);
	struct err err;

	if (!why)
		why = parse_page(r, f);
	if (why) {
		bad_data(r, why);
		return false;
	}
	if (!f->limit || libcrypto_load(&err)) /* for rules_token */
		return true;
	answer_wrong(r, 500, "internal", err.text);
	return false;
}

const char *rules_token(struct arena *mem, const char *file, const char *name)
{
	const char *key = arena_printf(mem, "%s;%s", file, name);
	char *hex = arena_alloc(mem, 2 * EVP_MAX_MD_SIZE + 1);
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (!EVP_Digest(key, strlen(key), digest, &n, EVP_sha256(), NULL))
		BUG("no SHA-256");
	for (unsigned i = 0; i < n; i++) {
		hex[2 * i] = "0123456789abcdef"[digest[i] >> 4];
		hex[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
	}
	return hex;
}

/* -- asking --------------------------------------------------------------------------- */

/* Whether the parameter is absent or one of its values is this text. */
static bool is_named(const struct request *r, const char *param, const char *text)
{
	bool any = false;

	for (size_t i = 0; i < r->params.n; i++) {
		if (!str_is(r->params.v[i].name, param))
			continue;
		any = true;
		if (str_is(r->params.v[i].value, text))
			return true;
	}
	return !any;
}

static bool has_match(const struct request *r, const struct rules_filter *f,
		      const struct rule *rule)
{
	struct label *v = ARENA_ARRAY(r->mem, struct label, rule->n_labels);
	const struct labels *labels;

	for (size_t i = 0; i < rule->n_labels; i++)
		v[i] = (struct label){rule->labels[i].name, rule->labels[i].text};
	labels = labels_new_raw(r->mem, v, rule->n_labels, NULL);
	for (size_t i = 0; labels && i < f->n_matches; i++) {
		if (matchers_hold(&f->matches[i], labels))
			return true;
	}
	return false;
}

bool rules_filter_takes(const struct request *r, const struct rules_filter *f,
			const struct rule_view *v)
{
	const char *name = v->rule->alert ? v->rule->alert : v->rule->record;

	return (v->rule->alert ? f->alerting : f->recording) &&
	       is_named(r, "rule_name[]", name) &&
	       (!f->n_matches || has_match(r, f, v->rule));
}

bool rules_filter_takes_group(const struct request *r, const char *file, const char *name)
{
	return is_named(r, "rule_group[]", name) && is_named(r, "file[]", file);
}
