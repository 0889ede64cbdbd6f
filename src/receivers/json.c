#include "base/base.h"
#include "receivers/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A comma is due unless something was just opened or a key waits for its value. Text ends
 * in a quote, so the last byte tells. */
static void comma(struct json *j)
{
	if (j->out.n && !strchr("{[:", j->out.p[j->out.n - 1]))
		buf_add_char(&j->out, ',');
}

void json_open(struct json *j, char bracket)
{
	comma(j);
	buf_add_char(&j->out, bracket);
}

void json_open_key(struct json *j, const char *key, char bracket)
{
	json_key(j, str_of(key));
	buf_add_char(&j->out, bracket);
}

void json_close(struct json *j, char bracket)
{
	buf_add_char(&j->out, bracket);
}

void json_key(struct json *j, struct str key)
{
	comma(j);
	buf_add_json(&j->out, key);
	buf_add_char(&j->out, ':');
}

void json_str(struct json *j, struct str s)
{
	comma(j);
	buf_add_json(&j->out, s);
}

void json_raw(struct json *j, struct str s)
{
	comma(j);
	buf_add_str(&j->out, s);
}

void json_int(struct json *j, int64_t num)
{
	comma(j);
	buf_add_int(&j->out, num);
}

void json_uint(struct json *j, uint64_t num)
{
	comma(j);
	buf_addf(&j->out, "%llu", (unsigned long long)num);
}

/* The fewest digits that read back, as Go writes floats: 1e+21, 1e-7, 0.000001. */
bool json_double(struct json *j, double real)
{
	double size = fabs(real);
	char text[40], *e;
	int digits = 1;

	if (!isfinite(real))
		return false;
	comma(j);
	while (digits < 17 && (snprintf(text, sizeof(text), "%.*e", digits - 1, real),
			       strtod(text, NULL) < real || strtod(text, NULL) > real))
		digits++;
	snprintf(text, sizeof(text), "%.*e", digits - 1, real);
	if (size > 0 && (size < 1e-6 || size >= 1e21)) {
		e = strchr(text, 'e');
		if (e[1] == '-' && e[2] == '0') /* e-07 is written e-7 */
			memmove(e + 2, e + 3, strlen(e + 3) + 1);
		buf_add_text(&j->out, text);
	} else {
		int decimals = digits - 1 - atoi(strchr(text, 'e') + 1);

		buf_addf(&j->out, "%.*f", decimals > 0 ? decimals : 0, real);
	}
	return true;
}

void json_bool(struct json *j, bool yes)
{
	comma(j);
	buf_add_text(&j->out, yes ? "true" : "false");
}

void json_put(struct json *j, const char *key, struct str s)
{
	json_key(j, str_of(key));
	buf_add_json(&j->out, s);
}

void json_put_text(struct json *j, const char *key, const char *text)
{
	json_put(j, key, str_of(text));
}

void json_put_some(struct json *j, const char *key, struct str s)
{
	if (s.n)
		json_put(j, key, s);
}

void json_put_bool(struct json *j, const char *key, bool yes)
{
	json_key(j, str_of(key));
	buf_add_text(&j->out, yes ? "true" : "false");
}

void json_put_int(struct json *j, const char *key, int64_t num)
{
	json_key(j, str_of(key));
	buf_add_int(&j->out, num);
}
