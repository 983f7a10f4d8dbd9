/* Rows in an array sorted by their numbers; entries wait in a queue while the log is held. */
#include "store/log_memory.h"

#include <stdlib.h>

#include "base/check.h"

struct row {
	u64 number;
	struct str kind;
	struct version *version;
};

struct log_memory {
	struct log log;
	bool held;
	struct row *rows;
	u32 rows_len, rows_cap;
	u64 reserved;
	struct log_entry *queue; /* holds references */
	u32 queue_len, queue_cap;
};

static struct log_memory *memory_of(const struct log *log)
{
	return CONTAINER_OF(log, struct log_memory, log);
}

static u32 row_place(const struct log_memory *memory, u64 number)
{
	u32 low = 0, high = memory->rows_len;

	while (low < high) {
		u32 middle = (low + high) / 2;

		if (memory->rows[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void remove_row(struct log_memory *memory, u64 number)
{
	u32 at = row_place(memory, number);

	if (at == memory->rows_len || memory->rows[at].number != number)
		return;
	version_unref(memory->rows[at].version);
	memory->rows_len--;
	memmove(memory->rows + at, memory->rows + at + 1,
		(memory->rows_len - at) * sizeof *memory->rows);
}

static void put_row(struct log_memory *memory, const struct log_entry *entry)
{
	u32 at = row_place(memory, entry->row);

	version_ref(entry->version);
	if (at < memory->rows_len && memory->rows[at].number == entry->row) {
		version_unref(memory->rows[at].version);
		memory->rows[at].version = entry->version;
		return;
	}
	if (memory->rows_len == memory->rows_cap) {
		memory->rows_cap = memory->rows_cap ? memory->rows_cap * 2 : 64;
		memory->rows = realloc(memory->rows, memory->rows_cap * sizeof *memory->rows);
		CHECK(memory->rows);
	}
	memmove(memory->rows + at + 1, memory->rows + at,
		(memory->rows_len - at) * sizeof *memory->rows);
	memory->rows[at] = (struct row){ entry->row, entry->kind, entry->version };
	memory->rows_len++;
}

static void apply(struct log_memory *memory, const struct log_entry *entry)
{
	if (entry->change == LOG_RESERVE)
		memory->reserved = entry->revision;
	else if (entry->change == LOG_REMOVE)
		remove_row(memory, entry->row);
	else
		put_row(memory, entry);
}

static void report(struct log_memory *memory, const struct log_entry *entries, u32 len)
{
	if (memory->log.events.committed)
		memory->log.events.committed(memory->log.events.self, entries, len);
	for (u32 i = 0; i < len; i++)
		version_unref(entries[i].version);
}

static enum status memory_load(struct log *log, const struct log_reader *reader,
			       u64 *ret_revision, struct error *error)
{
	struct log_memory *memory = memory_of(log);
	u64 revision = memory->reserved;

	for (u32 i = 0; i < memory->rows_len; i++) {
		const struct version *version = memory->rows[i].version;
		struct log_row row = { memory->rows[i].number, version->revision,
				       memory->rows[i].kind, version->namespace, version->name,
				       version->json };
		enum status status = reader->row(reader->self, &row, error);

		if (status)
			return status;
		revision = MAX(revision, version->revision);
	}
	*ret_revision = revision;
	return ST_OK;
}

static void memory_append(struct log *log, const struct log_entry *entry)
{
	struct log_memory *memory = memory_of(log);

	version_ref(entry->version);
	if (!memory->held) {
		apply(memory, entry);
		report(memory, entry, 1);
		return;
	}
	if (memory->queue_len == memory->queue_cap) {
		memory->queue_cap = memory->queue_cap ? memory->queue_cap * 2 : 64;
		memory->queue = realloc(memory->queue, memory->queue_cap * sizeof *memory->queue);
		CHECK(memory->queue);
	}
	memory->queue[memory->queue_len++] = *entry;
}

static void memory_poll(struct log *log)
{
	(void)log; /* everything is reported when it happens */
}

static void memory_wait(struct log *log)
{
	log_memory_commit(log, UINT32_MAX);
}

static void forget_queue(struct log_memory *memory)
{
	for (u32 i = 0; i < memory->queue_len; i++)
		version_unref(memory->queue[i].version);
	memory->queue_len = 0;
}

static void memory_close(struct log *log)
{
	forget_queue(memory_of(log));
	log->events = (struct log_events){ 0 };
}

struct log *log_memory_new(void)
{
	static const struct log_ops ops = { memory_load, memory_append, memory_poll, memory_wait,
					    memory_close };
	struct log_memory *memory = calloc(1, sizeof *memory);

	CHECK(memory);
	memory->log.ops = &ops;
	return &memory->log;
}

void log_memory_free(struct log *log)
{
	if (!log)
		return;
	struct log_memory *memory = memory_of(log);

	forget_queue(memory);
	for (u32 i = 0; i < memory->rows_len; i++)
		version_unref(memory->rows[i].version);
	free(memory->rows);
	free(memory->queue);
	free(memory);
}

void log_memory_hold(struct log *log, bool held)
{
	memory_of(log)->held = held;
	if (!held)
		log_memory_commit(log, UINT32_MAX);
}

void log_memory_commit(struct log *log, u32 count)
{
	struct log_memory *memory = memory_of(log);
	u32 len = MIN(count, memory->queue_len);

	if (!len)
		return;
	/* What reporting leads to may append anew, so the decided ones leave the queue first. */
	struct log_entry *decided = malloc(len * sizeof *decided);

	CHECK(decided);
	memcpy(decided, memory->queue, len * sizeof *decided);
	memory->queue_len -= len;
	memmove(memory->queue, memory->queue + len, memory->queue_len * sizeof *memory->queue);
	for (u32 i = 0; i < len; i++)
		apply(memory, &decided[i]);
	report(memory, decided, len);
	free(decided);
}

void log_memory_fail(struct log *log, enum status status)
{
	struct log_memory *memory = memory_of(log);
	struct error error = ERROR_INIT;

	fail(&error, status, "the log was told to fail");
	forget_queue(memory);
	if (memory->log.events.failed)
		memory->log.events.failed(memory->log.events.self, &error);
}

u32 log_memory_waiting(const struct log *log)
{
	return memory_of(log)->queue_len;
}

u32 log_memory_rows(const struct log *log)
{
	return memory_of(log)->rows_len;
}
