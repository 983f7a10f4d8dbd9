/* config.json: process, root, mounts, namespaces, and what is hidden. */
#include "node/oci_config.h"

#include "base/buffer.h"
#include "doc/build.h"
#include "node/oci_security.h"
#include "node/pod_worker.h"
#include "schema/quantity.h"

/* ---- command */

static struct str env_value(const struct str *env, u32 env_len, struct str name, bool *ret_found)
{
	for (u32 i = env_len; i-- > 0;) {
		struct str value = env[i], key = str_cut(&value, '=');

		if (str_eq(key, name)) {
			*ret_found = true;
			return value;
		}
	}
	*ret_found = false;
	return STR_NONE;
}

struct str oci_expand(struct arena *arena, struct str text, const struct str *env, u32 env_len)
{
	struct buffer out = BUFFER_INIT(1 << 20);

	for (size_t i = 0; i < text.len; i++) {
		char next = i + 1 < text.len ? text.at[i + 1] : 0;
		bool found = false;

		if (text.at[i] != '$' || (next != '$' && next != '(')) {
			buffer_add_char(&out, text.at[i]);
			continue;
		}
		if (next == '$') {
			buffer_add_char(&out, '$');
			i++;
			continue;
		}
		struct str rest = str_from(text, i + 2);
		i64 end = str_find_char(rest, ')');
		struct str value =
			end < 0 ? STR_NONE
				: env_value(env, env_len, str_part(rest, 0, (size_t)end), &found);

		if (!found) {
			buffer_add_char(&out, '$');
			continue;
		}
		buffer_add_str(&out, value);
		i += 2 + (size_t)end;
	}
	struct str done = str_copy(arena, buffer_str(&out));

	buffer_release(&out);
	return done;
}

static void add_expanded(struct build *b, const struct doc *words, const struct str *env, u32 len)
{
	doc_each_item(words, word)
		build_str(b, NULL, oci_expand(b->arena, doc_str(word), env, len));
}

const struct doc *oci_args(struct arena *arena, const struct doc *container,
			   const struct image *image, const struct str *env, u32 env_len)
{
	const struct doc *command = doc_key(container, "command");
	const struct doc *args = doc_key(container, "args");
	struct build b = build_array(arena);

	/* command alone also silences the image's CMD. */
	if (doc_len(command))
		add_expanded(&b, command, env, env_len);
	else
		for (u32 i = 0; i < image->entrypoint_len; i++)
			build_str(&b, NULL, image->entrypoint[i]);
	if (doc_len(args))
		add_expanded(&b, args, env, env_len);
	else if (!doc_len(command))
		for (u32 i = 0; i < image->cmd_len; i++)
			build_str(&b, NULL, image->cmd[i]);
	return build_done(&b);
}

/* ---- process */

static bool names_path(struct str entry)
{
	return str_starts(entry, STR("PATH="));
}

static void build_env(struct build *b, const struct oci_input *input)
{
	bool path = false;

	build_open_array(b, "env");
	for (u32 i = 0; i < input->image->env_len; i++) {
		struct str rest = input->image->env[i], key = str_cut(&rest, '=');
		bool found;

		env_value(input->env, input->env_len, key, &found);
		if (!found)
			build_str(b, NULL, input->image->env[i]);
		path |= names_path(input->image->env[i]);
	}
	for (u32 i = 0; i < input->env_len; i++) {
		build_str(b, NULL, input->env[i]);
		path |= names_path(input->env[i]);
	}
	if (!path)
		build_str(b, NULL,
			  STR("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"));
	build_close(b);
}

static void build_user(struct build *b, const struct oci_input *input)
{
	const struct doc *context = doc_at(input->pod, "spec.securityContext");

	build_open_object(b, "user");
	build_int(b, "uid", 0); /* settled where the image's passwd file can be read */
	build_int(b, "gid", 0);
	build_open_array(b, "additionalGids");
	doc_each_item(doc_key(context, "supplementalGroups"), group)
		build_doc(b, NULL, group);
	build_doc(b, NULL, doc_key(context, "fsGroup"));
	build_close(b);
	build_close(b);
}

static void build_process(struct build *b, const struct oci_input *input)
{
	struct str workdir = doc_at_str(input->container, "workingDir");
	bool lower = input->oom_score_adj < 0 && !input->can_lower_oom_score;

	if (!workdir.len)
		workdir = input->image->workdir;
	build_open_object(b, "process");
	build_bool(b, "terminal", doc_at_bool(input->container, "tty", false));
	build_user(b, input);
	build_doc(b, "args",
		  oci_args(b->arena, input->container, input->image, input->env, input->env_len));
	build_env(b, input);
	build_str(b, "cwd", workdir.len ? workdir : STR("/"));
	security_build_process(b, input);
	if (!lower)
		build_int(b, "oomScoreAdj", input->oom_score_adj);
	build_close(b);
}

/* ---- mounts */

struct fixed_mount {
	const char *target, *type, *source, *options[6];
};

static const struct fixed_mount fixed_mounts[] = {
	{ "/proc", "proc", "proc", { "nosuid", "noexec", "nodev" } },
	{ "/dev", "tmpfs", "tmpfs", { "nosuid", "strictatime", "mode=755", "size=65536k" } },
	{ "/dev/pts",
	  "devpts",
	  "devpts",
	  { "nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5" } },
	{ "/dev/mqueue", "mqueue", "mqueue", { "nosuid", "noexec", "nodev" } },
	{ "/sys", "sysfs", "sysfs", { "nosuid", "noexec", "nodev", "ro" } },
};

static bool is_mounted(const struct oci_input *input, const char *target)
{
	for (u32 i = 0; i < input->mounts_len; i++)
		if (str_is(input->mounts[i].target, target))
			return true;
	return false;
}

static void build_fixed(struct build *b, const struct fixed_mount *mount, bool privileged)
{
	build_open_object(b, NULL);
	build_str(b, "destination", str_of(mount->target));
	build_str(b, "type", str_of(mount->type));
	build_str(b, "source", str_of(mount->source));
	build_open_array(b, "options");
	for (u32 i = 0; i < ARRAY_LEN(mount->options) && mount->options[i]; i++)
		if (!privileged || !str_is(STR("ro"), mount->options[i]))
			build_str(b, NULL, str_of(mount->options[i]));
	build_close(b);
	build_close(b);
}

static void build_bind(struct build *b, const struct oci_mount *mount)
{
	build_open_object(b, NULL);
	build_str(b, "destination", mount->target);
	build_str(b, "type", STR("bind"));
	build_str(b, "source", mount->source);
	build_open_array(b, "options");
	build_str(b, NULL, STR("rbind"));
	build_str(b, NULL,
		  str_is(mount->propagation, "Bidirectional")	  ? STR("rshared")
		  : str_is(mount->propagation, "HostToContainer") ? STR("rslave")
								  : STR("rprivate"));
	build_str(b, NULL,
		  !mount->read_only  ? STR("rw")
		  : mount->recursive ? STR("rro")
				     : STR("ro"));
	build_close(b);
	build_close(b);
}

static void build_mounts(struct build *b, const struct oci_input *input)
{
	static const struct fixed_mount shm = { "/dev/shm",
						"tmpfs",
						"shm",
						{ "nosuid", "noexec", "nodev", "mode=1777",
						  "size=65536k" } };
	bool privileged = security_privileged(input->container);

	build_open_array(b, "mounts");
	for (size_t i = 0; i < ARRAY_LEN(fixed_mounts); i++)
		build_fixed(b, &fixed_mounts[i], privileged);
	if (!is_mounted(input, "/dev/shm"))
		build_fixed(b, &shm, privileged);
	for (u32 i = 0; i < input->mounts_len; i++)
		build_bind(b, &input->mounts[i]);
	build_close(b);
}

/* ---- linux */

static void build_namespace(struct build *b, const char *type, struct str path)
{
	build_open_object(b, NULL);
	build_str(b, "type", str_of(type));
	build_str_if(b, "path", path);
	build_close(b);
}

static void build_namespaces(struct build *b, const struct oci_input *input)
{
	build_open_array(b, "namespaces");
	build_namespace(b, "mount", STR_NONE);
	if (!doc_at_bool(input->pod, "spec.hostPID", false))
		build_namespace(b, "pid", input->pid);
	/* What has no path is the host's own: the sandbox always gives one otherwise. */
	if (input->net.len)
		build_namespace(b, "network", input->net);
	if (input->ipc.len)
		build_namespace(b, "ipc", input->ipc);
	if (input->uts.len)
		build_namespace(b, "uts", input->uts);
	build_close(b);
}

static void build_devices(struct build *b, const struct oci_input *input)
{
	if (!security_privileged(input->container))
		return;
	build_open_array(b, "devices");
	for (u32 i = 0; i < input->devices_len; i++) {
		const struct device *device = &input->devices[i];

		build_open_object(b, NULL);
		build_str(b, "path", device->path);
		build_str(b, "type", device->block ? STR("b") : STR("c"));
		build_int(b, "major", device->major);
		build_int(b, "minor", device->minor);
		build_int(b, "fileMode", device->mode);
		build_int(b, "uid", device->uid);
		build_int(b, "gid", device->gid);
		build_close(b);
	}
	build_close(b);
}

static void build_sysctls(struct build *b, const struct oci_input *input)
{
	const struct doc *sysctls = doc_at(input->pod, "spec.securityContext.sysctls");

	if (!doc_len(sysctls))
		return;
	build_open_object(b, "sysctl");
	doc_each_item(sysctls, one)
		build_pair(b, doc_at_str(one, "name"), doc_key(one, "value"));
	build_close(b);
}

const struct doc *oci_config(struct arena *arena, const struct oci_input *input)
{
	struct build b = build_object(arena);

	build_str(&b, "ociVersion", STR("1.0.2"));
	build_process(&b, input);
	build_open_object(&b, "root");
	build_str(&b, "path", STR("rootfs"));
	build_bool(&b, "readonly",
		   doc_at_bool(input->container, "securityContext.readOnlyRootFilesystem", false));
	build_close(&b);
	build_mounts(&b, input);
	build_open_object(&b, "linux");
	build_namespaces(&b, input);
	build_sysctls(&b, input);
	build_devices(&b, input);
	security_build_linux(&b, input);
	build_close(&b);
	return build_done(&b);
}

/* ---- limits */

/* -1: not said. */
static i64 resource(const struct doc *container, const char *list, const char *name, bool milli)
{
	const struct doc *value = doc_get(doc_at(container, list), str_of(name));

	if (!value)
		return -1;
	return milli ? quantity_milli(quantity_of(value)) : quantity_value(quantity_of(value));
}

struct container_limits container_limits(const struct doc *container, i64 pids)
{
	i64 request = resource(container, "resources.requests", "cpu", true);
	i64 limit = resource(container, "resources.limits", "cpu", true);
	i64 memory = resource(container, "resources.limits", "memory", false);
	struct container_limits limits = { .pids = pids };

	if (request < 0)
		request = limit;
	limits.memory_bytes = MAX(memory, 0);
	limits.cpu_shares = request > 0 ? MAX(request * 1024 / 1000, 2) : 2;
	limits.cpu_quota_us = limit > 0 ? MAX(limit * 100, 1000) : 0;
	return limits;
}

i32 container_oom_score(const struct doc *pod, const struct doc *container, i64 node_memory)
{
	struct str class = pod_qos_class(pod);
	i64 request = resource(container, "resources.requests", "memory", false);

	if (str_is(class, "Guaranteed"))
		return -997;
	if (str_is(class, "BestEffort") || node_memory <= 0)
		return 1000;
	return (i32)clamp_i64(1000 - 1000 * MAX(request, 0) / node_memory, 3, 999);
}
