/* The checks of level baseline, and how the results of all checks become one sentence. */
#include "server/pod_security.h"

#include <stdlib.h>

#include "base/buffer.h"

/* ---- words */

void words_add(struct arena *arena, struct words *words, struct str word)
{
	for (u32 i = 0; i < words->list.len; i++)
		if (str_eq(words->list.at[i], word))
			return;
	VEC_PUSH(arena, &words->list, word);
}

static int compare(const void *a, const void *b)
{
	return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

struct str words_quote(struct arena *arena, const struct words *words, bool sorted)
{
	struct str *quoted = ARENA_ARRAY(arena, struct str, words->list.len + 1);

	for (u32 i = 0; i < words->list.len; i++)
		quoted[i] = str_format(arena, "\"" STR_FMT "\"", STR_ARG(words->list.at[i]));
	if (sorted && words->list.len)
		qsort(quoted, words->list.len, sizeof *quoted, compare);
	return str_join(arena, quoted, words->list.len, STR(", "));
}

struct str words_join(struct arena *arena, const struct words *words, const char *between)
{
	return str_join(arena, words->list.at, words->list.len, str_of(between));
}

struct str words_containers(struct arena *arena, const struct words *names)
{
	return str_format(arena, "container%s " STR_FMT, names->list.len == 1 ? "" : "s",
			  STR_ARG(words_quote(arena, names, false)));
}

struct str words_setters(struct arena *arena, bool pod, const struct words *containers)
{
	if (!containers->list.len)
		return pod ? STR("pod") : STR("");
	return str_format(arena, "%s" STR_FMT, pod ? "pod and " : "",
			  STR_ARG(words_containers(arena, containers)));
}

/* ---- what several checks ask */

bool security_is_windows(const struct security_check *check)
{
	return check->minor >= 25 && str_is(doc_at_str(check->spec, "os.name"), "windows");
}

bool security_relaxed(const struct security_check *check)
{
	return check->minor >= 35 && !doc_at_bool(check->spec, "hostUsers", true);
}

bool security_seccomp_is_fine(struct str type)
{
	return str_is(type, "RuntimeDefault") || str_is(type, "Localhost");
}

static bool among(struct str word, const char *const *list, u32 len)
{
	for (u32 i = 0; i < len; i++)
		if (str_is(word, list[i]))
			return true;
	return false;
}

/* ---- baseline, in the order of their names */

static bool old_profile_is_fine(struct str profile)
{
	return profile.len == 0 || str_is(profile, "runtime/default") ||
	       str_starts(profile, STR("localhost/"));
}

static void check_app_armor(struct security_check *c)
{
	static const char prefix[] = "container.apparmor.security.beta.kubernetes.io/";
	struct words found = { 0 }, setters = { 0 }, types = { 0 };
	struct str type = doc_at_str(c->spec, "securityContext.appArmorProfile.type");
	bool pod = type.len && !security_seccomp_is_fine(type);

	if (pod)
		words_add(c->arena, &types, type);
	security_each(c, container)
	{
		type = doc_at_str(container, "securityContext.appArmorProfile.type");
		if (!type.len || security_seccomp_is_fine(type))
			continue;
		words_add(c->arena, &setters, security_name(container));
		words_add(c->arena, &types, type);
	}
	if (types.list.len)
		words_add(c->arena, &found,
			  str_format(c->arena,
				     STR_FMT " must not set AppArmor profile type to " STR_FMT,
				     STR_ARG(words_setters(c->arena, pod, &setters)),
				     STR_ARG(words_quote(c->arena, &types, true))));
	doc_each_pair(doc_key(c->meta, "annotations"), key, value) {
		if (!str_starts(key, str_of(prefix)) || old_profile_is_fine(doc_str(value)))
			continue;
		words_add(c->arena, &types, doc_str(value));
		words_add(c->arena, &found,
			  str_format(c->arena, STR_FMT "=\"" STR_FMT "\"", STR_ARG(key),
				     STR_ARG(doc_str(value))));
	}
	if (!found.list.len)
		return;
	c->reason = types.list.len == 1 ? STR("forbidden AppArmor profile")
					: STR("forbidden AppArmor profiles");
	c->detail = words_join(c->arena, &found, ", ");
}

static void check_capabilities(struct security_check *c)
{
	static const char *const allowed[] = {
		"AUDIT_WRITE", "CHOWN",	 "DAC_OVERRIDE",     "FOWNER",	"FSETID",
		"KILL",	       "MKNOD",	 "NET_BIND_SERVICE", "SETFCAP", "SETGID",
		"SETPCAP",     "SETUID", "SYS_CHROOT",
	};
	struct words names = { 0 }, forbidden = { 0 };

	security_each(c, container)
		doc_each_item(doc_at(container, "securityContext.capabilities.add"), added)
	{
		if (among(doc_str(added), allowed, ARRAY_LEN(allowed)))
			continue;
		words_add(c->arena, &names, security_name(container));
		words_add(c->arena, &forbidden, doc_str(added));
	}
	if (!names.list.len)
		return;
	c->reason = STR("non-default capabilities");
	c->detail = str_format(c->arena,
			       STR_FMT " must not include " STR_FMT
				       " in securityContext.capabilities.add",
			       STR_ARG(words_containers(c->arena, &names)),
			       STR_ARG(words_quote(c->arena, &forbidden, true)));
}

static void check_host_namespaces(struct security_check *c)
{
	static const char *const fields[] = { "hostNetwork", "hostPID", "hostIPC" };
	struct words set = { 0 };

	for (u32 i = 0; i < ARRAY_LEN(fields); i++)
		if (doc_at_bool(c->spec, fields[i], false))
			words_add(c->arena, &set, str_format(c->arena, "%s=true", fields[i]));
	if (!set.list.len)
		return;
	c->reason = STR("host namespaces");
	c->detail = words_join(c->arena, &set, ", ");
}

static void check_host_path(struct security_check *c)
{
	struct words names = { 0 };

	doc_each_item(doc_key(c->spec, "volumes"), volume)
		if (doc_key(volume, "hostPath"))
			words_add(c->arena, &names, security_name(volume));
	if (!names.list.len)
		return;
	c->reason = STR("hostPath volumes");
	c->detail = str_format(c->arena, "volume%s " STR_FMT, names.list.len == 1 ? "" : "s",
			       STR_ARG(words_quote(c->arena, &names, false)));
}

static void check_host_ports(struct security_check *c)
{
	struct words names = { 0 }, ports = { 0 };

	security_each(c, container) doc_each_item(doc_key(container, "ports"), port)
	{
		i64 number = doc_at_int(port, "hostPort", 0);

		if (!number)
			continue;
		words_add(c->arena, &names, security_name(container));
		words_add(c->arena, &ports, str_format(c->arena, "%lld", (long long)number));
	}
	if (!names.list.len)
		return;
	if (ports.list.len > 1)
		qsort(ports.list.at, ports.list.len, sizeof *ports.list.at, compare);
	c->reason = STR("hostPort");
	c->detail = str_format(c->arena, STR_FMT " use%s hostPort%s " STR_FMT,
			       STR_ARG(words_containers(c->arena, &names)),
			       names.list.len == 1 ? "s" : "", ports.list.len == 1 ? "" : "s",
			       STR_ARG(words_join(c->arena, &ports, ", ")));
}

static void check_host_probes(struct security_check *c)
{
	static const char *const handlers[] = {
		"livenessProbe",       "readinessProbe",    "startupProbe",
		"lifecycle.postStart", "lifecycle.preStop",
	};
	static const char *const ways[] = { "httpGet.host", "tcpSocket.host" };
	struct words names = { 0 }, hosts = { 0 };

	if (c->minor < 34)
		return;
	security_each(c, container) for (u32 i = 0; i < ARRAY_LEN(handlers) * ARRAY_LEN(ways); i++)
	{
		struct str host = doc_at_str(doc_at(container, handlers[i / 2]), ways[i % 2]);

		if (!host.len)
			continue;
		words_add(c->arena, &names, security_name(container));
		words_add(c->arena, &hosts, host);
	}
	if (!names.list.len)
		return;
	c->reason = STR("probe or lifecycle host");
	c->detail = str_format(
		c->arena, "container%s " STR_FMT " use%s probe or lifecycle host%s " STR_FMT,
		names.list.len == 1 ? "" : "s", STR_ARG(words_quote(c->arena, &names, true)),
		names.list.len == 1 ? "s" : "", hosts.list.len == 1 ? "" : "s",
		STR_ARG(words_quote(c->arena, &hosts, true)));
}

static void check_privileged(struct security_check *c)
{
	struct words names = { 0 };

	security_each(c, container) if (doc_at_bool(container, "securityContext.privileged", false))
		words_add(c->arena, &names, security_name(container));
	if (!names.list.len)
		return;
	c->reason = STR("privileged");
	c->detail = str_format(c->arena, STR_FMT " must not set securityContext.privileged=true",
			       STR_ARG(words_containers(c->arena, &names)));
}

static void check_proc_mount(struct security_check *c)
{
	struct words names = { 0 }, types = { 0 };

	security_each(c, container)
	{
		struct str type = doc_at_str(container, "securityContext.procMount");

		if (!type.len || str_is(type, "Default") || security_relaxed(c))
			continue;
		words_add(c->arena, &names, security_name(container));
		words_add(c->arena, &types, type);
	}
	if (!names.list.len)
		return;
	c->reason = STR("procMount");
	c->detail =
		str_format(c->arena, STR_FMT " must not set securityContext.procMount to " STR_FMT,
			   STR_ARG(words_containers(c->arena, &names)),
			   STR_ARG(words_quote(c->arena, &types, true)));
}

struct se_linux {
	struct words types;
	bool user, role;
};

static bool se_linux_is_bad(struct security_check *c, struct se_linux *found,
			    const struct doc *context)
{
	static const char *const allowed[] = { "", "container_t", "container_init_t",
					       "container_kvm_t", "container_engine_t" };
	const struct doc *options = doc_key(context, "seLinuxOptions");
	struct str type = doc_at_str(options, "type");
	bool user = doc_at_str(options, "user").len, role = doc_at_str(options, "role").len;
	bool bad = !among(type, allowed, ARRAY_LEN(allowed) - (c->minor < 31));

	if (bad)
		words_add(c->arena, &found->types, type);
	found->user |= user;
	found->role |= role;
	return bad || user || role;
}

static void check_se_linux(struct security_check *c)
{
	struct se_linux found = { 0 };
	struct words names = { 0 }, said = { 0 };
	bool pod = se_linux_is_bad(c, &found, doc_key(c->spec, "securityContext"));

	security_each(
		c, container) if (se_linux_is_bad(c, &found, doc_key(container, "securityContext")))
		words_add(c->arena, &names, security_name(container));
	if (!pod && !names.list.len)
		return;
	if (found.types.list.len)
		words_add(c->arena, &said,
			  str_format(c->arena, "type%s " STR_FMT,
				     found.types.list.len == 1 ? "" : "s",
				     STR_ARG(words_quote(c->arena, &found.types, true))));
	if (found.user)
		words_add(c->arena, &said, STR("user may not be set"));
	if (found.role)
		words_add(c->arena, &said, STR("role may not be set"));
	c->reason = STR("seLinuxOptions");
	c->detail = str_format(c->arena,
			       STR_FMT " set forbidden securityContext.seLinuxOptions: " STR_FMT,
			       STR_ARG(words_setters(c->arena, pod, &names)),
			       STR_ARG(words_join(c->arena, &said, "; ")));
}

static void check_sysctls(struct security_check *c)
{
	static const struct {
		const char *name;
		u32 since;
	} allowed[] = {
		{ "kernel.shm_rmid_forced", 0 },
		{ "net.ipv4.ip_local_port_range", 0 },
		{ "net.ipv4.tcp_syncookies", 0 },
		{ "net.ipv4.ping_group_range", 0 },
		{ "net.ipv4.ip_unprivileged_port_start", 0 },
		{ "net.ipv4.ip_local_reserved_ports", 27 },
		{ "net.ipv4.tcp_keepalive_time", 29 },
		{ "net.ipv4.tcp_fin_timeout", 29 },
		{ "net.ipv4.tcp_keepalive_intvl", 29 },
		{ "net.ipv4.tcp_keepalive_probes", 29 },
		{ "net.ipv4.tcp_rmem", 32 },
		{ "net.ipv4.tcp_wmem", 32 },
	};
	struct words found = { 0 };

	doc_each_item(doc_at(c->spec, "securityContext.sysctls"), sysctl) {
		bool fine = false;

		for (u32 i = 0; i < ARRAY_LEN(allowed); i++)
			fine = fine || (c->minor >= allowed[i].since &&
					str_is(security_name(sysctl), allowed[i].name));
		if (!fine)
			words_add(c->arena, &found, security_name(sysctl));
	}
	if (!found.list.len)
		return;
	c->reason = STR("forbidden sysctls");
	c->detail = words_join(c->arena, &found, ", ");
}

static void check_windows(struct security_check *c)
{
	static const char path[] = "windowsOptions.hostProcess";
	const struct doc *context = doc_key(c->spec, "securityContext");
	bool pod = doc_at_bool(context, path, false);
	struct words names = { 0 };

	security_each(
		c, container) if (doc_at_bool(doc_key(container, "securityContext"), path, false))
		words_add(c->arena, &names, security_name(container));
	if (!pod && !names.list.len)
		return;
	c->reason = STR("hostProcess");
	c->detail = str_format(
		c->arena, STR_FMT " must not set securityContext.windowsOptions.hostProcess=true",
		STR_ARG(words_setters(c->arena, pod, &names)));
}

/* Before 1.19 seccomp was asked for by annotations; such policies judge those still. */
static void check_seccomp_notes(struct security_check *c)
{
	static const char pod[] = "seccomp.security.alpha.kubernetes.io/pod";
	static const char prefix[] = "container.seccomp.security.alpha.kubernetes.io/";
	struct words found = { 0 };

	doc_each_pair(doc_key(c->meta, "annotations"), key, value) {
		struct str v = doc_str(value);

		if ((!str_is(key, pod) && !str_starts(key, str_of(prefix))) ||
		    str_is(v, "runtime/default") || str_is(v, "docker/default") ||
		    str_starts(v, STR("localhost/")))
			continue;
		words_add(
			c->arena, &found,
			str_format(c->arena, STR_FMT "=\"" STR_FMT "\"", STR_ARG(key), STR_ARG(v)));
	}
	if (!found.list.len)
		return;
	c->reason = STR("seccompProfile");
	c->detail = str_format(c->arena, "forbidden annotation%s " STR_FMT,
			       found.list.len == 1 ? "" : "s",
			       STR_ARG(words_join(c->arena, &found, ", ")));
}

static void check_seccomp(struct security_check *c)
{
	struct str type = doc_at_str(c->spec, "securityContext.seccompProfile.type");
	bool pod = type.len && !security_seccomp_is_fine(type);
	struct words names = { 0 }, types = { 0 };

	if (c->minor < 19) {
		check_seccomp_notes(c);
		return;
	}
	if (pod)
		words_add(c->arena, &types, type);
	security_each(c, container)
	{
		type = doc_at_str(container, "securityContext.seccompProfile.type");
		if (!type.len || security_seccomp_is_fine(type))
			continue;
		words_add(c->arena, &names, security_name(container));
		words_add(c->arena, &types, type);
	}
	if (!types.list.len)
		return;
	c->reason = STR("seccompProfile");
	c->detail = str_format(
		c->arena, STR_FMT " must not set securityContext.seccompProfile.type to " STR_FMT,
		STR_ARG(words_setters(c->arena, pod, &names)),
		STR_ARG(words_quote(c->arena, &types, true)));
}

/* ---- all of them */

/* `overruled`: from that minor on the restricted level has a stricter check of the same. */
static const struct {
	security_check_function *check;
	u32 overruled;
} baseline[] = {
	{ check_app_armor, 0 },	 { check_capabilities, 22 }, { check_host_namespaces, 0 },
	{ check_host_path, 1 },	 { check_host_ports, 0 },    { check_host_probes, 0 },
	{ check_privileged, 0 }, { check_proc_mount, 0 },    { check_se_linux, 0 },
	{ check_seccomp, 19 },	 { check_sysctls, 0 },	     { check_windows, 0 },
};

static void add_result(struct buffer *out, struct security_check *c, bool reasons_only)
{
	if (!c->reason.len)
		return;
	buffer_add_format(out, "%s" STR_FMT, out->len ? ", " : "", STR_ARG(c->reason));
	if (c->detail.len && !reasons_only)
		buffer_add_format(out, " (" STR_FMT ")", STR_ARG(c->detail));
	c->reason = c->detail = STR_NONE;
}

static void list_containers(struct security_check *c)
{
	static const char *const lists[] = { "initContainers", "containers",
					     "ephemeralContainers" };
	VEC(const struct doc *) all = { 0 };

	for (u32 i = 0; i < ARRAY_LEN(lists); i++)
		doc_each_item(doc_get(c->spec, str_of(lists[i])), container)
			VEC_PUSH(c->arena, &all, container);
	c->containers = all.at;
	c->containers_len = all.len;
}

struct str security_violations(struct arena *arena, struct security_policy policy,
			       const struct doc *meta, const struct doc *spec, bool reasons_only)
{
	struct security_check c = {
		.arena = arena, .minor = policy.minor, .meta = meta, .spec = spec
	};
	struct buffer out = BUFFER_INIT(64 << 10);
	bool restricted = policy.level == SECURITY_RESTRICTED;

	if (policy.level == SECURITY_PRIVILEGED)
		return STR("");
	list_containers(&c);
	for (u32 i = 0; i < ARRAY_LEN(baseline); i++) {
		if (restricted && baseline[i].overruled && c.minor >= baseline[i].overruled)
			continue;
		baseline[i].check(&c);
		add_result(&out, &c, reasons_only);
	}
	for (u32 i = 0; restricted && i < security_restricted_len; i++) {
		security_restricted[i](&c);
		add_result(&out, &c, reasons_only);
	}
	struct str text = str_copy(arena, buffer_str(&out));

	buffer_release(&out);
	return text;
}

/* ---- levels and versions as text */

static const char *const level_words[] = { "privileged", "baseline", "restricted" };

struct str security_policy_print(struct arena *arena, struct security_policy policy)
{
	if (policy.minor == SECURITY_LATEST)
		return str_format(arena, "%s:latest", level_words[policy.level]);
	return str_format(arena, "%s:v1.%u", level_words[policy.level], policy.minor);
}

bool security_level_parse(struct str text, enum security_level *ret_level)
{
	for (u32 i = 0; i < ARRAY_LEN(level_words); i++)
		if (str_is(text, level_words[i])) {
			*ret_level = (enum security_level)i;
			return true;
		}
	return false;
}

bool security_version_parse(struct str text, u32 *ret_minor)
{
	i64 number;

	if (str_is(text, "latest")) {
		*ret_minor = SECURITY_LATEST;
		return true;
	}
	if (!str_starts(text, STR("v1.")) || text.len > 6 || text.len < 4 || text.at[3] < '0' ||
	    text.at[3] > '9' || (text.at[3] == '0' && text.len > 4) ||
	    !str_to_i64(str_from(text, 3), &number))
		return false;
	*ret_minor = (u32)number;
	return true;
}
