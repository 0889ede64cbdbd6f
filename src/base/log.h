/* log.h - one event, one line of key=value (or one JSON object) on standard error.
 *
 * The shell logs; the core returns reasons. Each line is one write. The time comes from
 * a function that the shell gives, so that nothing here reads a clock.
 *
 *	log_warn("net", "delivery failed, will try again",
 *		 L_STR("receiver", name), L_SPAN("in", wait));
 *
 * Levels: error (someone must act), warn (we cope), info (a state changed), debug (why).
 */
#pragma once
#include "base/time.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_LEVELS };
enum log_format { LOG_LOGFMT, LOG_JSON };

struct log_field {
	const char *key; /* NULL: nothing */
	enum { LOG_FIELD_TEXT, LOG_FIELD_INT, LOG_FIELD_SPAN, LOG_FIELD_ERR } kind;
	const void *ptr;
	int64_t num;
};
#define L_STR(k, text)	((struct log_field){(k), LOG_FIELD_TEXT, (text), 0})
#define L_INT(k, value) ((struct log_field){(k), LOG_FIELD_INT, NULL, (int64_t)(value)})
#define L_SPAN(k, ms)	((struct log_field){(k), LOG_FIELD_SPAN, NULL, (ms)})
#define L_ERR(err)	((struct log_field){"err", LOG_FIELD_ERR, (err), 0})

/* now gives the time of a line; NULL leaves times out (tools, tests). */
void log_start(enum log_level least, enum log_format, wall_ms (*now)(void));
bool log_wants(enum log_level);
bool log_level_parse(struct str, enum log_level *) MUST_USE;
bool log_format_parse(struct str, enum log_format *) MUST_USE;

void log_write(enum log_level, const char *part, const char *msg,
	       const struct log_field *fields, size_t n);
#define LOG_LINE(level, part, msg, ...)                                                    \
	log_write((level), (part), (msg), (const struct log_field[]){{0}, ##__VA_ARGS__},  \
		  COUNT_OF(((const struct log_field[]){{0}, ##__VA_ARGS__})))
#define log_error(part, ...) LOG_LINE(LOG_ERROR, part, __VA_ARGS__)
#define log_warn(part, ...)  LOG_LINE(LOG_WARN, part, __VA_ARGS__)
#define log_info(part, ...)  LOG_LINE(LOG_INFO, part, __VA_ARGS__)
#define log_debug(part, ...) LOG_LINE(LOG_DEBUG, part, __VA_ARGS__)
