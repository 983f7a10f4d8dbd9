/* Which control groups a machine has, read from recorded mount tables; and what is written into a
 * unified tree, on one laid out in a folder as the kernel lays out its own. */
#include "../unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/cgroup.h"
#include "sys/file.h"

static const char hybrid[] =
	"31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755\n"
	"32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:5 - cgroup cgroup "
	"rw,cpu,cpuacct\n"
	"35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n"
	"39 31 0:36 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids\n"
	"41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw\n";
static const char unified[] =
	"24 22 0:22 / /sys rw,nosuid - sysfs sysfs rw\n"
	"30 24 0:27 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n";

static void a_hybrid_machine_uses_v1(void **state)
{
	(void)state;
	struct cgroups cgroups;
	struct cgroup_files files;
	char path[CGROUP_PATH_MAX];

	cgroups_parse(&cgroups, str_of(hybrid), "/minke/x");
	assert_int_equal(cgroups.version, CGROUP_V1);
	assert_true(cgroups.hide_unified);
	assert_string_equal(cgroups.mounts[CGROUP_CPUACCT], "/sys/fs/cgroup/cpu,cpuacct");
	assert_true(cgroup_directory(&cgroups, CGROUP_MEMORY, "pod/c", path, sizeof path));
	assert_string_equal(path, "/sys/fs/cgroup/memory/minke/x/pod/c");
	assert_false(cgroup_directory(&cgroups, CGROUP_DEVICES, "pod/c", path, sizeof path));

	/* A tree that two controllers share is joined once. */
	cgroup_join_files(&cgroups, "c", &files);
	assert_string_equal(files.at[0], "/sys/fs/cgroup/memory/minke/x/c/cgroup.procs");
	assert_string_equal(files.at[1], "/sys/fs/cgroup/cpu,cpuacct/minke/x/c/cgroup.procs");
	assert_string_equal(files.at[2], "/sys/fs/cgroup/pids/minke/x/c/cgroup.procs");
	assert_null(files.at[3]);
}

static void a_unified_machine_uses_v2(void **state)
{
	(void)state;
	struct cgroups cgroups;
	char path[CGROUP_PATH_MAX];

	cgroups_parse(&cgroups, str_of(unified), "/minke/x");
	assert_int_equal(cgroups.version, CGROUP_V2);
	assert_false(cgroups.hide_unified);
	assert_true(cgroup_directory(&cgroups, CGROUP_PIDS, "c", path, sizeof path));
	assert_string_equal(path, "/sys/fs/cgroup/minke/x/c");
	cgroups_parse(&cgroups, STR("1 2 0:1 / / rw - ext4 x rw\n"), "/minke/x");
	assert_int_equal(cgroups.version, CGROUP_NONE);
}

/* ---- a laid-out tree: DIR/minke/x/pod/c */

static const char *const steps[] = { "", "/minke", "/minke/x", "/minke/x/pod", "/minke/x/pod/c" };

struct tree {
	char top[64];
	struct cgroups cgroups;
	int watch;
};

static const char *in_tree(const struct tree *tree, const char *step, const char *name)
{
	static char path[256];

	snprintf(path, sizeof path, "%s%s/%s", tree->top, step, name);
	return path;
}

static void put(const struct tree *tree, const char *step, const char *name, const char *text)
{
	FILE *file = fopen(in_tree(tree, step, name), "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void lay_out(struct tree *tree, const char *controllers)
{
	static const char *const files[] = {
		"cgroup.subtree_control", "cgroup.procs", "memory.max", "memory.swap.max",
		"memory.oom.group",	  "cpu.max",	  "cpu.weight", "pids.max"
	};

	strcpy(tree->top, "/tmp/minke-cgroup.XXXXXX");
	assert_non_null(mkdtemp(tree->top));
	tree->cgroups = (struct cgroups){ .version = CGROUP_V2, .unguarded = true };
	strcpy(tree->cgroups.unified, tree->top);
	strcpy(tree->cgroups.parent, "/minke/x");
	tree->watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		char folder[128];

		snprintf(folder, sizeof folder, "%s%s", tree->top, steps[i]);
		assert_true(i == 0 || mkdir(folder, 0755) == 0);
		put(tree, steps[i], "cgroup.controllers", controllers);
		for (size_t k = 0; k < ARRAY_LEN(files); k++)
			if (strncmp(files[k], "memory", 6) != 0 || strstr(controllers, "memory"))
				put(tree, steps[i], files[k], "");
		assert_int_equal(inotify_add_watch(tree->watch, folder, IN_MODIFY), (int)i + 1);
	}
}

static void tear_down(struct tree *tree)
{
	close(tree->watch);
	assert_int_equal(file_remove_tree(tree->top, NULL), ST_OK);
}

/* "0 cgroup.subtree_control, 4 memory.max, …": depth and file of each write so far. */
static void writes_are(const struct tree *tree, const char *wanted)
{
	char events[8192] __attribute__((aligned(8))), said[1024] = "";
	ssize_t len = read(tree->watch, events, sizeof events);

	for (ssize_t at = 0; at < len;) {
		struct inotify_event event;

		memcpy(&event, events + at, sizeof event);
		snprintf(said + strlen(said), sizeof said - strlen(said), "%s%d %s",
			 *said ? ", " : "", event.wd - 1, events + at + sizeof event);
		at += (ssize_t)(sizeof event + event.len);
	}
	assert_string_equal(said, wanted);
}

static void file_says(const struct tree *tree, const char *step, const char *name, const char *text)
{
	struct arena *arena = arena_new(0);
	struct str got;

	assert_int_equal(file_read(arena, in_tree(tree, step, name), 4096, &got, NULL), ST_OK);
	assert_string_equal(str_c(arena, got), text);
	arena_free(arena);
}

static void controllers_go_down_before_limits(void **state)
{
	(void)state;
	struct tree tree;
	struct error error = ERROR_INIT;
	const struct cgroup_limits limits = {
		.memory_bytes = 64 << 20, .cpu_shares = 1024, .cpu_quota_us = 50000, .pids = 100
	};
	const char *leaf = steps[4];

	lay_out(&tree, "cpuset cpu io memory hugetlb pids rdma misc\n");
	put(&tree, "", "cgroup.subtree_control", "cpuset cpu io memory pids\n"); /* by systemd */
	put(&tree, "/minke", "cgroup.subtree_control", "pids\n");
	while (read(tree.watch, (char[4096]){ 0 }, 4096) > 0)
		;
	assert_int_equal(cgroup_make(&tree.cgroups, "pod/c", &limits, &error), ST_OK);
	writes_are(&tree, "1 cgroup.subtree_control, 2 cgroup.subtree_control, "
			  "3 cgroup.subtree_control, 4 memory.max, 4 memory.swap.max, "
			  "4 memory.oom.group, 4 cpu.weight, 4 cpu.max, 4 pids.max");
	file_says(&tree, "/minke", "cgroup.subtree_control", "+cpu +memory");
	file_says(&tree, "/minke/x", "cgroup.subtree_control", "+cpu +memory +pids");
	file_says(&tree, leaf, "cgroup.subtree_control", "");
	file_says(&tree, leaf, "memory.max", "67108864");
	file_says(&tree, leaf, "memory.swap.max", "0");
	file_says(&tree, leaf, "memory.oom.group", "1");
	file_says(&tree, leaf, "cpu.weight", "39"); /* as crun: 1 + (1024 - 2) * 9999 / 262142 */
	file_says(&tree, leaf, "cpu.max", "50000 100000");
	file_says(&tree, leaf, "pids.max", "100");

	assert_int_equal(cgroup_join(&tree.cgroups, "pod/c", 4711, &error), ST_OK);
	writes_are(&tree, "4 cgroup.procs");
	file_says(&tree, leaf, "cgroup.procs", "4711");
	tear_down(&tree);
}

static void a_limit_nobody_can_keep_is_refused(void **state)
{
	(void)state;
	struct tree tree;
	struct error error = ERROR_INIT;
	struct cgroup_limits limits = { .cpu_shares = 2 };

	lay_out(&tree, "cpu pids\n");
	assert_int_equal(cgroup_make(&tree.cgroups, "pod/c", &limits, &error), ST_OK);
	file_says(&tree, steps[4], "cpu.weight", "1");
	file_says(&tree, "/minke/x", "cgroup.subtree_control", "+cpu +pids");
	limits.memory_bytes = 1 << 20;
	assert_int_equal(cgroup_set(&tree.cgroups, "pod/c", &limits, &error), ST_UNAVAILABLE);
	assert_non_null(strstr(error.message, "has no memory.max: the controller is not given"));
	tear_down(&tree);
}

static void usage_and_oom_are_read_from_the_unified_files(void **state)
{
	(void)state;
	struct tree tree;
	struct cgroup_usage usage;
	struct error error = ERROR_INIT;

	lay_out(&tree, "cpu memory pids\n");
	put(&tree, steps[4], "memory.current", "5242880\n");
	put(&tree, steps[4], "memory.stat", "anon 1048576\nfile 4194304\ninactive_file 1048576\n");
	put(&tree, steps[4], "cpu.stat", "usage_usec 2500\nuser_usec 2000\nsystem_usec 500\n");
	put(&tree, steps[4], "pids.current", "3\n");
	assert_int_equal(cgroup_usage(&tree.cgroups, "pod/c", &usage, &error), ST_OK);
	assert_int_equal(usage.memory_bytes, 4 << 20);
	assert_int_equal(usage.cpu_ns, 2500000);
	assert_int_equal(usage.pids, 3);
	put(&tree, steps[4], "memory.events",
	    "low 0\nhigh 0\nmax 12\noom 1\noom_kill 0\noom_group_kill 0\n");
	assert_int_equal(cgroup_oom_kills(&tree.cgroups, "pod/c"), 0);
	put(&tree, steps[4], "memory.events",
	    "low 0\nhigh 0\nmax 12\noom 1\noom_kill 2\noom_group_kill 1\n");
	assert_int_equal(cgroup_oom_kills(&tree.cgroups, "pod/c"), 2);
	assert_int_equal(cgroup_oom_kills(&tree.cgroups, "pod/none"), 0);
	tear_down(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(controllers_go_down_before_limits),
		cmocka_unit_test(a_limit_nobody_can_keep_is_refused),
		cmocka_unit_test(usage_and_oom_are_read_from_the_unified_files),
		cmocka_unit_test(a_hybrid_machine_uses_v1),
		cmocka_unit_test(a_unified_machine_uses_v2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
