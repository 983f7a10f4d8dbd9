/* Mounts that containers need. All calls block shortly and work in the calling thread's namespace.
 */
#ifndef SYS_MOUNTS_H
#define SYS_MOUNTS_H

#include "base/error.h"
#include "base/str.h"

/* Stacks `lower` (topmost first) under upper. `work` must be empty and on upper's file system. */
MUST_USE enum status mount_overlay(const char *target, const struct str *lower, u32 lower_len,
				   const char *upper, const char *work, struct error *error);
/* The same for reading only, with nothing to write into. */
MUST_USE enum status mount_layers(const char *target, const struct str *lower, u32 lower_len,
				  struct error *error);
MUST_USE enum status mount_tmpfs(const char *target, i64 size_bytes, u32 mode,
				 struct error *error); /* 0: the kernel's limit */
MUST_USE enum status mount_bind(const char *source, const char *target, struct error *error);
/* Binds an open descriptor (O_PATH will do): no path is looked up a second time. */
MUST_USE enum status mount_bind_fd(int fd, const char *target, struct error *error);
/* Takes away all that is mounted at exactly this place; nothing there is fine. */
void mount_drop(const char *target);
/* Takes away everything mounted at `directory` and below it. */
void mount_drop_below(const char *directory);
/* True when something is mounted exactly there. */
bool mount_is_point(const char *path);
/* True when a namespace is bind-mounted there. */
bool mount_is_namespace(const char *path);

/* Opens `path` below the directory `root_fd` as if that were /: links and ".." cannot leave it
 * (openat2 RESOLVE_IN_ROOT). Close-on-exec. -1 and errno on failure. */
int open_in_root(int root_fd, const char *path, int flags, u32 mode);
/* mkdir -p inside such a root; returns an O_PATH descriptor of the last one. */
int mkdir_in_root(int root_fd, const char *path, u32 mode);

#endif
