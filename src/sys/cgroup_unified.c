/* One tree for all controllers: handed down step by step, limits, and who may open which device. */
#include "sys/cgroup_unified.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { EVACUATE_ROUNDS = 5 };

static const char *const wanted_controllers[] = { "cpu", "memory", "pids" };

bool cgroup_read(const char *path, char *text, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t got = 0;

	if (fd < 0)
		return false;
	while (len + 1 < room && (got = read(fd, text + len, room - 1 - len)) > 0)
		len += (size_t)got;
	close(fd);
	text[len] = 0;
	return got >= 0;
}

bool cgroup_write(const char *directory, const char *name, const char *text)
{
	char path[CGROUP_PATH_MAX + 64];
	size_t len = strlen(text);

	snprintf(path, sizeof path, "%s/%s", directory, name);
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	ssize_t wrote = write(fd, text, len);
	int number = errno;

	close(fd);
	errno = number;
	return wrote == (ssize_t)len;
}

bool cgroup_write_number(const char *directory, const char *name, i64 value)
{
	char text[32];

	snprintf(text, sizeof text, "%" PRId64, value);
	return cgroup_write(directory, name, text);
}

/* ---- controllers */

static bool has_word(const char *text, const char *word)
{
	struct str rest = str_of(text);

	while (rest.at)
		if (str_is(str_trim(str_cut(&rest, ' ')), word))
			return true;
	return false;
}

static void read_words(const char *path, const char *name, char *text, size_t room)
{
	char file[CGROUP_PATH_MAX + 64];

	snprintf(file, sizeof file, "%s/%s", path, name);
	if (!cgroup_read(file, text, room))
		*text = 0;
}

/* Moves whoever is in `path` into a leaf below it; they may fork meanwhile, so some rounds. */
static void evacuate(const char *path)
{
	char leaf[CGROUP_PATH_MAX + 32], text[16384];

	snprintf(leaf, sizeof leaf, "%s/minke-others", path);
	if (mkdir(leaf, 0755) && errno != EEXIST)
		return;
	for (int i = 0; i < EVACUATE_ROUNDS; i++) {
		read_words(path, "cgroup.procs", text, sizeof text);
		if (!*text)
			return;
		for (struct str rest = str_of(text); rest.at;) {
			char pid[16];

			snprintf(pid, sizeof pid, STR_FMT, STR_ARG(str_cut(&rest, '\n')));
			if (*pid)
				cgroup_write(leaf, "cgroup.procs", pid);
		}
	}
}

enum status cgroup_hand_down(const char *path, bool top, struct error *error)
{
	char there[512], given[512], wish[64] = "", type[CGROUP_PATH_MAX + 16];

	read_words(path, "cgroup.controllers", there, sizeof there);
	read_words(path, "cgroup.subtree_control", given, sizeof given);
	for (size_t i = 0; i < ARRAY_LEN(wanted_controllers); i++)
		if (has_word(there, wanted_controllers[i]) &&
		    !has_word(given, wanted_controllers[i]))
			snprintf(wish + strlen(wish), sizeof wish - strlen(wish), "%s+%s",
				 *wish ? " " : "", wanted_controllers[i]);
	if (!*wish || cgroup_write(path, "cgroup.subtree_control", wish))
		return ST_OK;
	int number = errno;

	/* The machine's root group has no type and is free of the rule; a container's is not. */
	snprintf(type, sizeof type, "%s/cgroup.type", path);
	if (number == EBUSY && top && access(type, F_OK) == 0) {
		evacuate(path);
		if (cgroup_write(path, "cgroup.subtree_control", wish))
			return ST_OK;
		number = errno;
	}
	if (number == EBUSY)
		return fail(error, ST_UNAVAILABLE,
			    "control group %s holds processes, so its children get no limits "
			    "(%s): name another with --cgroup-parent",
			    path, wish);
	return fail(error, ST_UNAVAILABLE, "handing controllers down in control group %s (%s): %s",
		    path, wish, strerror(number));
}

/* ---- limits */

static enum status refuse(const char *path, const char *file, struct error *error)
{
	if (errno == ENOENT)
		return fail(error, ST_UNAVAILABLE,
			    "control group %s has no %s: the controller is not given to it", path,
			    file);
	return fail(error, ST_INTERNAL, "setting %s of control group %s: %s", file, path,
		    strerror(errno));
}

enum status cgroup_limit_unified(const char *path, const struct cgroup_limits *limits,
				 struct error *error)
{
	char text[64];

	if (limits->memory_bytes > 0) {
		if (!cgroup_write_number(path, "memory.max", limits->memory_bytes))
			return refuse(path, "memory.max", error);
		cgroup_write(path, "memory.swap.max", "0"); /* not there without swap accounting */
		/* One process over the limit ends the container, not a random part of it. */
		cgroup_write(path, "memory.oom.group", "1");
	}
	/* 2…262144 onto 1…10000, as the OCI runtimes do. A wish, so its failure is none. */
	if (limits->cpu_shares > 0)
		cgroup_write_number(path, "cpu.weight",
				    1 + (clamp_i64(limits->cpu_shares, 2, 262144) - 2) * 9999 /
						    262142);
	snprintf(text, sizeof text, "%" PRId64 " 100000", MAX(limits->cpu_quota_us, 1000));
	if (limits->cpu_quota_us > 0 && !cgroup_write(path, "cpu.max", text))
		return refuse(path, "cpu.max", error);
	if (limits->pids > 0 && !cgroup_write_number(path, "pids.max", limits->pids) &&
	    errno != ENOENT)
		return refuse(path, "pids.max", error);
	return ST_OK;
}

/* ---- devices */

/* The kernel's instructions, as few as are needed: registers 2…5 hold kind, access, major, minor.
 */
#define LOAD(register, offset)                                                                     \
	{                                                                                          \
		BPF_LDX | BPF_MEM | BPF_W, register, BPF_REG_1, offset, 0                          \
	}
#define AND(register, value)                                                                       \
	{                                                                                          \
		BPF_ALU64 | BPF_AND | BPF_K, register, 0, 0, value                                 \
	}
#define SHIFT(register, bits)                                                                      \
	{                                                                                          \
		BPF_ALU64 | BPF_RSH | BPF_K, register, 0, 0, bits                                  \
	}
#define SKIP_IF(register, value, count)                                                            \
	{                                                                                          \
		BPF_JMP | BPF_JEQ | BPF_K, register, 0, count, value                               \
	}
#define SKIP_UNLESS(register, value, count)                                                        \
	{                                                                                          \
		BPF_JMP | BPF_JNE | BPF_K, register, 0, count, value                               \
	}
#define ANSWER(value)                                                                              \
	{                                                                                          \
		BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, value                                \
	}
#define DONE                                                                                       \
	{                                                                                          \
		BPF_JMP | BPF_EXIT, 0, 0, 0, 0                                                     \
	}

static const struct bpf_insn device_program[] = {
	LOAD(BPF_REG_2, 0), /* access << 16 | kind */
	LOAD(BPF_REG_3, 0),
	LOAD(BPF_REG_4, 4),
	LOAD(BPF_REG_5, 8),
	AND(BPF_REG_2, 0xffff),
	SHIFT(BPF_REG_3, 16),
	SKIP_IF(BPF_REG_3, BPF_DEVCG_ACC_MKNOD, 12), /* making one is no harm, opening it is */
	SKIP_UNLESS(BPF_REG_2, BPF_DEVCG_DEV_CHAR, 13),
	SKIP_IF(BPF_REG_4, 136, 10), /* pseudo-terminals */
	SKIP_UNLESS(BPF_REG_4, 1, 5),
	SKIP_IF(BPF_REG_5, 3, 8), /* null, zero, full, random, urandom */
	SKIP_IF(BPF_REG_5, 5, 7),
	SKIP_IF(BPF_REG_5, 7, 6),
	SKIP_IF(BPF_REG_5, 8, 5),
	SKIP_IF(BPF_REG_5, 9, 4),
	SKIP_UNLESS(BPF_REG_4, 5, 5),
	SKIP_IF(BPF_REG_5, 0, 2), /* tty, console, ptmx */
	SKIP_IF(BPF_REG_5, 1, 1),
	SKIP_UNLESS(BPF_REG_5, 2, 2),
	ANSWER(1),
	DONE,
	ANSWER(0),
	DONE,
};

enum status cgroup_guard_devices(const char *path, struct error *error)
{
	union bpf_attr load = {
		.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE,
		.insn_cnt = ARRAY_LEN(device_program),
		.insns = (u64)(uintptr_t)device_program,
		.license = (u64)(uintptr_t) "GPL", /* asks for no helper; the kernel wants a word */
	};
	int group = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int program = group >= 0 ? (int)syscall(SYS_bpf, BPF_PROG_LOAD, &load, sizeof load) : -1;
	union bpf_attr attach = {
		.target_fd = (u32)group,
		.attach_bpf_fd = (u32)program,
		.attach_type = BPF_CGROUP_DEVICE,
		.attach_flags = BPF_F_ALLOW_MULTI,
	};
	bool well = program >= 0 && syscall(SYS_bpf, BPF_PROG_ATTACH, &attach, sizeof attach) == 0;
	int number = errno;

	/* The group keeps the program until it goes itself. */
	if (program >= 0)
		close(program);
	if (group >= 0)
		close(group);
	return well ? ST_OK
		    : fail(error, ST_UNAVAILABLE, "guarding the devices of control group %s: %s",
			   path, strerror(number));
}
