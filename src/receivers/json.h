/* json.h - JSON being written: commas are put where they belong, text is escaped as Go's
 * encoding/json does (spec/receivers.md 1.3).
 */
#pragma once
#include "base/buf.h"

#define JSON_MAX ((size_t)64 << 20)

struct json {
	struct buf out;
};
#define JSON ((struct json){BUF(JSON_MAX)})

void json_open(struct json *, char bracket); /* '{' or '[' */
void json_open_key(struct json *, const char *key, char bracket);
void json_close(struct json *, char bracket); /* '}' or ']' */
void json_key(struct json *, struct str);
void json_str(struct json *, struct str);
void json_raw(struct json *, struct str); /* already JSON */
void json_int(struct json *, int64_t);
void json_uint(struct json *, uint64_t);
bool json_double(struct json *, double); /* false: NaN or infinite, nothing written */
void json_bool(struct json *, bool);

/* Members of the open object. */
void json_put(struct json *, const char *key, struct str);
void json_put_text(struct json *, const char *key, const char *);
void json_put_some(struct json *, const char *key, struct str); /* left out when empty */
void json_put_bool(struct json *, const char *key, bool);
void json_put_int(struct json *, const char *key, int64_t);
