#include "base/base.h"
#include "store/journal.h"
#include "store/store.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct seen {
	struct buf text;
};

static void see_silence(void *ctx, const struct silence *s)
{
	struct buf *b = &((struct seen *)ctx)->text;

	buf_addf(b, "silence %s ", s->id);
	buf_add_matchers(b, &s->matchers);
	buf_addf(b, " %lld %s %s\n", (long long)instant_ms(s->ends_at), s->created_by,
		 s->comment);
}

static void add_hashes(struct buf *b, const char *name, const uint64_t *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_addf(b, "%s %llx", i ? "" : name, (unsigned long long)v[i]);
}

static void see_told(void *ctx, const struct told *t)
{
	struct buf *b = &((struct seen *)ctx)->text;

	buf_addf(b, "told %s %s %s %zu at %lld firing %zu %s=%s", t->group_key, t->receiver,
		 t->integration, t->index, (long long)t->at, t->n_firing,
		 t->n_memory ? t->memory[0].name : "",
		 t->n_memory ? t->memory[0].text : "");
	add_hashes(b, " maybe", t->maybe, t->n_maybe);
	buf_add_char(b, '\n');
}

static void see_alert(void *ctx, const struct alert *a)
{
	struct buf *b = &((struct seen *)ctx)->text;

	buf_add_text(b, "alert ");
	buf_add_labels(b, a->labels);
	buf_add_char(b, ' ');
	buf_add_instant(b, a->starts_at);
	if (a->came_at)
		buf_addf(b, " came at %lld", (long long)a->came_at);
	buf_add_char(b, '\n');
}

static void see_rule_alert(void *ctx, const struct rule_alert *a)
{
	struct buf *b = &((struct seen *)ctx)->text;

	buf_addf(b, "rule %s %s %s %s ", a->file, a->group, a->rule,
		 alert_state_text(a->state));
	buf_add_labels(b, a->labels);
	buf_addf(b, " since %lld, each %lld\n", (long long)a->active_at,
		 (long long)a->interval);
}

static void see_rule_file(void *ctx, const char *path, const char *text)
{
	buf_addf(&((struct seen *)ctx)->text, "file %s: %s\n", path, text);
}

static void see_open(void *ctx, const struct open_delivery *o)
{
	struct buf *b = &((struct seen *)ctx)->text;

	buf_addf(b, "open %s of %s %s[%zu] since %lld", o->id, o->receiver, o->integration,
		 o->index, (long long)o->at);
	add_hashes(b, " firing", o->firing, o->n_firing);
	add_hashes(b, " resolved", o->resolved, o->n_resolved);
	buf_add_char(b, '\n');
}

static void see_broken(void *ctx, const char *table, const char *key, const char *why)
{
	buf_addf(&((struct seen *)ctx)->text, "broken %s %s: %s\n", table, key, why);
}

static void note(void *arg, bool ok)
{
	*(int *)arg = ok ? 1 : -1;
}

static void wait_until(struct store *s, const int *done)
{
	struct pollfd p = {.fd = store_fd(s), .events = POLLIN};

	while (!*done) {
		assert_true(poll(&p, 1, 10000) > 0);
		store_poll(s);
	}
}

static void wait_for(struct store *s, int *done)
{
	store_sync(s, note, done);
	wait_until(s, done);
}

static struct store *open_at(const char *folder, struct buf *notes)
{
	struct store_options options = {.folder = folder};
	struct err err = {0};
	struct store *s = store_open(&options, 0, notes, &err);

	if (!s)
		fail_msg("%s", err.text);
	return s;
}

static void expect(struct store *s, const char *want)
{
	struct seen seen = {BUF(10000)};
	struct store_visitor v = {&seen,	  see_silence,	 see_told, see_alert,
				  see_rule_alert, see_rule_file, see_open, see_broken};
	bool is_damaged;

	assert_true(store_load(s, &v, &is_damaged, NULL));
	if (strcmp(buf_text(&seen.text), want))
		fail_msg("wanted:\n%sgot:\n%s", want, buf_text(&seen.text));
	buf_free(&seen.text);
}

static struct alert an_alert(struct arena *mem)
{
	const struct label pair = {"alertname", "Grüße \"x\"\n"};

	return (struct alert){.labels = labels_new(mem, &pair, 1, NULL),
			      .annotations = &labels_none,
			      .generator_url = "",
			      .starts_at = {1767323045, 678901234, 7200}};
}

static void fill(struct store *s, struct arena *mem)
{
	static const uint64_t firing[] = {1, 2};
	static const struct text_pair memory[] = {{.name = "ts", .text = "1.2"}};
	struct alert alert = an_alert(mem);
	struct silence silence = {.id = "947e3b36-87e0-41eb-a1d1-1584b90e8250",
				  .ends_at = {100, 0, 0},
				  .created_by = "me",
				  .comment = "why",
				  .annotations = &labels_none};
	struct told told = {.number = 7,
			    .group_key = "{}:{}",
			    .receiver = "r",
			    .integration = "webhook",
			    .index = 1,
			    .at = 5,
			    .firing = firing,
			    .n_firing = 2,
			    .memory = memory,
			    .n_memory = 1};
	struct rule_alert rule = {.file = "f.yml",
				  .group = "g",
				  .rule = "R",
				  .rule_labels = &labels_none,
				  .labels = alert.labels,
				  .annotations = &labels_none,
				  .state = ALERT_PENDING,
				  .active_at = 42,
				  .interval = 10};

	assert_true(matchers_parse(mem, STR("{a=\"b\",c=~\"d|e\"}"), NOWHERE, MATCHERS_UTF8,
				   &silence.matchers, NULL, NULL));
	store_save_silence(s, &silence);
	store_save_told(s, &told);
	store_save_alert(s, &alert, true);
	store_save_rule_alert(s, "rk", &rule);
	store_save_rule_file(s, "f.yml", STR("groups:\n"));
}

#define ALL(interval)                                                                      \
	"silence 947e3b36-87e0-41eb-a1d1-1584b90e8250 {a=\"b\",c=~\"d|e\"} 100000 me "     \
	"why\n"                                                                            \
	"told {}:{} r webhook 1 at 5 firing 2 ts=1.2\n"                                    \
	"alert {alertname=\"Grüße \\\"x\\\"\\n\"} 2026-01-02T05:04:05.678901234+02:00\n" \
	"rule f.yml g R pending {alertname=\"Grüße \\\"x\\\"\\n\"} since 42, "           \
	"each " interval "\n"                                                              \
	"file f.yml: groups:\n\n"

static const char all[] = ALL("10");

static char *folder(void)
{
	static char name[64];

	snprintf(name, sizeof(name), "/tmp/tocsin-store-XXXXXX");
	assert_non_null(mkdtemp(name));
	return name;
}

static void remove_all(const char *path)
{
	char command[200];

	snprintf(command, sizeof(command), "rm -rf '%s'", path);
	assert_int_equal(system(command), 0);
}

static void what_was_synced_is_there(void **state)
{
	const char *at = folder();
	struct buf notes = BUF(1000);
	struct arena mem = {0};
	struct store *s = open_at(at, &notes);
	int done = 0;

	(void)state;
	expect(s, "");
	fill(s, &mem);
	wait_for(s, &done);
	assert_int_equal(done, 1);
	expect(s, all);
	assert_true(store_close(s));
	s = open_at(at, &notes);
	expect(s, all);
	store_forget_silence(s, "947e3b36-87e0-41eb-a1d1-1584b90e8250");
	store_forget_told(s, 7);
	store_forget_rule_alert(s, "rk");
	store_forget_rule_file(s, "f.yml");
	assert_true(store_close(s)); /* writes what is queued */
	s = open_at(at, &notes);
	expect(s, "alert {alertname=\"Grüße \\\"x\\\"\\n\"} "
		  "2026-01-02T05:04:05.678901234+02:00\n");
	assert_true(store_close(s));
	assert_int_equal(notes.n, 0);
	buf_free(&notes);
	arena_free(&mem);
	remove_all(at);
}

/* Reported: it is there whatever becomes of the process. */
static void what_was_reported_survives_the_process(void **state)
{
	typedef void sync_fn(struct store *, void (*)(void *, bool), void *);
	static sync_fn *const syncs[] = {store_sync, store_sync_ledger, store_sync_alerts};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(syncs); i++) {
		const char *at = folder();
		struct buf notes = BUF(1000);
		struct store *s;
		pid_t child = fork();
		int status;

		if (!child) {
			struct arena mem = {0};
			struct alert posted = an_alert(&mem);
			int done = 0;

			s = open_at(at, &notes);
			store_forget_alert(s, 1); /* under way when the alert comes */
			store_save_alert(s, &posted, false);
			syncs[i](s, note, &done);
			wait_until(s, &done);
			_exit(done == 1 ? 0 : 1);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
		s = open_at(at, &notes);
		expect(s, "alert {alertname=\"Grüße \\\"x\\\"\\n\"} "
			  "2026-01-02T05:04:05.678901234+02:00\n");
		assert_true(store_close(s));
		buf_free(&notes);
		remove_all(at);
	}
}

static void a_damaged_file_is_set_aside(void **state)
{
	const char *at = folder();
	struct buf notes = BUF(1000);
	struct arena mem = {0};
	const char *path = arena_printf(&mem, "%s/tocsin.db", at);
	FILE *out = fopen(path, "w");
	struct store *s;

	(void)state;
	for (int i = 0; i < 1000; i++)
		fputs("this is no database", out);
	fclose(out);
	s = open_at(at, &notes);
	expect(s, "");
	assert_true(store_close(s));
	assert_non_null(strstr(buf_text(&notes), "damaged"));
	buf_free(&notes);
	arena_free(&mem);
	remove_all(at);
}

static size_t count_files(const char *folder, const char *beginning)
{
	DIR *d = opendir(folder);
	struct dirent *f;
	size_t n = 0;

	assert_non_null(d);
	while ((f = readdir(d)))
		n += !strncmp(f->d_name, beginning, strlen(beginning));
	closedir(d);
	return n;
}

/* A finished file whose renaming was cut off is taken. */
static void a_new_file_is_taken_when_it_stands_alone(void **state)
{
	const char *at = folder();
	struct buf notes = BUF(1000);
	struct arena mem = {0};
	struct store *s = open_at(at, &notes);
	const char *path = arena_printf(&mem, "%s/tocsin.db", at);

	(void)state;
	fill(s, &mem);
	assert_true(store_close(s));
	assert_int_equal(rename(path, arena_printf(&mem, "%s.new", path)), 0);
	s = open_at(at, &notes);
	expect(s, all);
	assert_true(store_close(s));
	buf_free(&notes);
	arena_free(&mem);
	remove_all(at);
}

static void damage_within_is_found_when_reading(void **state)
{
	const char *at = folder();
	struct buf notes = BUF(1000), long_text = BUF(100000);
	struct seen seen = {BUF(1000000)};
	struct store_visitor v = {&seen,	  see_silence,	 see_told, see_alert,
				  see_rule_alert, see_rule_file, see_open, see_broken};
	struct arena mem = {0};
	struct store *s = open_at(at, &notes);
	struct err err = {0};
	bool is_damaged;
	int done = 0;
	FILE *file;

	(void)state;
	for (int i = 0; i < 50; i++) {
		struct label pair = {.name = "alertname"};
		struct alert alert = {.annotations = &labels_none, .generator_url = ""};

		buf_reset(&long_text);
		buf_addf(&long_text, "%d", i);
		for (int k = 0; k < 20000; k++)
			buf_add_char(&long_text, (char)('a' + i % 26));
		pair.value = buf_text(&long_text);
		alert.labels = labels_new(&mem, &pair, 1, NULL);
		store_save_alert(s, &alert, true);
	}
	fill(s, &mem);
	assert_true(store_close(s));
	file = fopen(arena_printf(&mem, "%s/tocsin.db", at), "r+");
	fseek(file, 200000, SEEK_SET);
	for (int i = 0; i < 400000; i++)
		fputc(0xff, file);
	fclose(file);
	s = open_at(at, &notes);
	assert_false(store_load(s, &v, &is_damaged, &err));
	assert_true(is_damaged);
	/* another is filled beside it, and takes its place when it holds all */
	store_found_damage(s);
	while (!store_health(s).renewals)
		poll(NULL, 0, 1);
	fill(s, &mem);
	store_sync(s, note, &done);
	poll(NULL, 0, 200);
	store_poll(s);
	assert_int_equal(done, 0);
	assert_int_equal(count_files(at, "tocsin.db.damaged-"), 0);
	store_seal(s);
	wait_until(s, &done);
	assert_int_equal(done, 1);
	assert_int_equal(count_files(at, "tocsin.db.damaged-"), 1);
	assert_int_equal(count_files(at, "tocsin.db.new"), 0);
	expect(s, all);
	assert_true(store_close(s));
	s = open_at(at, &notes);
	expect(s, all);
	assert_true(store_close(s));
	buf_free(&notes);
	buf_free(&long_text);
	buf_free(&seen.text);
	arena_free(&mem);
	remove_all(at);
}

/* A trigger plays the disk that fails. */
static void break_table(const char *folder, const char *sql)
{
	struct arena mem = {0};
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(arena_printf(&mem, "%s/tocsin.db", folder), &db),
			 SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	arena_free(&mem);
}

static void a_failing_disk_costs_one_write_a_row(void **state)
{
	const char *at = folder();
	struct buf notes = BUF(1000);
	struct arena mem = {0};
	struct store *s = open_at(at, &notes);
	struct told told = {
		.number = 7, .group_key = "{}", .receiver = "r", .integration = "webhook"};
	int done = 0;

	(void)state;
	break_table(at, "CREATE TRIGGER t BEFORE INSERT ON rule_files"
			" BEGIN SELECT RAISE(ABORT, 'no'); END");
	for (int i = 0; i < 1000; i++) {
		store_save_rule_file(s, i % 2 ? "odd" : "even",
				     str_of(arena_printf(&mem, "%d", i)));
		store_save_rule_file(s, "gone", STR("x"));
		store_forget_rule_file(s, "gone");
		told.at = i;
		store_save_told(s, &told);
		store_save_told(s, &(struct told){.number = 8,
						  .group_key = "",
						  .receiver = "",
						  .integration = ""});
		store_forget_told(s, 8);
	}
	wait_for(s, &done);
	assert_int_equal(done, -1);
	assert_string_equal(store_health(s).error, "no");
	assert_int_equal(store_health(s).queued, 5);
	break_table(at, "DROP TRIGGER t");
	assert_true(store_close(s));
	s = open_at(at, &notes);
	expect(s, "told {} r webhook 0 at 999 firing 0 =\n"
		  "file even: 998\nfile odd: 999\n");
	assert_true(store_close(s));
	arena_free(&mem);
	remove_all(at);
}

/* A record with all that one can have. */
static struct record full_record(struct arena *mem)
{
	static const uint64_t firing[] = {1, UINT64_MAX}, resolved[] = {7};
	const struct label pair = {"alertname", "Grüße \"x\"\n"};
	const struct labels *labels = labels_new(mem, &pair, 1, NULL);
	struct record_alert *alerts = ARENA_ARRAY(mem, struct record_alert, 2);
	struct record_mute *mute = ARENA_NEW(mem, struct record_mute);
	struct record_decision *decisions = ARENA_ARRAY(mem, struct record_decision, 2);

	alerts[0] = (struct record_alert){CHANGE_RULE_FIRING, 1, labels, 1000, 2000, 0.1};
	alerts[1] = (struct record_alert){CHANGE_NEW, UINT64_MAX, labels, 0, 0, HUGE_VAL};
	*mute = (struct record_mute){
		MUTED_BY_INHIBITION, "0007", "c.yml:1:2", labels, firing, 2};
	decisions[0] = (struct record_decision){"r",	      "webhook", 3,
						NOTIFY_FIRST, "abc",	 true};
	decisions[1] = (struct record_decision){"none", NULL, 0, HELD_NO_INTEGRATION,
						NULL,	false};
	return (struct record){
		.kind = RECORD_RULE,
		.reason = RULE_FAILS,
		.at = 1767225600123,
		.group_key = "{}:{a=\"b\"}",
		.receiver = "r",
		.integration = "webhook",
		.index = 3,
		.delivery = "abc",
		.error = "two\nlines",
		.from = "::1",
		.by = "ann",
		.alerts = alerts,
		.n_alerts = 2,
		.file = "f.yml",
		.group = "g",
		.rule = "R",
		.expr = "up < 1",
		.line = 9,
		.hold = 60000,
		.firing = firing,
		.resolved = resolved,
		.n_firing = 2,
		.n_resolved = 1,
		.mutes = mute,
		.n_mutes = 1,
		.decisions = decisions,
		.n_decisions = 2,
		.next_at = 5,
		.unchanged = 4,
		.unchanged_at = 3,
		.attempt = 2,
		.status = 503,
		.took = 12,
		.told_firing = 3,
		.told_resolved = 8,
		.without_ended = true,
		.change = "load",
		.hash = "00ff",
		.jump = -5,
	};
}

static struct journal_rows read_all(const char *at, struct arena *mem,
				    const struct journal_query *q)
{
	struct err err = {0};
	struct journal *j = journal_open(at, &err);
	struct journal_rows rows;

	assert_non_null(j);
	if (!journal_read(j, q, mem, &rows, &err))
		fail_msg("%s", err.text);
	journal_close(j);
	return rows;
}

/* What is read back says the same again. */
static void a_record_comes_back_whole(void **state)
{
	const char *at = folder();
	struct arena mem = {0};
	struct buf notes = BUF(1000), before = BUF(10000), after = BUF(10000);
	struct store *s = open_at(at, &notes);
	struct record r = full_record(&mem);
	struct journal_rows rows;

	(void)state;
	store_record(s, &r);
	assert_true(store_close(s));
	rows = read_all(at, &mem, &(struct journal_query){.to = NEVER});
	assert_int_equal(rows.n, 1);
	assert_false(rows.is_cut);
	buf_add_record(&before, &r);
	buf_add_record(&after, &rows.v[0].record);
	assert_string_equal(buf_text(&after), buf_text(&before));
	assert_int_equal(rows.v[0].record.at, r.at);
	assert_int_equal(rows.v[0].record.reason, r.reason);
	assert_int_equal(rows.v[0].record.index, 3);
	assert_string_equal(rows.v[0].record.integration, "webhook");
	assert_string_equal(rows.v[0].record.group_key, r.group_key);
	assert_string_equal(rows.v[0].record.delivery, "abc");
	assert_int_equal(rows.v[0].record.told_resolved, 8);
	assert_true(rows.v[0].record.decisions[0].without_ended);
	assert_false(rows.v[0].record.decisions[1].without_ended);
	buf_free(&before);
	buf_free(&after);
	buf_free(&notes);
	arena_free(&mem);
	remove_all(at);
}

static void store_many(struct store *s, int n, wall_ms at)
{
	char change[200];

	memset(change, 'x', sizeof(change));
	change[199] = 0;
	for (int i = 0; i < n; i++)
		store_record(s, &(struct record){.kind = RECORD_FILE,
						 .at = at + i,
						 .change = change});
}

/* By age, and by bytes; the size that is kept beside stays right. */
static void the_journal_is_trimmed(void **state)
{
	static const struct {
		span_ms age;
		int64_t bytes;
		size_t least, most; /* rows that stay */
	} cases[] = {
		{DAY, 1 << 30, 100, 100},     /* all of the first life is too old */
		{100 * DAY, 60000, 190, 230}, /* some 280 bytes a row */
		{100 * DAY, 1 << 30, 2100, 2100},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const char *at = folder();
		struct buf notes = BUF(1000);
		struct arena mem = {0};
		struct store_options o = {.folder = at,
					  .journal_age = cases[i].age,
					  .journal_bytes = cases[i].bytes};
		struct store *s = store_open(&o, 0, &notes, NULL);
		struct journal_rows rows;
		struct store_health h;
		int done = 0;

		store_many(s, 2000, 1000);
		wait_for(s, &done);
		store_many(s, 100, 10 * DAY);
		for (int k = 0; k < 1000; k++) { /* a slice after the other */
			done = 0;
			wait_for(s, &done);
			poll(NULL, 0, 5);
			h = store_health(s);
			if (h.journal.rows <= (int64_t)cases[i].most)
				break;
		}
		h = store_health(s);
		assert_true(store_close(s));
		rows = read_all(at, &mem,
				&(struct journal_query){.to = NEVER, .most = 5000});
		assert_in_range(rows.n, cases[i].least, cases[i].most);
		assert_int_equal(h.journal.rows, rows.n);
		assert_int_equal(h.journal.oldest_at, rows.v[0].record.at);
		assert_true(h.journal.bytes <= cases[i].bytes);
		assert_int_equal(rows.v[rows.n - 1].record.at, 10 * DAY + 99);
		buf_free(&notes);
		arena_free(&mem);
		remove_all(at);
	}
}

/* Nothing is sorted before the first row comes, whatever is asked. */
static void reading_sorts_nothing(void **state)
{
	const char *const any[] = {"x", "y"};
	const struct journal_query queries[] = {
		{.to = NEVER},
		{.from = 5, .to = NEVER},
		{.from = 5, .to = 7, .kinds = JOURNAL_KIND(RECORD_FLUSH)},
		{.to = NEVER, .receiver = "r", .delivery = "d", .any = any, .n_any = 2},
		{.to = 7, .any = any, .n_any = 2, .any_of = JOURNAL_KIND(RECORD_FLUSH)},
	};
	const char *at = folder();
	struct buf notes = BUF(1000);
	struct arena mem = {0};
	struct store *s = open_at(at, &notes);
	sqlite3 *db = NULL;

	(void)state;
	assert_true(store_close(s));
	assert_int_equal(sqlite3_open(arena_printf(&mem, "%s/tocsin.db", at), &db),
			 SQLITE_OK);
	for (size_t i = 0; i < COUNT_OF(queries); i++) {
		const char *sql = arena_printf(&mem, "EXPLAIN QUERY PLAN %s",
					       journal_sql(&mem, &queries[i]));
		sqlite3_stmt *st = NULL;

		assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
		while (sqlite3_step(st) == SQLITE_ROW) {
			const char *step = (const char *)sqlite3_column_text(st, 3);

			if (strstr(step, "TEMP B-TREE") ||
			    (strstr(step, "journal_at") && !strstr(step, "COVERING")))
				fail_msg("%s: %s", sql, step);
		}
		sqlite3_finalize(st);
	}
	sqlite3_close(db);
	arena_free(&mem);
	remove_all(at);
}

/* Also when the clock was set back on the way. */
static void rows_of_a_time_are_found(void **state)
{
	static const wall_ms written[] = {10, 50, 60, 20, 30, 40};
	static const struct {
		wall_ms from, to;
		size_t most, want;
		wall_ms first;
		bool is_cut;
	} cases[] = {
		{0, NEVER, 100, 6, 10, false}, {30, NEVER, 100, 4, 50, false},
		{20, 40, 100, 3, 20, false},   {61, NEVER, 100, 0, 0, false},
		{0, NEVER, 2, 2, 30, true},
	};
	const char *at = folder();
	struct buf notes = BUF(1000);
	struct arena mem = {0};
	struct store *s = open_at(at, &notes);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(written); i++)
		store_record(s, &(struct record){.kind = RECORD_START, .at = written[i]});
	assert_true(store_close(s));
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct journal_query q = {
			.from = cases[i].from, .to = cases[i].to, .most = cases[i].most};
		struct journal_rows rows = read_all(at, &mem, &q);

		assert_int_equal(rows.n, cases[i].want);
		assert_int_equal(rows.n ? rows.v[0].record.at : 0, cases[i].first);
		assert_int_equal(rows.is_cut, cases[i].is_cut);
	}
	arena_free(&mem);
	remove_all(at);
}

static bool count_to_two(void *ctx, const struct record *r)
{
	struct {
		size_t n;
		bool enough;
	} *c = ctx;

	(void)r;
	c->enough = ++c->n == 2;
	return true;
}

/* Only rows of some kinds need the text, and the reader ends it when it has enough. */
static void reading_is_ended_by_its_reader(void **state)
{
	const char *at = folder(), *any = "needle";
	struct buf notes = BUF(1000);
	struct arena mem = {0};
	struct store *s = open_at(at, &notes);
	struct {
		size_t n;
		bool enough;
	} counter = {0};
	struct journal_query q = {
		.to = NEVER, .any = &any, .n_any = 1, .any_of = JOURNAL_KIND(RECORD_FILE)};
	struct journal_rows rows;

	(void)state;
	store_record(s, &(struct record){.kind = RECORD_START, .at = 1});
	store_record(s, &(struct record){.kind = RECORD_FILE, .at = 2, .file = "needle"});
	store_record(s, &(struct record){.kind = RECORD_FILE, .at = 3, .file = "hay"});
	store_record(s, &(struct record){.kind = RECORD_STOP, .at = 4});
	assert_true(store_close(s));
	rows = read_all(at, &mem, &q);
	assert_int_equal(rows.n, 3);
	assert_int_equal(rows.v[1].record.at, 2);
	q.wants = count_to_two;
	q.ctx = &counter;
	q.enough = &counter.enough;
	rows = read_all(at, &mem, &q);
	assert_int_equal(rows.n, 2);
	assert_true(rows.is_cut);
	assert_int_equal(rows.read_to, 2);
	buf_free(&notes);
	arena_free(&mem);
	remove_all(at);
}

/* A journal that was never trimmed nor replaced begins with the daemon's first start. */
static void where_a_journal_begins_is_known(void **state)
{
	static const struct {
		const char *sql;
		wall_ms begins_at;
	} cases[] = {
		{"SELECT 1", 0},
		{"UPDATE journal SET data = "
		 "'{\"change\":\"replaced\",\"error\":\"malformed\"}' "
		 "WHERE id = 1",
		 10},
		{"UPDATE journal SET data = 'no JSON' WHERE id = 1", 10},
		{"DELETE FROM journal WHERE id = 1", 20},
		{"DELETE FROM journal; INSERT INTO journal (at, kind, reason, data) VALUES "
		 "(70, 'stop', 'none', '{}')",
		 70},
		{"DELETE FROM journal", NEVER},
	};
	const char *at = folder();
	struct buf notes = BUF(1000);
	struct arena mem = {0};
	struct store *s = open_at(at, &notes);

	(void)state;
	store_record(s, &(struct record){.kind = RECORD_START, .at = 10});
	store_record(s, &(struct record){.kind = RECORD_STOP, .at = 20});
	assert_true(store_close(s));
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct err err = {0};
		struct journal *j;
		wall_ms begins_at;

		break_table(at, cases[i].sql);
		j = journal_open(at, &err);
		assert_non_null(j);
		assert_true(journal_begins(j, &begins_at, &err));
		assert_int_equal(begins_at, cases[i].begins_at);
		journal_close(j);
	}
	buf_free(&notes);
	arena_free(&mem);
	remove_all(at);
}

static void open_deliveries_wait_for_their_outcome(void **state)
{
	const char *at = folder();
	struct buf notes = BUF(1000);
	struct store *s = open_at(at, &notes);
	static const uint64_t firing[] = {1, UINT64_MAX}, resolved[] = {7};
	struct open_delivery o = {"id1", "{}:{}", "r",	    "webhook", 2,
				  77,	 firing,  resolved, 2,	       1};

	(void)state;
	store_save_open(s, &o);
	o.id = "id2";
	store_save_open(s, &o);
	store_forget_open(s, "id1");
	assert_true(store_close(s));
	s = open_at(at, &notes);
	expect(s,
	       "open id2 of r webhook[2] since 77 firing 1 ffffffffffffffff resolved 7\n");
	assert_true(store_close(s));
	buf_free(&notes);
	remove_all(at);
}

/* -- the log of alerts ---------------------------------------------------------------- */

static void save_alert(struct store *s, struct arena *mem, int i, int64_t starts)
{
	const struct label label = {"alertname", arena_printf(mem, "A%d", i)},
			   note = {"summary", ""};
	struct alert alert = {.labels = labels_new(mem, &label, 1, NULL),
			      .annotations = labels_new_raw(mem, &note, 1, NULL),
			      .generator_url = "http://x/",
			      .starts_at = {starts, 0, 0}};

	store_save_alert(s, &alert, true);
}

static void when_an_alert_came_is_kept(void **state)
{
	const char *at = folder();
	struct buf notes = BUF(1000);
	struct arena mem = {0};
	struct store *s = open_at(at, &notes);
	const struct label label = {"alertname", "A"};
	const struct alert alert = {.labels = labels_new(&mem, &label, 1, NULL),
				    .annotations = &labels_none,
				    .generator_url = "http://x/",
				    .came_at = 1767225600123};

	(void)state;
	store_save_alert(s, &alert, true);
	assert_true(store_close(s));
	s = open_at(at, &notes);
	expect(s, "alert {alertname=\"A\"} 1970-01-01T00:00:00Z came at 1767225600123\n");
	assert_true(store_close(s));
	arena_free(&mem);
	remove_all(at);
}

static uint64_t fingerprint_of(struct arena *mem, int i)
{
	const struct label label = {"alertname", arena_printf(mem, "A%d", i)};

	return labels_new(mem, &label, 1, NULL)->fingerprint;
}

static void the_last_word_on_an_alert_counts(void **state)
{
	const char *at = folder();
	struct buf notes = BUF(1000);
	struct arena mem = {0};
	struct store *s = open_at(at, &notes);
	int done = 0;

	(void)state;
	save_alert(s, &mem, 1, 10);
	save_alert(s, &mem, 2, 20);
	wait_for(s, &done);
	save_alert(s, &mem, 3, 30);
	save_alert(s, &mem, 1, 11);
	store_forget_alert(s, fingerprint_of(&mem, 2));
	store_forget_alert(s, fingerprint_of(&mem, 9));
	assert_true(store_close(s));
	s = open_at(at, &notes);
	expect(s, "alert {alertname=\"A3\"} 1970-01-01T00:00:30Z\n"
		  "alert {alertname=\"A1\"} 1970-01-01T00:00:11Z\n");
	store_forget_alert(s, fingerprint_of(&mem, 1));
	save_alert(s, &mem, 2, 21);
	assert_true(store_close(s));
	s = open_at(at, &notes);
	expect(s, "alert {alertname=\"A3\"} 1970-01-01T00:00:30Z\n"
		  "alert {alertname=\"A2\"} 1970-01-01T00:00:21Z\n");
	assert_true(store_close(s));
	arena_free(&mem);
	remove_all(at);
}

static size_t log_bytes(const char *folder)
{
	struct arena mem = {0};
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	size_t bytes;

	assert_int_equal(sqlite3_open(arena_printf(&mem, "%s/tocsin.db", folder), &db),
			 SQLITE_OK);
	sqlite3_prepare_v2(db, "SELECT total(length(entries)) FROM alert_log", -1, &st,
			   NULL);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	bytes = (size_t)sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	arena_free(&mem);
	return bytes;
}

/* What the log of the database has goes into the file while nobody waits. */
static void a_long_log_is_folded_in(void **state)
{
	const char *at = folder();
	struct buf notes = BUF(1000), text = BUF(BUF_NO_LIMIT);
	struct arena mem = {0};
	struct store *s = open_at(at, &notes);
	int done = 0;

	(void)state;
	for (int i = 0; i < 100000; i++)
		buf_addf(&text, "# %d\n", i);
	for (int i = 0; i < 16; i++) /* 11 MB */
		store_save_rule_file(s, arena_printf(&mem, "%d.yml", i), buf_str(&text));
	wait_for(s, &done);
	assert_int_equal(done, 1);
	for (int tries = 0; tries < 500 && store_health(s).bytes < 8 * 1024 * 1024; tries++)
		usleep(10000);
	assert_true(store_health(s).bytes >= 8 * 1024 * 1024);
	assert_true(store_close(s));
	buf_free(&notes);
	buf_free(&text);
	arena_free(&mem);
	remove_all(at);
}

/* 150 alerts are said anew 3000 times, some leave: 40 MB of changes, 13 kB of state. */
static void the_log_of_alerts_is_kept_small(void **state)
{
	const char *at = folder();
	struct buf notes = BUF(1000);
	struct arena mem = {0};
	struct store *s = open_at(at, &notes);
	struct seen seen = {BUF(100000)};
	struct store_visitor v = {&seen,	  see_silence,	 see_told, see_alert,
				  see_rule_alert, see_rule_file, see_open, see_broken};
	bool is_damaged;
	size_t lines = 0;

	(void)state;
	for (int round = 1; round <= 3000; round++) {
		for (int i = 0; i < 150; i++)
			save_alert(s, &mem, i, round);
		if (round % 100 == 50)
			store_forget_alert(s, fingerprint_of(&mem, round / 100));
		arena_reset(&mem);
	}
	for (int i = 1; i <= 10; i++)
		store_forget_alert(s, fingerprint_of(&mem, i));
	for (int tries = 0; tries < 100 && log_bytes(at) > 20 * 1024 * 1024; tries++) {
		int done = 0;

		save_alert(s, &mem, 20, 3000);
		wait_for(s, &done);
	}
	assert_true(log_bytes(at) < 20 * 1024 * 1024);
	assert_true(store_close(s));
	s = open_at(at, &notes);
	assert_true(store_load(s, &v, &is_damaged, NULL));
	for (const char *p = buf_text(&seen.text); (p = strstr(p, "alert {")); p++)
		lines++;
	assert_int_equal(lines, 140);
	assert_null(strstr(buf_text(&seen.text), "00:49:59")); /* the round before */
	assert_true(store_close(s));
	buf_free(&seen.text);
	arena_free(&mem);
	remove_all(at);
}

static void a_cut_row_costs_only_its_end(void **state)
{
	const char *at = folder();
	struct buf notes = BUF(1000);
	struct arena mem = {0};
	struct store *s = open_at(at, &notes);

	(void)state;
	save_alert(s, &mem, 1, 10);
	save_alert(s, &mem, 2, 20);
	assert_true(store_close(s));
	break_table(at, "UPDATE alert_log SET"
			" entries = substr(entries, 1, length(entries) - 5)");
	s = open_at(at, &notes);
	expect(s, "alert {alertname=\"A1\"} 1970-01-01T00:00:10Z\n"
		  "broken alert_log 1: the row is cut off\n");
	assert_true(store_close(s));
	break_table(at, "UPDATE alert_log SET entries = replace(entries, 'A1', 'B1')");
	s = open_at(at, &notes);
	expect(s, "broken alert_log 1, alert 0617414345272fe2: its labels are not as they "
		  "were\nbroken alert_log 1: the row is cut off\n");
	assert_true(store_close(s));
	arena_free(&mem);
	remove_all(at);
}

static void alerts_of_an_older_version_go_on(void **state)
{
	const char *at = folder();
	struct buf notes = BUF(1000);
	struct store *s = open_at(at, &notes);

	(void)state;
	assert_true(store_close(s));
	break_table(at, "INSERT INTO alerts VALUES ('0', '{\"alertname\":\"Old\"}', '{}',"
			" '', '1970-01-01T00:00:07Z', '1970-01-01T00:00:08Z',"
			" '1970-01-01T00:00:07Z', 0)");
	for (int i = 0; i < 2; i++) {
		s = open_at(at, &notes);
		expect(s, "alert {alertname=\"Old\"} 1970-01-01T00:00:07Z\n");
		assert_true(store_close(s));
	}
	assert_true(log_bytes(at) > 0);
	remove_all(at);
}

static void a_failing_disk_costs_one_entry_an_alert(void **state)
{
	const char *at = folder();
	struct buf notes = BUF(1000);
	struct arena mem = {0};
	struct store *s = open_at(at, &notes);
	int done = 0;

	(void)state;
	break_table(at, "CREATE TRIGGER t BEFORE INSERT ON alert_log"
			" BEGIN SELECT RAISE(ABORT, 'no'); END");
	for (int i = 0; i < 10000; i++)
		save_alert(s, &mem, i % 2, i);
	wait_for(s, &done);
	assert_int_equal(done, -1);
	break_table(at, "DROP TRIGGER t");
	assert_true(store_close(s));
	assert_true(log_bytes(at) < 1000);
	s = open_at(at, &notes);
	expect(s, "alert {alertname=\"A0\"} 1970-01-01T02:46:38Z\n"
		  "alert {alertname=\"A1\"} 1970-01-01T02:46:39Z\n");
	assert_true(store_close(s));
	arena_free(&mem);
	remove_all(at);
}

static void the_journal_is_readable(void **state)
{
	const char *at = folder();
	struct buf notes = BUF(1000);
	struct record r = {.kind = RECORD_FLUSH,
			   .at = 1000,
			   .reason = NOTIFY_FIRST,
			   .group_key = "{}:{}",
			   .receiver = "ops"};
	struct store *s = open_at(at, &notes);
	char command[300], line[100] = "";
	FILE *in;

	(void)state;
	store_record(s, &r);
	assert_true(store_close(s));
	snprintf(command, sizeof(command),
		 "sqlite3 %s/tocsin.db 'select at, kind, reason, receiver from journal'",
		 at);
	in = popen(command, "r");
	assert_non_null(fgets(line, sizeof(line), in));
	pclose(in);
	assert_string_equal(line, "1000|flush|notify_first|ops\n");
	buf_free(&notes);
	remove_all(at);
}

/* Who waits for an open delivery does not wait for a hundred thousand rows before it, and
 * none of these is lost. */
static void open_deliveries_overtake(void **state)
{
	const char *at = folder();
	struct buf notes = BUF(1000);
	struct arena mem = {0};
	struct store *s = open_at(at, &notes);
	struct pollfd p = {.fd = store_fd(s), .events = POLLIN};
	struct open_delivery o = {.id = "x",
				  .group_key = "{}:{}",
				  .receiver = "r",
				  .integration = "webhook",
				  .at = 1};
	struct store_health before;
	int done = 0, every = 0;

	(void)state;
	for (int i = 0; i < 100000; i++)
		store_save_rule_file(s, arena_printf(&mem, "f%06d", i % 20000),
				     STR("groups: []"));
	poll(NULL, 0, 5); /* the writer begins */
	store_save_open(s, &o);
	store_sync_ledger(s, note, &done);
	while (!done) {
		assert_true(poll(&p, 1, 10000) > 0);
		store_poll(s);
	}
	assert_int_equal(done, 1);
	before = store_health(s);
	assert_true(before.writes < 100000);
	store_forget_open(s, "x");
	wait_for(s, &every);
	assert_int_equal(every, 1);
	assert_int_equal(store_health(s).queued, 0);
	assert_int_equal(store_health(s).writes, 100002);
	assert_true(store_close(s));
	buf_free(&notes);
	arena_free(&mem);
	remove_all(at);
}

static int64_t count_in(const char *folder, const char *sql)
{
	struct arena mem = {0};
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	int64_t n;

	assert_int_equal(sqlite3_open(arena_printf(&mem, "%s/tocsin.db", folder), &db),
			 SQLITE_OK);
	sqlite3_prepare_v2(db, sql, -1, &st, NULL);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_close(db);
	arena_free(&mem);
	return n;
}

/* Whoever is told of an alert is told on disk of one that is there, and the journal has the
 * decision: both were queued before, behind much else. What comes after may wait. */
static void what_a_delivery_names_goes_with_it(void **state)
{
	const char *at = folder();
	struct buf notes = BUF(1000);
	struct arena mem = {0};
	struct store *s = open_at(at, &notes);
	struct pollfd p = {.fd = store_fd(s), .events = POLLIN};
	struct open_delivery o = {.id = "x",
				  .group_key = "{}:{}",
				  .receiver = "r",
				  .integration = "webhook",
				  .at = 1};
	int done = 0, every = 0;

	(void)state;
	for (int i = 0; i < 100000; i++)
		store_save_rule_file(s, arena_printf(&mem, "f%06d", i % 20000),
				     STR("groups: []"));
	save_alert(s, &mem, 1, 10);
	store_record(s, &(struct record){.kind = RECORD_FLUSH, .at = 1});
	store_save_open(s, &o);
	store_sync_ledger(s, note, &done);
	for (int i = 0; i < 1000; i++)
		store_record(s, &(struct record){.kind = RECORD_CLOCK, .at = 2});
	while (!done) {
		assert_true(poll(&p, 1, 10000) > 0);
		store_poll(s);
	}
	assert_int_equal(count_in(at, "SELECT count(*) FROM open_deliveries"), 1);
	assert_int_equal(count_in(at, "SELECT count(*) FROM alert_log"), 1);
	assert_int_equal(count_in(at, "SELECT count(*) FROM journal WHERE kind = 'flush'"),
			 1);
	assert_true(store_health(s).writes < 100000);
	wait_for(s, &every);
	assert_int_equal(store_health(s).writes, 101003);
	assert_int_equal(count_in(at, "SELECT kind = 'flush' FROM journal ORDER BY id"), 1);
	assert_true(store_close(s));
	buf_free(&notes);
	arena_free(&mem);
	remove_all(at);
}

/* A failed batch keeps the order of what becomes of a delivery. */
static void open_deliveries_keep_their_order(void **state)
{
	const char *at = folder();
	struct buf notes = BUF(1000);
	struct store *s = open_at(at, &notes);
	struct pollfd p = {.fd = store_fd(s), .events = POLLIN};
	struct open_delivery o = {.id = "x",
				  .group_key = "{}:{}",
				  .receiver = "r",
				  .integration = "webhook",
				  .at = 1};
	int done = 0;

	(void)state;
	break_table(at, "CREATE TRIGGER t BEFORE INSERT ON rule_files"
			" BEGIN SELECT RAISE(ABORT, 'no'); END");
	store_save_rule_file(s, "f", STR("x"));
	store_save_open(s, &o);
	store_sync_ledger(s, note, &done);
	while (!done) {
		assert_true(poll(&p, 1, 10000) > 0);
		store_poll(s);
	}
	assert_int_equal(done, -1);
	store_forget_open(s, "x");
	o.id = "y";
	store_save_open(s, &o);
	break_table(at, "DROP TRIGGER t");
	assert_true(store_close(s));
	s = open_at(at, &notes);
	expect(s, "file f: x\nopen y of r webhook[0] since 1\n");
	assert_true(store_close(s));
	buf_free(&notes);
	remove_all(at);
}

/* What a wrong clock wrote, and in which order, keeps nothing else from going. */
static void clocks_that_were_wrong_do_not_stop_the_trimming(void **state)
{
	static const struct {
		wall_ms at[6];
		int64_t bytes;
		size_t left;
	} cases[] = {
		/* the last is now; ten days are kept */
		{{1 * DAY, 2 * DAY, 95 * DAY, 96 * DAY, 97 * DAY, 100 * DAY}, 1 << 20, 4},
		{{9000 * DAY, 9001 * DAY, 95 * DAY, 96 * DAY, 97 * DAY, 100 * DAY},
		 1 << 20,
		 4},
		{{9000 * DAY, 1 * DAY, 9000 * DAY, 96 * DAY, 97 * DAY, 100 * DAY},
		 1 << 20,
		 3},
		/* set back by a day: the rows are younger than they look */
		{{1 * DAY, 99 * DAY, 98 * DAY, 98 * DAY, 98 * DAY, 100 * DAY}, 1 << 20, 5},
		/* only behind one that stays: later */
		{{95 * DAY, 1 * DAY, 96 * DAY, 97 * DAY, 98 * DAY, 100 * DAY}, 1 << 20, 6},
		/* all too old but the last */
		{{1 * DAY, 2 * DAY, 3 * DAY, 4 * DAY, 5 * DAY, 100 * DAY}, 1 << 20, 1},
		/* by size: some 84 bytes a row, the oldest is not counted */
		{{95 * DAY, 96 * DAY, 97 * DAY, 98 * DAY, 99 * DAY, 100 * DAY}, 200, 3},
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const char *at = folder();
		struct buf notes = BUF(1000);
		struct store *s = store_open(
			&(struct store_options){.folder = at,
						.journal_age = 10 * DAY,
						.journal_bytes = cases[i].bytes},
			0, &notes, NULL);
		int done = 0;

		for (size_t k = 0; k < COUNT_OF(cases[i].at); k++)
			store_record(s, &(struct record){.kind = RECORD_START,
							 .at = cases[i].at[k]});
		wait_for(s, &done);
		assert_int_equal(store_health(s).journal.rows, cases[i].left);
		assert_true(store_close(s));
		assert_int_equal(count_in(at, "SELECT count(*) FROM journal"),
				 cases[i].left);
		buf_free(&notes);
		remove_all(at);
	}
}

/* The table told, as it was until schema 6. */
#define OLD_TOLD                                                                           \
	"CREATE TABLE old (key TEXT PRIMARY KEY, group_key TEXT NOT NULL,"                 \
	" receiver TEXT NOT NULL, integration TEXT NOT NULL, idx INTEGER NOT NULL,"        \
	" at INTEGER NOT NULL, expires_at INTEGER NOT NULL, firing BLOB NOT NULL,"         \
	" resolved BLOB NOT NULL, memory TEXT NOT NULL, maybe BLOB NOT NULL DEFAULT x'')"  \
	" WITHOUT ROWID;"                                                                  \
	"INSERT INTO old SELECT 'key ' || number, group_key, receiver, integration, idx,"  \
	" at, expires_at, firing, resolved, memory, maybe FROM told;"                      \
	"DROP TABLE told;"                                                                 \
	"ALTER TABLE old RENAME TO told"

/* What a file of the version before has stays, but for its journal. */
static void an_older_schema_grows(void **state)
{
	static const char *const old[] = {
		"DROP TABLE journal",
		"DROP TABLE open_deliveries",
		"DROP TABLE alert_log",
		OLD_TOLD,
		"ALTER TABLE told DROP COLUMN maybe",
		"ALTER TABLE rule_alerts DROP COLUMN interval",
		"INSERT INTO alerts VALUES ('0', '{\"alertname\":\"Grüße \\\"x\\\"\\n\"}',"
		" '{}', '', '2026-01-02T05:04:05.678901234+02:00', '2026-01-03T00:00:00Z',"
		" '2026-01-02T03:04:05Z', 0)",
		("CREATE TABLE journal (id INTEGER PRIMARY KEY, at INTEGER NOT NULL,"
		 " kind TEXT NOT NULL, reason TEXT NOT NULL, fingerprint TEXT, labels TEXT,"
		 " group_key TEXT, receiver TEXT, integration TEXT, cause TEXT,"
		 " delivery INTEGER)"),
		"CREATE INDEX journal_at ON journal (at)",
		("CREATE INDEX journal_fingerprint ON journal (fingerprint, at)"
		 " WHERE fingerprint IS NOT NULL"),
		"INSERT INTO journal (at, kind, reason) VALUES (1, 'flush', 'none')",
		"PRAGMA user_version = 2",
	};
	const char *at = folder();
	struct buf notes = BUF(1000);
	struct arena mem = {0};
	struct store *s = open_at(at, &notes);
	struct journal_rows rows;

	(void)state;
	fill(s, &mem);
	assert_true(store_close(s));
	for (size_t i = 0; i < COUNT_OF(old); i++)
		break_table(at, old[i]);
	s = open_at(at, &notes);
	expect(s, ALL("0"));
	store_record(s, &(struct record){.kind = RECORD_START, .at = 5});
	assert_true(store_close(s));
	rows = read_all(at, &mem, &(struct journal_query){.to = NEVER});
	assert_int_equal(rows.n, 1);
	assert_int_equal(rows.v[0].record.kind, RECORD_START);
	buf_free(&notes);
	arena_free(&mem);
	remove_all(at);
}

/* The total that a row has is reckoned for those that were written without. */
static void the_size_of_an_older_journal_is_known(void **state)
{
	static const char *const old[] = {
		"ALTER TABLE journal DROP COLUMN total",
		"ALTER TABLE rule_alerts DROP COLUMN interval",
		"CREATE TABLE journal_size (rows INTEGER NOT NULL, bytes INTEGER NOT NULL)",
		"INSERT INTO journal_size VALUES (3, 300)",
		"ALTER TABLE alert_log DROP COLUMN is_packed",
		OLD_TOLD,
		"PRAGMA user_version = 5",
	};
	const char *at = folder();
	struct buf notes = BUF(1000);
	struct store *s = open_at(at, &notes);
	int64_t bytes;

	(void)state;
	store_many(s, 50, DAY);
	assert_true(store_close(s));
	s = open_at(at, &notes);
	bytes = store_health(s).journal.bytes;
	assert_true(store_close(s));
	assert_true(bytes > 50 * 64);
	for (size_t i = 0; i < COUNT_OF(old); i++)
		break_table(at, old[i]);
	s = open_at(at, &notes);
	assert_int_equal(store_health(s).journal.bytes, bytes);
	assert_int_equal(store_health(s).journal.rows, 50);
	assert_true(store_close(s));
	buf_free(&notes);
	remove_all(at);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_synced_is_there),
		cmocka_unit_test(what_was_reported_survives_the_process),
		cmocka_unit_test(a_damaged_file_is_set_aside),
		cmocka_unit_test(damage_within_is_found_when_reading),
		cmocka_unit_test(a_new_file_is_taken_when_it_stands_alone),
		cmocka_unit_test(a_failing_disk_costs_one_write_a_row),
		cmocka_unit_test(the_last_word_on_an_alert_counts),
		cmocka_unit_test(when_an_alert_came_is_kept),
		cmocka_unit_test(the_log_of_alerts_is_kept_small),
		cmocka_unit_test(a_long_log_is_folded_in),
		cmocka_unit_test(a_cut_row_costs_only_its_end),
		cmocka_unit_test(alerts_of_an_older_version_go_on),
		cmocka_unit_test(a_failing_disk_costs_one_entry_an_alert),
		cmocka_unit_test(the_journal_is_readable),
		cmocka_unit_test(a_record_comes_back_whole),
		cmocka_unit_test(the_journal_is_trimmed),
		cmocka_unit_test(clocks_that_were_wrong_do_not_stop_the_trimming),
		cmocka_unit_test(the_size_of_an_older_journal_is_known),
		cmocka_unit_test(reading_sorts_nothing),
		cmocka_unit_test(rows_of_a_time_are_found),
		cmocka_unit_test(reading_is_ended_by_its_reader),
		cmocka_unit_test(where_a_journal_begins_is_known),
		cmocka_unit_test(open_deliveries_wait_for_their_outcome),
		cmocka_unit_test(an_older_schema_grows),
		cmocka_unit_test(open_deliveries_overtake),
		cmocka_unit_test(what_a_delivery_names_goes_with_it),
		cmocka_unit_test(open_deliveries_keep_their_order),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
