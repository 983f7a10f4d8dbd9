/* Whole files in, whole files out, and trees that come and go; blocking, for small local files. */
#ifndef SYS_FILE_H
#define SYS_FILE_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"

#define CLOSE_FD CLEANUP(file_close_cleanup)
void file_close_cleanup(int *fd); /* for: int fd CLOSE_FD = open(…); -1 is fine */

/* Reads at most `max` bytes into the arena, with 32 NUL bytes after them (fit for
 * json_parse_in_place). ST_NOT_FOUND, ST_FORBIDDEN, ST_TOO_LARGE, ST_INTERNAL. */
MUST_USE enum status file_read(struct arena *arena, const char *path, size_t max,
			       struct str *ret_text, struct error *error);
/* The same for an open descriptor, from where it stands to its end; pipes too. */
MUST_USE enum status file_read_fd(struct arena *arena, int fd, size_t max, struct str *ret_text,
				  struct error *error);

/* Replaces or makes `path` as one step that survives a power cut: a temporary beside it, fsync,
 * rename, fsync of the folder. The mode is exact, whatever the umask. ST_NO_SPACE on a full disk.
 */
MUST_USE enum status file_write(const char *path, struct str text, u32 mode, struct error *error);
/* Writes in place, for /proc, /sys and cgroup files. */
MUST_USE enum status file_write_plain(const char *path, struct str text, struct error *error);
/* Makes a file (0600) of that many bytes which the disk has set aside. ST_NO_SPACE. */
MUST_USE enum status file_reserve(const char *path, u64 bytes, struct error *error);
/* Writes all of it to a descriptor. */
MUST_USE enum status file_write_fd(int fd, struct str text, struct error *error);

bool file_exists(const char *path);
bool file_is_dir(const char *path);

/* mkdir -p; the mode is for what is newly made. */
MUST_USE enum status file_mkdir_all(const char *path, u32 mode, struct error *error);
/* rm -rf that follows no link and crosses no mount (what is mounted there stays, and is an error:
 * ST_CONFLICT). Nothing there is fine. */
MUST_USE enum status file_remove_tree(const char *path, struct error *error);
/* Removes one file, link or socket; nothing there is fine. */
MUST_USE enum status file_remove(const char *path, struct error *error);

/* Names in a folder, without . and .., sorted; at most `max` of them, else ST_TOO_LARGE. */
MUST_USE enum status file_list(struct arena *arena, const char *path, u32 max,
			       struct str **ret_names, u32 *ret_len, struct error *error);

/* A status for an errno: ENOENT → ST_NOT_FOUND, ENOSPC and EDQUOT → ST_NO_SPACE, … */
enum status file_errno_status(int number);

/* Takes an exclusive lock on `path` (made 0600 when missing) that ends with the process or with
 * close(*ret_fd). ST_CONFLICT when another process has it. */
MUST_USE enum status file_lock(const char *path, int *ret_fd, struct error *error);

/* How much of the disk what lies below takes, as du says; links are not followed. 0: nothing. */
i64 file_tree_bytes(const char *path);

#endif
