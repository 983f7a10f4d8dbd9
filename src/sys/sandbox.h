/*
 * Locks the calling process in: what it does afterwards with strangers' bytes can reach one folder
 * and the network, nothing else. One way: there is no leaving. Linux' means, all of them that the
 * kernel at hand has: namespaces, a root of its own, few capabilities, no new privileges, a list of
 * system calls, Landlock.
 */
#ifndef SYS_SANDBOX_H
#define SYS_SANDBOX_H

#include "base/error.h"

/* Where the folder is found after sandbox_enter. */
#define SANDBOX_FOLDER "/work"

/* Forks: only the child returns, as process 1 of its own PID namespace, with `folder` at
 * SANDBOX_FOLDER (read and write), and /etc, /usr and what the resolver needs read-only. The parent
 * waits for it and exits with its code; when the parent is killed, the child goes too.
 * Needs root. Libraries must have been loaded before; nothing can be executed afterwards. */
MUST_USE enum status sandbox_enter(const char *folder, struct error *error);

#endif
