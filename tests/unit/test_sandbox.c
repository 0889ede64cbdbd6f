#include "base/base.h"
#include "base/arena.h"
#include "tocsind/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct place {
	char top[64], in[96], out[96], sockets[96];
};

static void make_place(struct place *p)
{
	strcpy(p->top, "/tmp/test-sandbox-XXXXXX");
	assert_non_null(mkdtemp(p->top));
	snprintf(p->in, sizeof(p->in), "%s/in", p->top);
	snprintf(p->out, sizeof(p->out), "%s/out", p->top);
	snprintf(p->sockets, sizeof(p->sockets), "%s/sockets", p->top);
	assert_int_equal(mkdir(p->in, 0700), 0);
	assert_int_equal(mkdir(p->out, 0700), 0);
	assert_int_equal(mkdir(p->sockets, 0700), 0);
}

static void remove_place(const struct place *p)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", p->top);
	assert_int_equal(system(command), 0);
}

/* 0, or the errno. */
static int try_write(const char *folder)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/file", folder);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int try_rename(const char *folder)
{
	char from[128], to[128];

	snprintf(from, sizeof(from), "%s/file", folder);
	snprintf(to, sizeof(to), "%s/other", folder);
	return rename(from, to) || unlink(to) ? errno : 0;
}

static int try_read(const char *path)
{
	int fd = open(path, O_RDONLY);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

static int try_listen(const char *folder)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	int code;

	snprintf(at.sun_path, sizeof(at.sun_path), "%s/s", folder);
	code = bind(fd, (struct sockaddr *)&at, sizeof(at)) ? errno : 0;
	close(fd);
	return code;
}

static int try_run(void)
{
	char program[] = "/bin/true";
	char *argv[] = {program, NULL};

	execv(program, argv);
	return errno;
}

/* Exit status of what follows in a process of its own, which is in the sandbox. */
#define SKIPPED 99
static int in_sandbox(const struct place *p, int (*attempt)(const struct place *))
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		char file[128];
		const char *files[] = {file};
		struct sandbox s = {p->in, files, 1};

		snprintf(file, sizeof(file), "%s/s", p->sockets);
		sandbox_drop_privileges();
		_exit(sandbox_enter(&s, NULL) ? attempt(p) : SKIPPED);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int write_in(const struct place *p)
{
	return try_write(p->in);
}
static int rename_in(const struct place *p)
{
	return try_write(p->in) ? 1 : try_rename(p->in);
}
static int write_out(const struct place *p)
{
	return try_write(p->out);
}
static int read_out(const struct place *p)
{
	(void)p;
	return try_read("/etc/passwd");
}
static int listen_there(const struct place *p)
{
	return try_listen(p->sockets);
}
static int listen_out(const struct place *p)
{
	return try_listen(p->out);
}
static int run_program(const struct place *p)
{
	(void)p;
	return try_run();
}
static int gain(const struct place *p)
{
	(void)p;
	return !prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
}

static void what_it_allows(void **state)
{
	static const struct {
		const char *what;
		int (*attempt)(const struct place *);
		int want;
	} cases[] = {
		{"writing in the folder", write_in, 0},
		{"renaming in the folder", rename_in, 0},
		{"writing elsewhere", write_out, EACCES},
		{"reading elsewhere", read_out, 0},
		{"a socket where it listens", listen_there, 0},
		{"a socket elsewhere", listen_out, EACCES},
		{"running a program", run_program, EACCES},
		{"gaining privileges", gain, 0},
	};
	struct place p;

	(void)state;
	make_place(&p);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		int got = in_sandbox(&p, cases[i].attempt);

		if (got == SKIPPED)
			print_message("no Landlock here: %s\n", cases[i].what);
		else if (got != cases[i].want)
			fail_msg("%s: %s", cases[i].what, strerror(got));
	}
	remove_place(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(what_it_allows)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
