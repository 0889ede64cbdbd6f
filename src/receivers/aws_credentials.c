#include "base/base.h"
#include "receivers/aws.h"
#include "text/json.h"

#include <stdio.h>
#include <string.h>

/* The chain of AWS' own tools: the environment, the profile in the shared files, a
 * container's credentials, those of the EC2 instance. A profile that is asked for by name
 * goes before the environment. */

#define CONTAINER_HOST	 "http://169.254.170.2"
#define METADATA_HOST	 "http://169.254.169.254"
#define METADATA_PATH	 "latest/meta-data/iam/security-credentials/"
#define METADATA_PATIENT (2 * INT64_C(1000000000))
#define EARLY		 (5 * MINUTE) /* credentials that end soon are as good as ended */

enum step { CONTAINER, TOKEN, ROLE, KEYS };
struct search {
	enum step step;
	const char *token; /* of the instance metadata */
};

/* -- the environment ------------------------------------------------------------------ */
static const char *environment(const struct attempt *a, const char *name)
{
	const char *text = a->env->env ? a->env->env(a->env->ctx, name) : NULL;

	return text && *text ? text : NULL;
}

static bool from_environment(const struct attempt *a, struct aws_credentials *out)
{
	*out = (struct aws_credentials){environment(a, "AWS_ACCESS_KEY_ID"),
					environment(a, "AWS_SECRET_ACCESS_KEY"),
					environment(a, "AWS_SESSION_TOKEN")};
	return out->key_id && out->secret;
}

/* -- the shared files ----------------------------------------------------------------- */
struct profile {
	bool found;
	const char *key_id, *secret, *token, *region;
};

static const char *shared_file(const struct attempt *a, const char *variable,
			       const char *name)
{
	const char *path = environment(a, variable), *home = environment(a, "HOME");

	if (path || !home)
		return path;
	return arena_printf(a->mem, "%s/.aws/%s", home, name);
}

/* "[profile x]" and, of the default one and in the credentials file, "[x]". */
static bool is_section(struct str line, const char *profile)
{
	struct str name = str_trim(str_slice(line, 1, line.n - 2));

	if (str_is(name, profile))
		return true;
	return str_starts(name, STR("profile ")) &&
	       str_is(str_trim(str_from(name, 8)), profile);
}

static void take_line(struct attempt *a, struct profile *p, struct str line)
{
	const struct {
		const char *name;
		const char **to;
	} keys[] = {{"aws_access_key_id", &p->key_id},
		    {"aws_secret_access_key", &p->secret},
		    {"aws_session_token", &p->token},
		    {"region", &p->region}};
	size_t equal = str_find_char(line, '=');
	struct str name, value;

	if (equal == STR_NONE)
		return;
	name = str_trim(str_slice(line, 0, equal));
	value = str_trim(str_from(line, equal + 1));
	for (size_t i = 0; i < COUNT_OF(keys); i++) {
		if (str_is(name, keys[i].name) && !*keys[i].to && value.n)
			*keys[i].to = arena_copy(a->mem, value);
	}
}

/* What an earlier file said stays. A file that is not there says nothing. */
static void read_profile(struct attempt *a, const char *path, const char *name,
			 struct profile *p)
{
	struct str rest, line;
	bool ours = false;

	if (!path || !a->env->read(a->env->ctx, a->mem, path, &rest, NULL))
		return;
	while (str_cut(&rest, '\n', &line)) {
		bool is_inner = line.n && (line.p[0] == ' ' || line.p[0] == '\t');

		line = str_trim(line);
		if (!line.n || is_inner || line.p[0] == '#' || line.p[0] == ';')
			continue;
		if (line.p[0] == '[' && line.p[line.n - 1] == ']') {
			ours = is_section(line, name);
			p->found = p->found || ours;
		} else if (ours) {
			take_line(a, p, line);
		}
	}
}

static struct profile profile_of(struct attempt *a, const char *name)
{
	struct profile p = {0};

	if (!a->env->env)
		return p;
	if (!name)
		name = environment(a, "AWS_PROFILE");
	if (!name)
		name = environment(a, "AWS_DEFAULT_PROFILE");
	if (!name)
		name = "default";
	read_profile(a, shared_file(a, "AWS_SHARED_CREDENTIALS_FILE", "credentials"), name,
		     &p);
	read_profile(a, shared_file(a, "AWS_CONFIG_FILE", "config"), name, &p);
	return p;
}

const char *aws_region(struct attempt *a, const char *profile)
{
	const char *region = environment(a, "AWS_REGION");

	if (!region)
		region = environment(a, "AWS_DEFAULT_REGION");
	return region ? region : profile_of(a, profile).region;
}

/* -- over the network ----------------------------------------------------------------- */
static void none(struct attempt *a, const char *why)
{
	retry(a, FAILURE_OTHER, "no AWS credentials are configured%s%s", *why ? ": " : "",
	      why);
}

/* Without the settings of http_config, which are for the service. */
static enum aws_found ask(struct attempt *a, enum step step, const char *method,
			  const char *url)
{
	struct search *s = a->state;

	s->step = step;
	want_http(a, method, url, NULL, STR(""));
	no_user_agent(a);
	a->http.config = NULL;
	set_timeout(a, METADATA_PATIENT);
	return AWS_ASKED;
}

/* Credentials go in the clear to this machine and to what AWS has beside it, no further. */
static bool is_near(struct arena *mem, const char *text)
{
	static const char *const hosts[] = {"localhost",      "127.0.0.1",
					    "[::1]",	      "169.254.170.2",
					    "169.254.170.23", "[fd00:ec2::23]"};
	struct url url;
	struct str host;

	if (!url_parse_http(mem, str_of(text), NOWHERE, &url, NULL))
		return false;
	if (!strcmp(url.scheme, "https"))
		return true;
	for (size_t i = 0; i < COUNT_OF(hosts); i++) {
		host = str_of(url.host);
		if (str_starts(host, str_of(hosts[i])) &&
		    (host.n == strlen(hosts[i]) || host.p[strlen(hosts[i])] == ':'))
			return true;
	}
	return false;
}

static enum aws_found ask_container(struct attempt *a, const char *url)
{
	const char *file = environment(a, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	const char *token = environment(a, "AWS_CONTAINER_AUTHORIZATION_TOKEN");

	if (!is_near(a->mem, url)) {
		none(a, "AWS_CONTAINER_CREDENTIALS_FULL_URI is neither https nor near");
		return AWS_NONE;
	}
	if (file && !secret_get(a, (struct secret){NULL}, file, &token))
		return AWS_NONE;
	ask(a, CONTAINER, "GET", url);
	if (token)
		add_header(a, "Authorization", token);
	return AWS_ASKED;
}

static const char *metadata(struct attempt *a, const char *path)
{
	const char *host = environment(a, "AWS_EC2_METADATA_SERVICE_ENDPOINT");
	size_t n;

	if (!host)
		host = METADATA_HOST;
	n = strlen(host);
	return arena_printf(a->mem, "%s%s%s", host, host[n - 1] == '/' ? "" : "/", path);
}

static enum aws_found ask_machine(struct attempt *a)
{
	const char *relative = environment(a, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *full = environment(a, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
	const char *off = environment(a, "AWS_EC2_METADATA_DISABLED");

	a->state = ARENA_NEW(a->mem, struct search);
	if (relative)
		return ask_container(a,
				     arena_printf(a->mem, CONTAINER_HOST "%s", relative));
	if (full)
		return ask_container(a, full);
	if (!a->env->env || (off && !strcasecmp(off, "true"))) {
		none(a, "");
		return AWS_NONE;
	}
	ask(a, TOKEN, "PUT", metadata(a, "latest/api/token"));
	add_header(a, "X-aws-ec2-metadata-token-ttl-seconds", "21600");
	return AWS_ASKED;
}

/* -- what is kept between notifications ----------------------------------------------- */
static bool from_cache(struct attempt *a, struct aws_credentials *out)
{
	struct str rest, line[3] = {{0}};

	if (!a->cache || !a->cache->text[0] ||
	    a->cache->at - EARLY <= instant_ms(a->env->now))
		return false;
	rest = str_of(a->cache->text);
	for (size_t i = 0; i < COUNT_OF(line); i++) {
		if (!str_cut(&rest, '\n', &line[i]))
			break;
	}
	*out = (struct aws_credentials){arena_copy(a->mem, line[0]),
					arena_copy(a->mem, line[1]),
					line[2].n ? arena_copy(a->mem, line[2]) : NULL};
	return true;
}

static void keep(struct attempt *a, const struct aws_credentials *c, const char *until)
{
	const char *text = arena_printf(a->mem, "%s\n%s\n%s", c->key_id, c->secret,
					c->token ? c->token : "");
	struct civil t = {0};
	int year;

	if (!a->cache || !until || strlen(text) >= sizeof(a->cache->text) ||
	    sscanf(until, "%4d-%2d-%2dT%2d:%2d:%2d", &year, &t.month, &t.day, &t.hour,
		   &t.minute, &t.second) != 6)
		return;
	t.year = year;
	memcpy(a->cache->text, text, strlen(text) + 1);
	a->cache->at = civil_seconds(&t) * SECOND;
}

static const char *text_at(struct attempt *a, const json_t *top, const char *name)
{
	const char *text = json_string_value(json_object_get(top, name));

	return text && *text ? arena_text(a->mem, text) : NULL;
}

static enum aws_found take_keys(struct attempt *a, const struct http_answer *answer,
				struct aws_credentials *out)
{
	json_t *top = json_read(answer->body, NULL);
	const char *until = text_at(a, top, "Expiration");

	*out = (struct aws_credentials){text_at(a, top, "AccessKeyId"),
					text_at(a, top, "SecretAccessKey"),
					text_at(a, top, "Token")};
	json_decref(top);
	if (!out->key_id || !out->secret) {
		none(a, "there are none in the answer of this machine's metadata");
		return AWS_NONE;
	}
	keep(a, out, until);
	return AWS_FOUND;
}

/* -- all of it ------------------------------------------------------------------------ */
enum aws_found aws_credentials_find(struct attempt *a, const char *profile,
				    struct aws_credentials *out)
{
	struct profile p;

	if (!profile && from_environment(a, out))
		return AWS_FOUND;
	p = profile_of(a, profile);
	*out = (struct aws_credentials){p.key_id, p.secret, p.token};
	if (p.key_id && p.secret)
		return AWS_FOUND;
	if (profile && !p.found) {
		none(a, arena_printf(a->mem, "there is no profile %s", profile));
		return AWS_NONE;
	}
	return from_cache(a, out) ? AWS_FOUND : ask_machine(a);
}

enum aws_found aws_credentials_take(struct attempt *a, const struct http_answer *answer,
				    struct aws_credentials *out)
{
	struct search *s = a->state;
	struct str text = str_trim(answer->body), line;

	if (answer->status != 200) {
		none(a,
		     answer->status
			     ? arena_printf(a->mem, "metadata: status %d", answer->status)
			     : arena_printf(a->mem, "metadata: %s", answer->error));
		return AWS_NONE;
	}
	switch (s->step) {
	case CONTAINER:
	case KEYS:
		return take_keys(a, answer, out);
	case TOKEN:
		s->token = arena_copy(a->mem, text);
		ask(a, ROLE, "GET", metadata(a, METADATA_PATH));
		break;
	case ROLE:
		if (!str_cut(&text, '\n', &line) || !line.n) {
			none(a, "the instance has no role");
			return AWS_NONE;
		}
		ask(a, KEYS, "GET",
		    metadata(a, arena_printf(a->mem, METADATA_PATH "%.*s",
					     FMT(str_trim(line)))));
		break;
	}
	add_header(a, "X-aws-ec2-metadata-token", s->token);
	return AWS_ASKED;
}
