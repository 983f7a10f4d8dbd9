/* Which control groups a machine has, read from recorded mount tables. */
#include "../unit.h"

#include "sys/cgroup.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hybrid_machine_uses_v1),
		cmocka_unit_test(a_unified_machine_uses_v2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
