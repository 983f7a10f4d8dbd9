/* Rows by number, as SQLite would hold them, and a queue of entries on their way. */
#include "sim/disk.h"

#include <stdlib.h>

#include "base/check.h"

struct disk_row {
	u64 number;
	struct str kind;
	struct version *version;
};

struct disk {
	struct log log;
	struct disk_row *rows; /* by number */
	u32 rows_len, rows_cap;
	struct log_entry *queue;
	u32 queue_len, queue_cap;
	u64 reserved;
};

static struct disk *disk_of(const struct log *log)
{
	return CONTAINER_OF(log, struct disk, log);
}

static u32 place(const struct disk *disk, u64 number)
{
	u32 low = 0, high = disk->rows_len;
	while (low < high) {
		u32 middle = (low + high) / 2;
		if (disk->rows[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void put_row(struct disk *disk, const struct log_entry *entry)
{
	u32 at = place(disk, entry->row);
	version_ref(entry->version);
	if (at < disk->rows_len && disk->rows[at].number == entry->row) {
		version_unref(disk->rows[at].version);
		disk->rows[at].version = entry->version;
		return;
	}
	if (disk->rows_len == disk->rows_cap) {
		disk->rows_cap = disk->rows_cap ? disk->rows_cap * 2 : 256;
		disk->rows = realloc(disk->rows, disk->rows_cap * sizeof *disk->rows);
		CHECK(disk->rows);
	}
	memmove(disk->rows + at + 1, disk->rows + at, (disk->rows_len - at) * sizeof *disk->rows);
	disk->rows[at] = (struct disk_row){ entry->row, entry->kind, entry->version };
	disk->rows_len++;
}

static void remove_row(struct disk *disk, u64 number)
{
	u32 at = place(disk, number);
	if (at == disk->rows_len || disk->rows[at].number != number)
		return;
	version_unref(disk->rows[at].version);
	disk->rows_len--;
	memmove(disk->rows + at, disk->rows + at + 1, (disk->rows_len - at) * sizeof *disk->rows);
}

static void write_down(struct disk *disk, const struct log_entry *entry)
{
	if (entry->change == LOG_RESERVE)
		disk->reserved = MAX(disk->reserved, entry->revision);
	else if (entry->change == LOG_REMOVE)
		remove_row(disk, entry->row);
	else
		put_row(disk, entry);
}

static enum status disk_load(struct log *log, const struct log_reader *reader, u64 *ret_revision,
			     struct error *error)
{
	struct disk *disk = disk_of(log);
	u64 revision = disk->reserved;
	for (u32 i = 0; i < disk->rows_len; i++) {
		const struct version *version = disk->rows[i].version;
		struct log_row row = { disk->rows[i].number, version->revision, disk->rows[i].kind,
				       version->namespace,   version->name,	version->json };
		enum status status = reader->row(reader->self, &row, error);
		if (status != ST_OK)
			return status;
		revision = MAX(revision, version->revision);
	}
	*ret_revision = revision;
	return ST_OK;
}

static void disk_append(struct log *log, const struct log_entry *entry)
{
	struct disk *disk = disk_of(log);
	version_ref(entry->version);
	if (disk->queue_len == disk->queue_cap) {
		disk->queue_cap = disk->queue_cap ? disk->queue_cap * 2 : 256;
		disk->queue = realloc(disk->queue, disk->queue_cap * sizeof *disk->queue);
		CHECK(disk->queue);
	}
	disk->queue[disk->queue_len++] = *entry;
}

static void take_down(struct disk *disk, u32 count, bool told)
{
	u32 len = MIN(count, disk->queue_len);
	if (!len)
		return;
	/* What telling leads to may append anew, so these leave the queue first. */
	struct log_entry *decided = malloc(len * sizeof *decided);
	CHECK(decided);
	memcpy(decided, disk->queue, len * sizeof *decided);
	disk->queue_len -= len;
	memmove(disk->queue, disk->queue + len, disk->queue_len * sizeof *disk->queue);
	for (u32 i = 0; i < len; i++)
		write_down(disk, &decided[i]);
	if (told && disk->log.events.committed)
		disk->log.events.committed(disk->log.events.self, decided, len);
	for (u32 i = 0; i < len; i++)
		version_unref(decided[i].version);
	free(decided);
}

static void forget_queue(struct disk *disk)
{
	for (u32 i = 0; i < disk->queue_len; i++)
		version_unref(disk->queue[i].version);
	disk->queue_len = 0;
}

static void disk_poll(struct log *log)
{
	(void)log; /* told when it happens */
}

static void disk_wait(struct log *log)
{
	disk_sync(log, UINT32_MAX);
}

static void disk_close(struct log *log)
{
	forget_queue(disk_of(log));
	log->events = (struct log_events){ 0 };
}

struct log *disk_new(void)
{
	static const struct log_ops ops = { disk_load, disk_append, disk_poll, disk_wait,
					    disk_close };
	struct disk *disk = calloc(1, sizeof *disk);
	CHECK(disk);
	disk->log.ops = &ops;
	return &disk->log;
}

void disk_free(struct log *log)
{
	struct disk *disk = disk_of(log);
	forget_queue(disk);
	for (u32 i = 0; i < disk->rows_len; i++)
		version_unref(disk->rows[i].version);
	free(disk->rows);
	free(disk->queue);
	free(disk);
}

void disk_sync(struct log *log, u32 count)
{
	take_down(disk_of(log), count, true);
}

void disk_sync_untold(struct log *log, u32 count)
{
	take_down(disk_of(log), count, false);
}

void disk_refuse(struct log *log)
{
	struct error error = ERROR_INIT;
	struct disk *disk = disk_of(log);
	(void)fail(&error, ST_NO_SPACE, "the simulated disk is full");
	forget_queue(disk);
	if (disk->log.events.failed)
		disk->log.events.failed(disk->log.events.self, &error);
}

u32 disk_waiting(const struct log *log)
{
	return disk_of(log)->queue_len;
}
