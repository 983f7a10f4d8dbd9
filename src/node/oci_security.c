/*
 * securityContext, read as Kubernetes does: the container's word over the pod's.
 * https://kubernetes.io/docs/tasks/configure-pod-container/security-context
 */
#include "node/oci_security.h"

/* By number, linux/capability.h. */
static const char *const capability_names[] = {
	"CHOWN",
	"DAC_OVERRIDE",
	"DAC_READ_SEARCH",
	"FOWNER",
	"FSETID",
	"KILL",
	"SETGID",
	"SETUID",
	"SETPCAP",
	"LINUX_IMMUTABLE",
	"NET_BIND_SERVICE",
	"NET_BROADCAST",
	"NET_ADMIN",
	"NET_RAW",
	"IPC_LOCK",
	"IPC_OWNER",
	"SYS_MODULE",
	"SYS_RAWIO",
	"SYS_CHROOT",
	"SYS_PTRACE",
	"SYS_PACCT",
	"SYS_ADMIN",
	"SYS_BOOT",
	"SYS_NICE",
	"SYS_RESOURCE",
	"SYS_TIME",
	"SYS_TTY_CONFIG",
	"MKNOD",
	"LEASE",
	"AUDIT_WRITE",
	"AUDIT_CONTROL",
	"SETFCAP",
	"MAC_OVERRIDE",
	"MAC_ADMIN",
	"SYSLOG",
	"WAKE_ALARM",
	"BLOCK_SUSPEND",
	"AUDIT_READ",
	"PERFMON",
	"BPF",
	"CHECKPOINT_RESTORE",
};

/* What containerd and CRI-O's docker-compatible set give by default. */
static const char *const default_names[] = {
	"CHOWN",   "DAC_OVERRIDE", "FSETID",	       "FOWNER",
	"MKNOD",   "NET_RAW",	   "SETGID",	       "SETUID",
	"SETFCAP", "SETPCAP",	   "NET_BIND_SERVICE", "SYS_CHROOT",
	"KILL",	   "AUDIT_WRITE",
};

static u64 capability_bit(struct str name)
{
	if (str_starts(name, STR("CAP_")))
		name = str_from(name, 4);
	for (size_t i = 0; i < ARRAY_LEN(capability_names); i++)
		if (str_is(name, capability_names[i]))
			return 1ull << i;
	return str_is(name, "ALL") ? (1ull << ARRAY_LEN(capability_names)) - 1 : 0;
}

static u64 wanted_capabilities(const struct doc *container)
{
	const struct doc *lists = doc_at(container, "securityContext.capabilities");
	u64 wanted = 0, all = capability_bit(STR("ALL"));
	bool drop_all = false;

	if (security_privileged(container))
		return all;
	doc_each_item(doc_key(lists, "drop"), name)
		drop_all |= str_is(doc_str(name), "ALL");
	for (size_t i = 0; !drop_all && i < ARRAY_LEN(default_names); i++)
		wanted |= capability_bit(str_of(default_names[i]));
	doc_each_item(doc_key(lists, "add"), name)
		wanted |= capability_bit(doc_str(name));
	doc_each_item(doc_key(lists, "drop"), name)
		if (!str_is(doc_str(name), "ALL"))
			wanted &= ~capability_bit(doc_str(name));
	return wanted;
}

static void build_set(struct build *b, const char *key, u64 set)
{
	build_open_array(b, key);
	for (size_t i = 0; i < ARRAY_LEN(capability_names); i++)
		if (set >> i & 1)
			build_str(b, NULL, str_format(b->arena, "CAP_%s", capability_names[i]));
	build_close(b);
}

void security_build_process(struct build *b, const struct oci_input *input)
{
	u64 set = wanted_capabilities(input->container) & input->own_capabilities;
	const struct doc *escalate =
		doc_at(input->container, "securityContext.allowPrivilegeEscalation");

	build_open_object(b, "capabilities");
	build_set(b, "bounding", set);
	build_set(b, "effective", set);
	build_set(b, "permitted", set);
	build_close(b);
	build_bool(b, "noNewPrivileges",
		   doc_is(escalate, DOC_FALSE) && !security_privileged(input->container));
}

/* ---- seccomp: what nobody in a container needs and old holes were in */

static const char *const refused_calls[] = {
	"acct",
	"add_key",
	"bpf",
	"clock_adjtime",
	"clock_settime",
	"create_module",
	"delete_module",
	"finit_module",
	"fsconfig",
	"fsmount",
	"fsopen",
	"fspick",
	"get_kernel_syms",
	"get_mempolicy",
	"init_module",
	"io_uring_enter",
	"io_uring_register",
	"io_uring_setup",
	"ioperm",
	"iopl",
	"kexec_file_load",
	"kexec_load",
	"keyctl",
	"lookup_dcookie",
	"mbind",
	"mount",
	"mount_setattr",
	"move_mount",
	"move_pages",
	"name_to_handle_at",
	"nfsservctl",
	"open_by_handle_at",
	"open_tree",
	"perf_event_open",
	"pivot_root",
	"quotactl",
	"reboot",
	"request_key",
	"set_mempolicy",
	"setns",
	"settimeofday",
	"stime",
	"swapoff",
	"swapon",
	"syslog",
	"_sysctl",
	"umount",
	"umount2",
	"unshare",
	"uselib",
	"userfaultfd",
	"ustat",
	"vhangup",
	"vm86",
	"vm86old",
};

static bool wants_seccomp(const struct oci_input *input)
{
	struct str type = doc_at_str(input->container, "securityContext.seccompProfile.type");

	if (!type.len)
		type = doc_at_str(input->pod, "spec.securityContext.seccompProfile.type");
	return str_is(type, "RuntimeDefault") && !security_privileged(input->container);
}

static void build_seccomp(struct build *b)
{
	build_open_object(b, "seccomp");
	build_str(b, "defaultAction", STR("SCMP_ACT_ALLOW"));
	/* No architectures named: the machine's own. */
	build_open_array(b, "syscalls");
	build_open_object(b, NULL);
	build_open_array(b, "names");
	for (size_t i = 0; i < ARRAY_LEN(refused_calls); i++)
		build_str(b, NULL, str_of(refused_calls[i]));
	build_close(b);
	build_str(b, "action", STR("SCMP_ACT_ERRNO"));
	build_close(b);
	build_close(b);
	build_close(b);
}

static void build_paths(struct build *b, const char *key, const char *const *paths, size_t len)
{
	build_open_array(b, key);
	for (size_t i = 0; i < len; i++)
		build_str(b, NULL, str_of(paths[i]));
	build_close(b);
}

void security_build_linux(struct build *b, const struct oci_input *input)
{
	static const char *const masked[] = {
		"/proc/acpi",	     "/proc/kcore",
		"/proc/keys",	     "/proc/latency_stats",
		"/proc/timer_list",  "/proc/timer_stats",
		"/proc/sched_debug", "/proc/scsi",
		"/sys/firmware",     "/sys/devices/virtual/powercap",
	};
	static const char *const read_only[] = {
		"/proc/asound", "/proc/bus", "/proc/fs",
		"/proc/irq",	"/proc/sys", "/proc/sysrq-trigger"
	};
	bool unmasked =
		str_is(doc_at_str(input->container, "securityContext.procMount"), "Unmasked");

	if (security_privileged(input->container))
		return;
	if (!unmasked) {
		build_paths(b, "maskedPaths", masked, ARRAY_LEN(masked));
		build_paths(b, "readonlyPaths", read_only, ARRAY_LEN(read_only));
	}
	if (wants_seccomp(input))
		build_seccomp(b);
}

/* ---- who */

bool security_privileged(const struct doc *container)
{
	return doc_at_bool(container, "securityContext.privileged", false);
}

static const struct doc *either(const struct doc *pod, const struct doc *container,
				const char *name)
{
	const struct doc *own = doc_get(doc_at(container, "securityContext"), str_of(name));

	return !doc_is_null(own) ? own : doc_get(doc_at(pod, "spec.securityContext"), str_of(name));
}

i64 security_user(const struct doc *pod, const struct doc *container)
{
	return doc_int_or(either(pod, container, "runAsUser"), -1);
}

i64 security_group(const struct doc *pod, const struct doc *container)
{
	return doc_int_or(either(pod, container, "runAsGroup"), -1);
}

enum status security_check_user(const struct doc *pod, const struct doc *container,
				const struct image *image, struct error *error)
{
	i64 user = security_user(pod, container);
	struct str rest = image->user, name = str_cut(&rest, ':');

	if (!doc_bool_or(either(pod, container, "runAsNonRoot"), false) || user > 0)
		return ST_OK;
	if (user == 0)
		return fail(error, ST_INVALID,
			    "container's runAsUser breaks non-root policy (pod: \"" STR_FMT
			    "_" STR_FMT "(" STR_FMT ")\", container: " STR_FMT ")",
			    STR_ARG(doc_at_str(pod, "metadata.name")),
			    STR_ARG(doc_at_str(pod, "metadata.namespace")),
			    STR_ARG(doc_at_str(pod, "metadata.uid")),
			    STR_ARG(doc_at_str(container, "name")));
	if (name.len && !str_to_i64(name, &user))
		return fail(error, ST_INVALID,
			    "container has runAsNonRoot and image has non-numeric user (" STR_FMT
			    "), cannot verify user is non-root (pod: \"" STR_FMT "_" STR_FMT
			    "(" STR_FMT ")\", container: " STR_FMT ")",
			    STR_ARG(name), STR_ARG(doc_at_str(pod, "metadata.name")),
			    STR_ARG(doc_at_str(pod, "metadata.namespace")),
			    STR_ARG(doc_at_str(pod, "metadata.uid")),
			    STR_ARG(doc_at_str(container, "name")));
	if (!name.len || user == 0)
		return fail(error, ST_INVALID,
			    "container has runAsNonRoot and image will run as root (pod: \"" STR_FMT
			    "_" STR_FMT "(" STR_FMT ")\", container: " STR_FMT ")",
			    STR_ARG(doc_at_str(pod, "metadata.name")),
			    STR_ARG(doc_at_str(pod, "metadata.namespace")),
			    STR_ARG(doc_at_str(pod, "metadata.uid")),
			    STR_ARG(doc_at_str(container, "name")));
	return ST_OK;
}
