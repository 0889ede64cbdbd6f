/* schema.h - the tables, the statements, and how a schema of an older version grows. */
#pragma once
#include "base/err.h"

#include <sqlite3.h>

/* For each table of rows the saving, then the forgetting; then the rest. */
enum statement {
	SAVE_SILENCE,
	FORGET_SILENCE,
	SAVE_TOLD,
	FORGET_TOLD,
	SAVE_RULE_ALERT,
	FORGET_RULE_ALERT,
	SAVE_RULE_FILE,
	FORGET_RULE_FILE,
	SAVE_OPEN,
	FORGET_OPEN,
	ADD_RECORD, /* from here on: no single rows */
	APPEND_ALERTS,
	FORGET_OLD_ALERTS,
	OLDEST_RECORDS,
	NEWEST_RECORDS,
	TRIM_RECORDS,
	STATEMENTS,
};
extern const char *const statement_sql[STATEMENTS];

/* Opens the file, checks it, brings its schema up to date. NULL and err when it cannot be;
 * *is_damaged when the file is no (whole) database. */
sqlite3 *schema_open(const char *path, bool *is_damaged, struct err *) MUST_USE;
