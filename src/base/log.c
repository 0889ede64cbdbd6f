#include "base/base.h"
#include "base/log.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

#define LINE_MAX_BYTES 16384

static struct {
	enum log_level least;
	enum log_format format;
	wall_ms (*now)(void);
} logger = {.least = LOG_INFO};

static const char *const level_names[LOG_LEVELS] = {"DEBUG", "INFO", "WARN", "ERROR"};

void log_start(enum log_level least, enum log_format format, wall_ms (*now)(void))
{
	logger.least = least;
	logger.format = format;
	logger.now = now;
}

bool log_wants(enum log_level level)
{
	return level >= logger.least;
}

bool log_level_parse(struct str s, enum log_level *out)
{
	static const char *const words[LOG_LEVELS] = {"debug", "info", "warn", "error"};

	for (int i = 0; i < LOG_LEVELS; i++) {
		if (s.n == strlen(words[i]) && !strncasecmp(s.p, words[i], s.n)) {
			*out = (enum log_level)i;
			return true;
		}
	}
	return false;
}

bool log_format_parse(struct str s, enum log_format *out)
{
	*out = str_is(s, "json") ? LOG_JSON : LOG_LOGFMT;
	return str_is(s, "json") || str_is(s, "logfmt");
}

static bool needs_quotes(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f)
			return true;
	}
	return s.n == 0;
}

/* Quoted text keeps <, > and & readable, which JSON for browsers would escape. */
static void add_quoted(struct buf *b, struct str s)
{
	buf_add_char(b, '"');
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '"' || c == '\\')
			buf_addf(b, "\\%c", c);
		else if (c == '\n')
			buf_add_text(b, "\\n");
		else if (c < ' ' || c == 0x7f)
			buf_addf(b, "\\u%04x", c);
		else
			buf_add_char(b, s.p[i]);
	}
	buf_add_char(b, '"');
}

static void add_pair(struct buf *b, const char *key, struct str value)
{
	if (logger.format == LOG_JSON) {
		buf_addf(b, "%c\"%s\":", b->n ? ',' : '{', key);
		buf_add_json(b, value);
		return;
	}
	buf_addf(b, "%s%s=", b->n ? " " : "", key);
	if (needs_quotes(value))
		add_quoted(b, value);
	else
		buf_add_str(b, value);
}

static void add_number(struct buf *b, const char *key, int64_t v)
{
	if (logger.format == LOG_JSON)
		buf_addf(b, "%c\"%s\":%lld", b->n ? ',' : '{', key, (long long)v);
	else
		buf_addf(b, "%s%s=%lld", b->n ? " " : "", key, (long long)v);
}

static void add_err(struct buf *b, const char *key, const struct err *err)
{
	struct arena mem = {0};

	add_pair(b, key, str_of(err_text(&mem, err)));
	arena_free(&mem);
}

static void add_field(struct buf *b, const struct log_field *f)
{
	struct buf text = BUF(64);

	switch (f->kind) {
	case LOG_FIELD_TEXT:
		add_pair(b, f->key, str_of(f->ptr));
		break;
	case LOG_FIELD_INT:
		add_number(b, f->key, f->num);
		break;
	case LOG_FIELD_SPAN:
		buf_add_span(&text, f->num);
		add_pair(b, f->key, buf_str(&text));
		break;
	case LOG_FIELD_ERR:
		add_err(b, f->key, f->ptr);
		break;
	}
	buf_free(&text);
}

void log_write(enum log_level level, const char *part, const char *msg,
	       const struct log_field *fields, size_t n)
{
	struct buf line = BUF(LINE_MAX_BYTES), when = BUF(64);
	ssize_t written UNUSED;
	size_t whole;

	if (!log_wants(level))
		return;
	if (logger.now) {
		buf_add_instant_ms(&when, instant_of_ms(logger.now()));
		add_pair(&line, "time", buf_str(&when));
	}
	add_pair(&line, "level", str_of(level_names[level]));
	add_pair(&line, "part", str_of(part));
	add_pair(&line, "msg", str_of(msg));
	for (size_t i = 0; i < n; i++) {
		whole = line.n;
		if (fields[i].key)
			add_field(&line, &fields[i]);
		if (line.full) { /* drop the field that does not fit, keep the line */
			line.full = false;
			buf_cut(&line, whole);
		}
	}
	line.limit += 2;
	buf_add_text(&line, logger.format == LOG_JSON ? "}\n" : "\n");
	written = write(STDERR_FILENO, line.p, line.n);
	buf_free(&line);
	buf_free(&when);
}
