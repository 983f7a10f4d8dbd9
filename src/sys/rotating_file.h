/*
 * A log of lines in a file that begins anew when it has grown large; old ones stay beside it under
 * the time of their end, a few of them, for a while. Written by a thread of its own: whoever adds
 * a line never waits. What cannot be kept (a slow or full disk) is counted and left out.
 */
#ifndef SYS_ROTATING_FILE_H
#define SYS_ROTATING_FILE_H

#include "base/error.h"
#include "base/str.h"

struct rotating_file;

struct rotating_config {
	const char *path;  /* "-": standard output, never rotated */
	u64 bytes_max;	   /* of one file; 0: 100 MiB */
	u32 backups_max;   /* 0: all */
	u32 days_max;	   /* 0: for ever */
	size_t queued_max; /* bytes waiting for the disk; 0: 16 MiB */
};

/* Opens or goes on with the file, mode 0600. ST_FORBIDDEN, ST_NOT_FOUND … with a sentence. */
MUST_USE enum status rotating_file_open(const struct rotating_config *config,
					struct rotating_file **ret_file, struct error *error);
void rotating_file_add(struct rotating_file *file, struct str line); /* with its newline */
u64 rotating_file_dropped(struct rotating_file *file);		     /* lines left out so far */
/* Writes what is queued, then closes. NULL is fine. */
void rotating_file_close(struct rotating_file *file);

#endif
