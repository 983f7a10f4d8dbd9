/*
 * Making entries below a folder as if it were /: links and ".." inside of it lead nowhere else
 * (openat2 RESOLVE_IN_ROOT for every parent, never following the last name). What unpacks
 * strangers' archives writes through this and nothing else.
 */
#ifndef SYS_ROOT_H
#define SYS_ROOT_H

#include "base/error.h"
#include "base/str.h"

struct root;

/* `folder` must exist. The owner frees it with root_close. */
MUST_USE enum status root_open(const char *folder, struct root **ret_root, struct error *error);
void root_close(struct root *root); /* NULL is fine */

struct root_meta {
	u32 mode;     /* permissions with suid, sgid and sticky */
	u32 uid, gid; /* set only when we are root */
	i64 mtime_ns;
};

/* Missing parents are made (0755, root). What stands at `path` and is no folder gives way; a folder
 * in the way of something else is removed with all that is in it. Paths are relative. */
MUST_USE enum status root_folder(struct root *root, const char *path, const struct root_meta *meta,
				 struct error *error);
/* Makes an empty file open for writing; the caller writes, then root_file_done closes it. */
MUST_USE enum status root_file(struct root *root, const char *path, int *ret_fd,
			       struct error *error);
MUST_USE enum status root_file_done(int fd, const struct root_meta *meta, struct error *error);
MUST_USE enum status root_symlink(struct root *root, const char *path, const char *target,
				  const struct root_meta *meta, struct error *error);
/* A second name for a file made before; `target` is looked up inside the root, too. */
MUST_USE enum status root_hard_link(struct root *root, const char *path, const char *target,
				    struct error *error);
/* A device or a fifo; `type` is S_IFCHR, S_IFBLK or S_IFIFO. */
MUST_USE enum status root_node(struct root *root, const char *path, u32 type, u32 major_number,
			       u32 minor_number, const struct root_meta *meta, struct error *error);
/* What overlayfs reads as "this name is gone" and "nothing below shines through this folder". */
MUST_USE enum status root_whiteout(struct root *root, const char *path, struct error *error);
MUST_USE enum status root_opaque(struct root *root, const char *path, struct error *error);
/* ST_OK when the file system knows no such attribute. */
MUST_USE enum status root_attribute(int fd, const char *name, struct str value,
				    struct error *error);
/* Folders' times change while they are filled: set at the end. */
void root_folder_time(struct root *root, const char *path, i64 mtime_ns);
/* Flushes the file system the root lies on. */
MUST_USE enum status root_sync(struct root *root, struct error *error);

#endif
