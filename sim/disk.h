/*
 * A log on a simulated disk. What was appended waits until the simulator lets it reach the disk;
 * a crash loses what waits, and may also leave writes on the disk that nobody was told of.
 */
#ifndef SIM_DISK_H
#define SIM_DISK_H

#include "store/log.h"

struct log *disk_new(void);
void disk_free(struct log *disk); /* log_close() only forgets what waits; the rows stay */

/* The oldest `count` waiting entries (at most) reach the disk, and the store is told. */
void disk_sync(struct log *disk, u32 count);
/* The same, but the store is never told: a crash must follow. */
void disk_sync_untold(struct log *disk, u32 count);
/* The disk is full: what waits is refused. */
void disk_refuse(struct log *disk);

u32 disk_waiting(const struct log *disk);

#endif
