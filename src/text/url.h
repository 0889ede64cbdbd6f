/* url.h - URLs as Go's net/url reads and prints them.
 *
 * Memory: parts and printed texts live in the arena.
 * Print:  the scheme in lower case, a path that is already validly escaped as it was
 *         written, any other one escaped anew, the query untouched.
 */
#pragma once
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

struct url {
	const char *scheme;   /* lower case, "" when there is none */
	const char *user;     /* "name:password" as written; NULL: none */
	const char *host;     /* with the port; brackets stay around IPv6 */
	const char *path;     /* decoded */
	const char *raw_path; /* as written */
	const char *query;    /* as written; NULL: no "?" */
	const char *fragment; /* as written; NULL: no "#" */
};

/* Any URL that Go's url.Parse takes. */
bool url_parse(struct arena *, struct str, struct pos at, struct url *,
	       struct err *) MUST_USE;
/* Also http or https, and with a host. */
bool url_parse_http(struct arena *, struct str, struct pos at, struct url *,
		    struct err *) MUST_USE;
/* The same for one that is a secret: what is wrong is told without any of it. */
bool url_parse_secret(struct arena *, struct str, struct pos at, struct url *,
		      struct err *) MUST_USE;
const char *url_print(struct arena *, const struct url *);
/* For people: a password is replaced by xxxxx. */
const char *url_print_redacted(struct arena *, const struct url *);

/* Appends to the decoded path; the whole path is escaped again when printed. */
void url_append(struct arena *, struct url *, const char *tail);
/* Go's URL.JoinPath: one slash between, "..", "." and repeated slashes resolved. */
void url_join(struct arena *, struct url *, const char *tail);

void buf_add_url_path(struct buf *, struct str); /* a whole path, escaped: "/" stays */

/* "host:port" at the last colon, brackets around IPv6 (spec/config.md 3.4). */
struct host_port {
	const char *host, *port; /* both NULL: unset */
};
bool host_port_parse(struct arena *, struct str, struct pos at, struct host_port *,
		     struct err *) MUST_USE;
const char *host_port_print(struct arena *, struct host_port);
