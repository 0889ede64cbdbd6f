/* sandbox.h - gives up what the daemon never needs, for good: whoever takes it over gets
 * no more than it had.
 *
 *	no_new_privs		set-user-ID programs gain nothing
 *	capabilities		all but those to read and own files and to bind low ports
 *	Landlock		writes only below the storage folder, sockets only where
 *				they listen, and runs no program; it may read everything,
 *				as a reload may name any file
 *
 * Threads: it holds for the caller and the threads it starts later: call it before them.
 * Limits:  a kernel without Landlock (before 5.13, or switched off) gives the first two.
 */
#pragma once
#include "base/err.h"

struct sandbox {
	const char *folder;	       /* exists */
	const char *const *unix_files; /* sockets that will be made */
	size_t n_unix_files;
};

/* The two that every kernel has. */
void sandbox_drop_privileges(void);
/* True when Landlock is in force. False and err: it is not, and why; all else goes on. */
bool sandbox_enter(const struct sandbox *, struct err *);
