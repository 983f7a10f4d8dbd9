/* /proc/stat counts in ticks what the cores did; /proc/meminfo in KiB what memory is for. */
#include "sys/machine.h"

#include <stdlib.h>
#include <unistd.h>

#include "sys/file.h"

enum { PROC_BYTES_MAX = 1 << 20 };

/* The number behind a word at the start of a line; 0 when there is none. */
static u64 number_after(struct str text, const char *word)
{
	while (text.at) {
		struct str line = str_cut(&text, '\n');

		if (str_starts(line, str_of(word)))
			return strtoull(line.at + strlen(word), NULL, 10);
	}
	return 0;
}

/* user, nice, system, (idle, iowait,) irq, softirq, steal: guests are counted in user already. */
static u64 busy_ticks(struct str text)
{
	struct str line = str_cut(&text, '\n');
	const char *at = line.at + 3; /* "cpu" */
	u64 busy = 0;

	for (u32 field = 0; field < 8; field++) {
		char *end;
		u64 ticks = strtoull(at, &end, 10);

		if (field != 3 && field != 4)
			busy += ticks;
		at = end;
	}
	return busy;
}

enum status machine_usage(struct machine_usage *ret_usage, struct error *error)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct str stat, memory;
	enum status status = file_read(arena, "/proc/stat", PROC_BYTES_MAX, &stat, error);

	if (status == ST_OK)
		status = file_read(arena, "/proc/meminfo", PROC_BYTES_MAX, &memory, error);
	if (status != ST_OK)
		return status;
	if (!str_starts(stat, STR("cpu")))
		return fail(error, ST_INTERNAL, "/proc/stat does not begin with cpu");
	u64 total = number_after(memory, "MemTotal:");
	u64 unused = number_after(memory, "MemFree:") + number_after(memory, "Inactive(file):");

	*ret_usage = (struct machine_usage){
		.cpu_ns = busy_ticks(stat) * (u64)(NS_PER_S / sysconf(_SC_CLK_TCK)),
		.memory_bytes = (total > unused ? total - unused : 0) << 10,
		.started_wall_ns = (i64)number_after(stat, "btime ") * NS_PER_S,
	};
	return ST_OK;
}
