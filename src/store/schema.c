#include "base/base.h"
#include "store/schema.h"

/* What a row of the journal takes, about: 64 for what is not text. */
#define JOURNAL_ROW_BYTES                                                                  \
	"64 + length(kind) + length(reason) + ifnull(length(group_key), 0)"                \
	" + ifnull(length(receiver), 0) + ifnull(length(integration), 0)"                  \
	" + ifnull(length(delivery), 0) + length(CAST(data AS BLOB))"

/* Each entry takes the schema from its number to the next. Never change one that was
 * released: add another. */
static const char *const migrations[] = {
	"CREATE TABLE silences ("
	" id TEXT PRIMARY KEY, matchers TEXT NOT NULL, starts_at INTEGER NOT NULL,"
	" ends_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,"
	" created_by TEXT NOT NULL, comment TEXT NOT NULL,"
	" annotations TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE told ("
	" key TEXT PRIMARY KEY, group_key TEXT NOT NULL, receiver TEXT NOT NULL,"
	" integration TEXT NOT NULL, idx INTEGER NOT NULL, at INTEGER NOT NULL,"
	" expires_at INTEGER NOT NULL, firing BLOB NOT NULL, resolved BLOB NOT NULL,"
	" memory TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE alerts ("
	" fingerprint TEXT PRIMARY KEY, labels TEXT NOT NULL, annotations TEXT NOT NULL,"
	" generator_url TEXT NOT NULL, starts_at TEXT NOT NULL, ends_at TEXT NOT NULL,"
	" updated_at TEXT NOT NULL, timeout INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE rule_alerts ("
	" key TEXT PRIMARY KEY, file TEXT NOT NULL, rule_group TEXT NOT NULL,"
	" rule TEXT NOT NULL, rule_labels TEXT NOT NULL, labels TEXT NOT NULL,"
	" annotations TEXT NOT NULL, state TEXT NOT NULL, value REAL,"
	" active_at INTEGER NOT NULL, fired_at INTEGER NOT NULL,"
	" resolved_at INTEGER NOT NULL, last_sent_at INTEGER NOT NULL,"
	" valid_until INTEGER NOT NULL, keep_firing_since INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE journal ("
	" id INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL,"
	" reason TEXT NOT NULL, fingerprint TEXT, labels TEXT, group_key TEXT,"
	" receiver TEXT, integration TEXT, cause TEXT, delivery INTEGER);"
	"CREATE INDEX journal_at ON journal (at);"
	"CREATE INDEX journal_fingerprint ON journal (fingerprint, at)"
	" WHERE fingerprint IS NOT NULL;",
	("CREATE TABLE rule_files (path TEXT PRIMARY KEY, text TEXT NOT NULL)"
	 " WITHOUT ROWID;"),
	/* rows of the grain of an event, and none but growing keys */
	"DROP TABLE journal;"
	"CREATE TABLE journal ("
	" id INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL,"
	" reason TEXT NOT NULL, group_key TEXT, receiver TEXT, integration TEXT,"
	" delivery TEXT, data TEXT NOT NULL);"
	"CREATE INDEX journal_at ON journal (at);"
	"CREATE TABLE journal_size (rows INTEGER NOT NULL, bytes INTEGER NOT NULL);"
	"INSERT INTO journal_size VALUES (0, 0);"
	"CREATE TABLE open_deliveries ("
	" id TEXT PRIMARY KEY, at INTEGER NOT NULL, group_key TEXT NOT NULL,"
	" receiver TEXT NOT NULL, integration TEXT NOT NULL, idx INTEGER NOT NULL)"
	" WITHOUT ROWID;",
	"CREATE TABLE alert_log (id INTEGER PRIMARY KEY, entries BLOB NOT NULL);",
	/* whom a notification without an answer told of */
	"ALTER TABLE told ADD COLUMN maybe BLOB NOT NULL DEFAULT x'';"
	"ALTER TABLE open_deliveries ADD COLUMN firing BLOB NOT NULL DEFAULT x'';"
	"ALTER TABLE open_deliveries ADD COLUMN resolved BLOB NOT NULL DEFAULT x'';",
	/* the size of the journal is a difference of two rows */
	"DROP TABLE journal_size;"
	"ALTER TABLE journal ADD COLUMN total INTEGER NOT NULL DEFAULT 0;"
	"UPDATE journal SET total = t.total FROM"
	" (SELECT id, sum(" JOURNAL_ROW_BYTES ") OVER (ORDER BY id) AS total FROM journal)"
	" AS t WHERE t.id = journal.id;",
	/* groups that are flushed together lie together: keys are all over the table */
	"ALTER TABLE told RENAME TO old_told;"
	"CREATE TABLE told ("
	" number INTEGER PRIMARY KEY, group_key TEXT NOT NULL, receiver TEXT NOT NULL,"
	" integration TEXT NOT NULL, idx INTEGER NOT NULL, at INTEGER NOT NULL,"
	" expires_at INTEGER NOT NULL, firing BLOB NOT NULL, resolved BLOB NOT NULL,"
	" memory TEXT NOT NULL, maybe BLOB NOT NULL);"
	"INSERT INTO told (group_key, receiver, integration, idx, at, expires_at, firing,"
	" resolved, memory, maybe) SELECT group_key, receiver, integration, idx, at,"
	" expires_at, firing, resolved, memory, maybe FROM old_told ORDER BY at;"
	"DROP TABLE old_told;",
	/* entries say what they have of their own */
	"ALTER TABLE alert_log ADD COLUMN is_packed INTEGER NOT NULL DEFAULT 0;",
	/* how long to wait when its rule is removed */
	"ALTER TABLE rule_alerts ADD COLUMN interval INTEGER NOT NULL DEFAULT 0;",
};

const char *const statement_sql[STATEMENTS] = {
	[SAVE_SILENCE] = "INSERT OR REPLACE INTO silences VALUES (?,?,?,?,?,?,?,?)",
	[FORGET_SILENCE] = "DELETE FROM silences WHERE id = ?",
	[SAVE_TOLD] = "INSERT OR REPLACE INTO told VALUES (?,?,?,?,?,?,?,?,?,?,?)",
	[FORGET_TOLD] = "DELETE FROM told WHERE number = ?",
	[SAVE_RULE_ALERT] = "INSERT OR REPLACE INTO rule_alerts VALUES "
			    "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
	[FORGET_RULE_ALERT] = "DELETE FROM rule_alerts WHERE key = ?",
	[SAVE_RULE_FILE] = "INSERT OR REPLACE INTO rule_files VALUES (?,?)",
	[FORGET_RULE_FILE] = "DELETE FROM rule_files WHERE path = ?",
	[SAVE_OPEN] = "INSERT OR REPLACE INTO open_deliveries VALUES (?,?,?,?,?,?,?,?)",
	[FORGET_OPEN] = "DELETE FROM open_deliveries WHERE id = ?",
	[ADD_RECORD] =
		"INSERT INTO journal (at, kind, reason, group_key, receiver, integration,"
		" delivery, data, total) VALUES (?,?,?,?,?,?,?,?,?)",
	[APPEND_ALERTS] = "INSERT INTO alert_log (entries, is_packed) VALUES (?, 1)",
	[FORGET_OLD_ALERTS] = "DELETE FROM alerts",
	[OLDEST_RECORDS] = "SELECT id, total, at FROM journal ORDER BY id LIMIT ?",
	[NEWEST_RECORDS] = "SELECT id, total, at FROM journal ORDER BY id DESC LIMIT ?",
	[TRIM_RECORDS] = "DELETE FROM journal WHERE id <= ?",
};

static bool run(sqlite3 *db, const char *sql, const char *path, struct err *err)
{
	char *why = NULL;

	if (sqlite3_exec(db, sql, NULL, NULL, &why) == SQLITE_OK)
		return true;
	err_set(err, (struct pos){path, 0, 0}, "%s", why ? why : sqlite3_errmsg(db));
	sqlite3_free(why);
	return false;
}

static int take_int(void *arg, int n, char **values, char **names)
{
	int64_t v;

	(void)n, (void)names;
	if (values[0] && str_int(str_of(values[0]), &v))
		*(int64_t *)arg = v;
	return 0;
}

static bool migrate(sqlite3 *db, const char *path, struct err *err)
{
	int64_t version = 0;
	char bump[64];

	sqlite3_exec(db, "PRAGMA user_version", take_int, &version, NULL);
	if (version > (int64_t)COUNT_OF(migrations))
		return err_set(
			err, (struct pos){path, 0, 0},
			"written by a newer version (schema %lld, this program knows "
			"%zu)",
			(long long)version, COUNT_OF(migrations));
	if (version == (int64_t)COUNT_OF(migrations))
		return true;
	sqlite3_snprintf(sizeof(bump), bump, "PRAGMA user_version = %d",
			 (int)COUNT_OF(migrations));
	if (!run(db, "BEGIN IMMEDIATE", path, err))
		return false;
	for (; version < (int64_t)COUNT_OF(migrations); version++)
		if (!run(db, migrations[version], path, err))
			return false;
	return run(db, bump, path, err) && run(db, "COMMIT", path, err);
}

sqlite3 *schema_open(const char *path, bool *is_damaged, struct err *err)
{
	sqlite3 *db = NULL;
	int code = sqlite3_open(path, &db);

	*is_damaged = false;
	if (code != SQLITE_OK) {
		err_set(err, (struct pos){path, 0, 0}, "%s", sqlite3_errstr(code));
	} else if (run(db,
		       "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA "
		       "synchronous = FULL;"
		       "PRAGMA busy_timeout = 5000; PRAGMA cache_size = -1024;"
		       "PRAGMA temp_store = MEMORY;" /* no files but ours: sandbox.h */,
		       path, err) &&
		   migrate(db, path, err)) {
		return db;
	}
	code = db ? sqlite3_errcode(db) : code;
	*is_damaged = code == SQLITE_NOTADB || code == SQLITE_CORRUPT;
	sqlite3_close(db);
	return NULL;
}
