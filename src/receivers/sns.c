#include "base/base.h"
#include "receivers/aws.h"
#include "receivers/list.h"
#include "base/utf8.h"

#include <string.h>

#define MAX_BYTES	262144
#define MAX_PHONE_BYTES 1600
#define MAX_ATTRIBUTES	100

enum step { FIND_CREDENTIALS, ASSUME_ROLE, PUBLISH };

struct sigv4 {
	const char *region, *access_key, *profile, *role_arn, *external_id;
	struct secret secret_key;
	bool use_fips;
};
struct sns {
	const char *api_url, *topic_arn, *phone_number, *target_arn, *subject, *message;
	struct sigv4 sigv4;
	struct pair_list attributes;
	bool use_aws_http_client;
};

/* -- tables --------------------------------------------------------------------------- */
#define AT(m) offsetof(struct sigv4, m)
static const struct field sigv4_fields[] = {
	{"region", FIELD_OPTIONAL, AT(region),
	 .help = "Region; that of AWS_REGION or the profile when absent."},
	{"access_key", FIELD_OPTIONAL, AT(access_key),
	 .help = "Key id; as AWS' own tools find it when absent."},
	{"secret_key", FIELD_SECRET, AT(secret_key), .help = "Key."},
	{"profile", FIELD_OPTIONAL, AT(profile), .help = "Profile in AWS' shared files."},
	{"role_arn", FIELD_OPTIONAL, AT(role_arn), .help = "Role to assume."},
	{"external_id", FIELD_OPTIONAL, AT(external_id), .help = "Its external id."},
	{"use_fips_sts_endpoint", FIELD_BOOL, AT(use_fips), .help = "Assume it by FIPS."},
	{0},
};
#undef AT

static void sigv4_check(struct decode *d, const struct yaml *y, void *object)
{
	const struct sigv4 *s = object;

	if ((s->access_key != NULL) != secret_is_set(s->secret_key))
		mistake(d, y->at,
			"must provide a AWS SigV4 Access key and Secret Key if "
			"credentials are specified in the SNS config");
}

static const struct shape sigv4_shape = {"sigv4", sigv4_fields, sizeof(struct sigv4), false,
					 sigv4_check};

#define AT(m) offsetof(struct sns, m)
static const struct field fields[] = {
	{"api_url", FIELD_TEXT, AT(api_url), .help = "Instead of the region's own."},
	{"sigv4", FIELD_INSIDE, AT(sigv4), .of = &sigv4_shape, .help = "Who signs."},
	{"topic_arn", FIELD_TEXT, AT(topic_arn), .help = "A topic, or"},
	{"phone_number", FIELD_TEXT, AT(phone_number), .help = "a phone, or"},
	{"target_arn", FIELD_TEXT, AT(target_arn), .help = "an endpoint."},
	{"subject", FIELD_TEXT, AT(subject), .if_absent = TPL("sns.default.subject"),
	 .help = "Subject; empty: none."},
	{"message", FIELD_TEXT, AT(message), .if_absent = TPL("sns.default.message"),
	 .help = "Text."},
	{"attributes", FIELD_PAIRS, AT(attributes), .help = "Attributes; templates."},
	{"use_aws_http_client", FIELD_BOOL, AT(use_aws_http_client),
	 .help = "Accepted and without effect."},
	{0},
};
#undef AT

static void check(struct decode *d, struct integration_config *ic)
{
	const struct sns *s = ic->settings;

	if ((!*s->topic_arn + !*s->phone_number + !*s->target_arn) % 2)
		mistake(d, ic->at,
			"must provide either a Target ARN, Topic ARN, or Phone Number "
			"for SNS config");
	if (s->attributes.n > MAX_ATTRIBUTES)
		mistake(d, at_key(ic, "attributes"), "more than %d attributes",
			MAX_ATTRIBUTES);
}

/* -- publish -------------------------------------------------------------------------- */
static void add_text(struct render *r, struct aws_form *f, const char *name,
		     struct str text)
{
	if (text.n)
		aws_form_add(f, name, arena_copy(r->a->mem, text));
}

static void add_attribute(struct render *r, struct aws_form *f, size_t number,
			  const char *name, const char *text)
{
	const char *entry = arena_printf(r->a->mem, "MessageAttributes.entry.%zu", number);

	aws_form_add(f, arena_printf(r->a->mem, "%s.Name", entry), name);
	aws_form_add(f, arena_printf(r->a->mem, "%s.Value.DataType", entry), "String");
	aws_form_add(f, arena_printf(r->a->mem, "%s.Value.StringValue", entry), text);
}

static void add_attributes(struct render *r, struct aws_form *f, const struct sns *s,
			   bool cut)
{
	for (size_t i = 0; i < s->attributes.n; i++) {
		struct str name = render_text(r, s->attributes.v[i].name);
		struct str text = render_text(r, s->attributes.v[i].text);

		add_attribute(r, f, i + 1, arena_copy(r->a->mem, name),
			      arena_copy(r->a->mem, text));
	}
	if (cut)
		add_attribute(r, f, s->attributes.n + 1, "truncated", "true");
}

static void publish(struct attempt *a, const char *region, const struct aws_credentials *c)
{
	const struct sns *s = a->n->integration->settings;
	struct aws_form *f = ARENA_NEW(a->mem, struct aws_form);
	struct room room = {.n = *s->phone_number ? MAX_PHONE_BYTES : MAX_BYTES,
			    .bytes = true};
	struct str topic, message, url;
	const char *hash = group_hash(a->mem, a->n->group_key);
	struct render r;

	a->step = PUBLISH;
	render_start(&r, a, 0);
	aws_form_add(f, "Action", "Publish");
	aws_form_add(f, "Version", "2010-03-31");
	topic = render_text(&r, s->topic_arn);
	add_text(&r, f, "TopicArn", topic);
	add_text(&r, f, "PhoneNumber", render_text(&r, s->phone_number));
	add_text(&r, f, "TargetArn", render_text(&r, s->target_arn));
	add_text(&r, f, "Subject", render_line(&r, s->subject));
	message = render_within(&r, s->message, &room, false);
	if (str_ends(topic, STR(".fifo"))) {
		aws_form_add(f, "MessageDeduplicationId", hash);
		aws_form_add(f, "MessageGroupId", hash);
	}
	add_attributes(&r, f, s, message.n > room.n || a->shortened);
	add_text(&r, f, "Message", str_slice(message, 0, room.n));
	url = render_exactly(&r, s->api_url);
	if (r.failed)
		retry(a, FAILURE_OTHER, "%s", r.error);
	else if (!utf8_valid(message))
		retry(a, FAILURE_OTHER, "non utf8 encoded message string");
	else
		want_aws(a,
			 url.n ? arena_copy(a->mem, url)
			       : arena_printf(a->mem, "https://sns.%s.amazonaws.com/",
					      region),
			 region, "sns", c, f);
}

/* -- roles ---------------------------------------------------------------------------- */
static void assume_role(struct attempt *a, const char *region,
			const struct aws_credentials *c)
{
	const struct sns *s = a->n->integration->settings;
	struct aws_form *f = ARENA_NEW(a->mem, struct aws_form);

	a->step = ASSUME_ROLE;
	aws_form_add(f, "Action", "AssumeRole");
	aws_form_add(f, "Version", "2011-06-15");
	aws_form_add(f, "RoleArn", s->sigv4.role_arn);
	aws_form_add(f, "RoleSessionName", "tocsin");
	if (s->sigv4.external_id)
		aws_form_add(f, "ExternalId", s->sigv4.external_id);
	want_aws(a,
		 arena_printf(a->mem, "https://sts%s.%s.amazonaws.com/",
			      s->sigv4.use_fips ? "-fips" : "", region),
		 region, "sts", c, f);
}

/* What stands between <name> and </name>; NULL when nothing does. */
static const char *element(struct arena *mem, struct str xml, const char *name)
{
	size_t start = str_find(xml, str_of(arena_printf(mem, "<%s>", name)));
	struct str rest = str_from(xml,
				   start == STR_NONE ? xml.n : start + strlen(name) + 2);
	size_t end = str_find(rest, STR("</"));

	if (start == STR_NONE || end == STR_NONE)
		return NULL;
	return arena_copy(mem, str_trim(str_slice(rest, 0, end)));
}

static const char *region_of(struct attempt *a, const struct sns *s)
{
	return s->sigv4.region ? s->sigv4.region : aws_region(a, s->sigv4.profile);
}

static void judge_role(struct attempt *a, const struct http_answer *answer)
{
	const struct sns *s = a->n->integration->settings;
	struct aws_credentials c = {element(a->mem, answer->body, "AccessKeyId"),
				    element(a->mem, answer->body, "SecretAccessKey"),
				    element(a->mem, answer->body, "SessionToken")};

	if (answer->status / 100 == 2 && c.key_id && c.secret)
		publish(a, region_of(a, s), &c);
	else
		retry(a, FAILURE_AUTH, "the role %s was not granted (status %d)",
		      s->sigv4.role_arn, answer->status);
}

static void go_on(struct attempt *a, enum aws_found found, const struct aws_credentials *c)
{
	const struct sns *s = a->n->integration->settings;

	if (found == AWS_FOUND && s->sigv4.role_arn)
		assume_role(a, region_of(a, s), c);
	else if (found == AWS_FOUND)
		publish(a, region_of(a, s), c);
}

static void compose(struct attempt *a)
{
	const struct sns *s = a->n->integration->settings;
	struct aws_credentials c = {s->sigv4.access_key, secret_reveal(s->sigv4.secret_key),
				    NULL};

	a->step = FIND_CREDENTIALS;
	if (!region_of(a, s))
		retry(a, FAILURE_OTHER, "no AWS region is configured");
	else if (c.key_id)
		go_on(a, AWS_FOUND, &c);
	else
		go_on(a, aws_credentials_find(a, s->sigv4.profile, &c), &c);
}

static void judge(struct attempt *a, const struct http_answer *answer)
{
	struct aws_credentials c;

	if (a->step == FIND_CREDENTIALS)
		go_on(a, aws_credentials_take(a, answer, &c), &c);
	else if (a->step == ASSUME_ROLE)
		judge_role(a, answer);
	else
		judge_plain(a, answer);
}

const struct integration sns_integration = {
	.kind = {.name = "sns",
		 .key = "sns_configs",
		 .fields = fields,
		 .size = sizeof(struct sns),
		 .send_resolved = true,
		 .check = check},
	.compose = compose,
	.judge = judge,
};
