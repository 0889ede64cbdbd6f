#include "base/base.h"
#include "tocsind/sandbox.h"
#include "base/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Newer than some headers that we compile with. */
#define REFER	 (UINT64_C(1) << 13) /* from ABI 2 */
#define TRUNCATE (UINT64_C(1) << 14) /* 3 */
#define DEVICES	 (UINT64_C(1) << 15) /* 5: ioctl on them */

#define MAKE_SPECIAL                                                                       \
	(LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_FIFO |                     \
	 LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM |                     \
	 LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_REMOVE_DIR)
#define KEEP_FILES                                                                         \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE |                  \
	 LANDLOCK_ACCESS_FS_MAKE_REG | TRUNCATE)
#define KEEP_SOCKETS (LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REMOVE_FILE)

static uint64_t known_to(long abi)
{
	return LANDLOCK_ACCESS_FS_EXECUTE | MAKE_SPECIAL | LANDLOCK_ACCESS_FS_WRITE_FILE |
	       LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |
	       LANDLOCK_ACCESS_FS_MAKE_SOCK | (abi >= 2 ? REFER : 0) |
	       (abi >= 3 ? TRUNCATE : 0) | (abi >= 5 ? DEVICES : 0);
}

void sandbox_drop_privileges(void)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct caps[2] = {0};
	const uint32_t kept = 1u << CAP_CHOWN | 1u << CAP_DAC_OVERRIDE |
			      1u << CAP_DAC_READ_SEARCH | 1u << CAP_NET_BIND_SERVICE;

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (syscall(SYS_capget, &header, caps))
		return;
	caps[0].effective &= kept;
	caps[0].permitted &= kept;
	caps[0].inheritable = 0;
	memset(&caps[1], 0, sizeof(caps[1]));
	syscall(SYS_capset, &header, caps);
}

static bool allow(int rules, const char *folder, uint64_t access, struct err *err)
{
	struct landlock_path_beneath_attr rule = {.allowed_access = access};
	bool ok;

	rule.parent_fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return err_sys(err, (struct pos){folder, 0, 0}, "cannot open");
	ok = !syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) ||
	     err_sys(err, (struct pos){folder, 0, 0}, "cannot be made an exception");
	close(rule.parent_fd);
	return ok;
}

static const char *folder_of(struct arena *mem, const char *file)
{
	const char *slash = strrchr(file, '/');

	if (!slash)
		return ".";
	return arena_printf(mem, "%.*s", (int)MAX(slash - file, 1), file);
}

static bool allow_all(int rules, const struct sandbox *s, uint64_t known, struct err *err)
{
	struct arena mem = {0};
	bool ok = allow(rules, s->folder, KEEP_FILES & known, err);

	for (size_t i = 0; ok && i < s->n_unix_files; i++)
		ok = allow(rules, folder_of(&mem, s->unix_files[i]), KEEP_SOCKETS, err);
	arena_free(&mem);
	return ok;
}

bool sandbox_enter(const struct sandbox *s, struct err *err)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
			   LANDLOCK_CREATE_RULESET_VERSION);
	struct landlock_ruleset_attr attr = {.handled_access_fs = known_to(abi)};
	int rules;
	bool ok;

	if (abi < 1)
		return err_sys(err, NOWHERE, "the kernel has no Landlock");
	rules = (int)syscall(SYS_landlock_create_ruleset, &attr,
			     sizeof(attr.handled_access_fs), 0);
	if (rules < 0)
		return err_sys(err, NOWHERE, "Landlock");
	ok = allow_all(rules, s, attr.handled_access_fs, err) &&
	     (!syscall(SYS_landlock_restrict_self, rules, 0) ||
	      err_sys(err, NOWHERE, "Landlock"));
	close(rules);
	return ok;
}
