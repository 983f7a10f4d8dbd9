/* Rules of containers: what one container says, apart from its pod. */
#include "schema/check.h"
#include "schema/quantity.h"
#include "schema/rules.h"

static bool is_true(const struct doc *object, const char *key)
{
	return doc_bool_or(doc_get(object, str_of(key)), false);
}

/* ---- handlers: exactly one of several ways */

/* Reports the second and later of `ways`; returns how many there are. */
static u32 count_ways(struct check *c, const struct doc *value, const char *const *ways)
{
	u32 found = 0;

	for (u32 i = 0; ways[i]; i++) {
		if (!doc_get(value, str_of(ways[i])))
			continue;
		if (found++)
			check_forbidden(c, ways[i], "may not specify more than 1 handler type");
	}
	return found;
}

static void check_exec(struct check *c, const struct doc *value)
{
	const struct doc *exec = doc_key(value, "exec");

	if (exec && doc_len(doc_key(exec, "command")) == 0)
		check_required(c, "exec.command", "");
}

RULE_CHECK(lifecycle_handler_check)
{
	static const char *const ways[] = { "exec", "httpGet", "tcpSocket", "sleep", NULL };

	(void)old;
	if (count_ways(c, value, ways) == 0)
		check_required(c, NULL, "must specify a handler type");
	check_exec(c, value);
}

RULE_CHECK(probe_check)
{
	static const char *const ways[] = { "exec", "httpGet", "tcpSocket", "grpc", NULL };

	(void)old;
	if (count_ways(c, value, ways) == 0)
		check_required(c, NULL, "must specify a handler type");
	check_exec(c, value);
}

RULE_CHECK(http_get_check)
{
	(void)old;
	if (doc_str(doc_key(value, "path")).len == 0)
		check_required(c, "path", "");
}

/* ---- ports and environment */

RULE_CHECK(container_port_check)
{
	const struct doc *port = doc_key(value, "containerPort"),
			 *host = doc_key(value, "hostPort");

	(void)old;
	if (doc_int_or(port, 0) == 0)
		check_required(c, "containerPort", "");
	else
		check_format(c, "containerPort", API_FORMAT_PORT, port);
	if (doc_int_or(host, 0) != 0)
		check_format(c, "hostPort", API_FORMAT_PORT, host);
}

static bool is_map_field(struct str path)
{
	return str_ends(path, STR("']")) && (str_starts(path, STR("metadata.labels['")) ||
					     str_starts(path, STR("metadata.annotations['")));
}

/* Which facts of a pod a variable may hold. */
static void check_field_ref(struct check *c, const struct doc *ref)
{
	static const char *const fields[] = {
		"metadata.name",
		"metadata.namespace",
		"metadata.uid",
		"spec.nodeName",
		"spec.serviceAccountName",
		"status.hostIP",
		"status.hostIPs",
		"status.podIP",
		"status.podIPs",
		NULL,
	};
	struct str path = doc_str(doc_key(ref, "fieldPath"));

	if (path.len == 0 || is_map_field(path))
		return;
	for (u32 i = 0; fields[i]; i++)
		if (str_is(path, fields[i]))
			return;
	check_unsupported(c, "valueFrom.fieldRef.fieldPath", path, fields);
}

RULE_CHECK(env_var_check)
{
	static const char *const sources[] = { "fieldRef", "resourceFieldRef", "configMapKeyRef",
					       "secretKeyRef", "fileKeyRef" };
	const struct doc *from = doc_key(value, "valueFrom");
	u32 found = 0;

	(void)old;
	if (!from)
		return;
	for (u32 i = 0; i < ARRAY_LEN(sources); i++)
		found += doc_get(from, str_of(sources[i])) != NULL;
	if (doc_str(doc_key(value, "value")).len && found)
		check_invalid_str(c, "valueFrom", STR(""),
				  "may not be specified when `value` is not empty");
	else if (found > 1)
		check_invalid_str(c, "valueFrom", STR(""),
				  "may not have more than one field specified at a time");
	else if (found == 0)
		check_invalid_str(c, "valueFrom", STR(""),
				  "must specify one of: `fieldRef`, `resourceFieldRef`, "
				  "`configMapKeyRef`, `secretKeyRef` or `fileKeyRef`");
	check_field_ref(c, doc_key(from, "fieldRef"));
}

RULE_CHECK(env_from_check)
{
	const struct doc *map = doc_key(value, "configMapRef"),
			 *secret = doc_key(value, "secretRef");

	(void)old;
	if (map && secret)
		check_invalid_str(c, NULL, STR(""),
				  "may not have more than one field specified at a time");
	else if (!map && !secret)
		check_invalid_str(c, NULL, STR(""),
				  "must specify one of: `configMapRef` or `secretRef`");
	if (map && doc_str(doc_key(map, "name")).len == 0)
		check_required(c, "configMapRef.name", "");
	if (secret && doc_str(doc_key(secret, "name")).len == 0)
		check_required(c, "secretRef.name", "");
}

/* ---- resources */

static bool is_standard_resource(struct str name)
{
	return str_is(name, "cpu") || str_is(name, "memory") || str_is(name, "ephemeral-storage") ||
	       str_starts(name, STR("hugepages-"));
}

static void check_amount(struct check *c, const char *list, struct str name,
			 const struct doc *amount)
{
	check_enter(c, list);
	check_enter_key(c, name);
	check_format_str(c, NULL, API_FORMAT_QUALIFIED_NAME, name);
	if (str_find_char(name, '/') < 0 && !is_standard_resource(name)) {
		check_invalid_str(c, NULL, name,
				  "must be a standard resource type or fully qualified");
		check_invalid_str(c, NULL, name, "must be a standard resource for containers");
	}
	struct quantity q = quantity_of(amount);

	if (q.nanos < 0)
		check_invalid(c, NULL, amount, "must be greater than or equal to 0");
	if (str_find_char(name, '/') >= 0 && q.nanos % NS_PER_S != 0)
		check_invalid(c, NULL, amount, "must be an integer");
	check_leave(c);
	check_leave(c);
}

RULE_CHECK(resource_requirements_check)
{
	const struct doc *limits = doc_key(value, "limits"), *requests = doc_key(value, "requests");

	(void)old;
	doc_each_pair(limits, key, limit)
		check_amount(c, "limits", key, limit);
	doc_each_pair(requests, name, request) {
		const struct doc *limit = doc_get(limits, name);
		bool exact = str_find_char(name, '/') >= 0 || str_starts(name, STR("hugepages-"));

		check_amount(c, "requests", name, request);
		if (exact && !limit) {
			check_required(c, "limits",
				       "Limit must be set for non overcommitable "
				       "resources");
			continue;
		}
		int order = limit ? quantity_compare(quantity_of(request), quantity_of(limit)) : 0;

		if (exact && order != 0)
			check_invalid(c, "requests", request,
				      "must be equal to " STR_FMT " limit of " STR_FMT,
				      STR_ARG(name), STR_ARG(doc_str(limit)));
		else if (order > 0)
			check_invalid(c, "requests", request,
				      "must be less than or equal to " STR_FMT " limit of " STR_FMT,
				      STR_ARG(name), STR_ARG(doc_str(limit)));
	}
}

/* ---- mounts */

RULE_CHECK(volume_mount_check)
{
	struct str plain = doc_str(doc_key(value, "subPath"));
	const struct doc *expression = doc_key(value, "subPathExpr");

	(void)old;
	if (plain.len && doc_str(expression).len)
		check_invalid(c, "subPathExpr", expression,
			      "subPathExpr and subPath are mutually exclusive");
	struct str deep = doc_str(doc_key(value, "recursiveReadOnly"));
	struct str spread = doc_str(doc_key(value, "mountPropagation"));

	if (!str_is(deep, "Enabled") && !str_is(deep, "IfPossible"))
		return;
	if (!doc_bool_or(doc_key(value, "readOnly"), false))
		check_forbidden(c, "recursiveReadOnly",
				"may only be specified when readOnly is true");
	if (spread.len && !str_is(spread, "None"))
		check_forbidden(c, "recursiveReadOnly",
				"may only be specified when mountPropagation is None or not "
				"specified");
}

RULE_CHECK(volume_device_check)
{
	(void)old;
	if (doc_str(doc_key(value, "devicePath")).len)
		check_format(c, "devicePath", API_FORMAT_PATH, doc_key(value, "devicePath"));
}

/* ---- security */

/* Localhost profiles name a file, the others must not. */
static void check_profile(struct check *c, const struct doc *context, const char *key,
			  const char *word)
{
	const struct doc *profile = doc_get(context, str_of(key));
	const struct doc *file = doc_key(profile, "localhostProfile");
	bool local = str_is(doc_str(doc_key(profile, "type")), "Localhost");

	if (!profile)
		return;
	check_enter(c, key);
	if (local && doc_str(file).len == 0)
		check_required(
			c, "localhostProfile",
			str_format(c->arena, "must be set when %s type is Localhost", word).at);
	else if (!local && file)
		check_invalid(c, "localhostProfile", file,
			      "can only be set when %s type is Localhost", word);
	check_leave(c);
}

static bool adds_capability(const struct doc *context, const char *wanted)
{
	doc_each_item(doc_at(context, "capabilities.add"), name)
		if (str_is(doc_str(name), wanted))
			return true;
	return false;
}

RULE_CHECK(security_context_check)
{
	const struct doc *escalation = doc_key(value, "allowPrivilegeEscalation");

	(void)old;
	check_profile(c, value, "seccompProfile", "seccomp");
	check_profile(c, value, "appArmorProfile", "AppArmor");
	if (!doc_is(escalation, DOC_FALSE))
		return;
	if (is_true(value, "privileged"))
		check_invalid(c, NULL, value,
			      "cannot set `allowPrivilegeEscalation` to false and `privileged` to "
			      "true");
	if (adds_capability(value, "CAP_SYS_ADMIN"))
		check_invalid(c, NULL, value,
			      "cannot set `allowPrivilegeEscalation` to false and "
			      "`capabilities.Add` CAP_SYS_ADMIN");
}

static bool is_sysctl_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Words of letters, digits, - and _ inside, parted by dots or slashes. */
static bool is_sysctl(struct str name)
{
	for (size_t i = 0; i < name.len; i++) {
		bool edge = i == 0 || i + 1 == name.len || name.at[i - 1] == '.' ||
			    name.at[i - 1] == '/' || name.at[i + 1] == '.' || name.at[i + 1] == '/';

		if (!is_sysctl_char(name.at[i]) && (edge || !strchr("-_./", name.at[i])))
			return false;
	}
	return name.len > 0 && name.len <= 253;
}

static void check_sysctls(struct check *c, const struct doc *list)
{
	check_enter(c, "sysctls");
	for (u32 i = 0; i < doc_len(list); i++) {
		struct str name = doc_at_str(doc_item(list, i), "name");

		check_enter_item(c, i);
		if (name.len && !is_sysctl(name))
			check_invalid_str(c, "name", name,
					  "must have at most 253 characters and match regex "
					  "^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*"
					  "[a-z0-9]([-_a-z0-9]*[a-z0-9])?$");
		for (u32 j = 0; j < i; j++)
			if (str_eq(name, doc_at_str(doc_item(list, j), "name")))
				check_duplicate(c, "name", doc_key(doc_item(list, i), "name"));
		check_leave(c);
	}
	check_leave(c);
}

RULE_CHECK(pod_security_context_check)
{
	(void)old;
	check_sysctls(c, doc_key(value, "sysctls"));
	check_profile(c, value, "seccompProfile", "seccomp");
	check_profile(c, value, "appArmorProfile", "AppArmor");
	const struct doc *groups = doc_key(value, "supplementalGroups");

	for (u32 i = 0; i < doc_len(groups); i++) {
		i64 group = doc_int_or(&groups->items[i], 0);

		check_enter(c, "supplementalGroups");
		check_enter_item(c, i);
		if (group < 0 || group > INT32_MAX)
			check_invalid(c, NULL, &groups->items[i],
				      "must be between 0 and 2147483647, inclusive");
		check_leave(c);
		check_leave(c);
	}
}

/* ---- the container */

static void check_image(struct check *c, const struct doc *container)
{
	const struct doc *image = doc_key(container, "image");
	struct str text = doc_str(image);

	if (text.len == 0)
		check_required(c, "image", "");
	else if (str_trim(text).len != text.len)
		check_invalid(c, "image", image, "must not have leading or trailing whitespace");
}

/* Names of ports and mount paths are each other's rivals inside one container. */
static void check_unique(struct check *c, const struct doc *container, const char *list,
			 const char *key)
{
	const struct doc *items = doc_get(container, str_of(list));

	for (u32 i = 0; i < doc_len(items); i++) {
		const struct doc *name = doc_get(&items->items[i], str_of(key));

		for (u32 j = 0; j < i && doc_str(name).len; j++) {
			if (!doc_eq(name, doc_get(&items->items[j], str_of(key))))
				continue;
			check_enter(c, list);
			check_enter_item(c, i);
			if (strcmp(key, "name") == 0)
				check_duplicate(c, key, name);
			else
				check_invalid(c, key, name, "must be unique");
			check_leave(c);
			check_leave(c);
			break;
		}
	}
}

static void check_probes(struct check *c, const struct doc *container)
{
	static const char *const once[] = { "livenessProbe", "startupProbe" };

	for (u32 i = 0; i < ARRAY_LEN(once); i++) {
		const struct doc *times =
			doc_key(doc_get(container, str_of(once[i])), "successThreshold");

		if (!times || doc_int_or(times, 1) == 1)
			continue;
		check_enter(c, once[i]);
		check_invalid(c, "successThreshold", times, "must be 1");
		check_leave(c);
	}
	const struct doc *grace = doc_at(container, "readinessProbe.terminationGracePeriodSeconds");

	if (grace)
		check_invalid(c, "readinessProbe.terminationGracePeriodSeconds", grace,
			      "must not be set for readinessProbes");
}

static void check_propagation(struct check *c, const struct doc *container)
{
	const struct doc *mounts = doc_key(container, "volumeMounts");

	for (u32 i = 0; i < doc_len(mounts); i++) {
		struct str way = doc_str(doc_key(&mounts->items[i], "mountPropagation"));

		if (!str_is(way, "Bidirectional") ||
		    doc_at_bool(container, "securityContext.privileged", false))
			continue;
		check_enter(c, "volumeMounts");
		check_enter_item(c, i);
		check_forbidden(c, "mountPropagation",
				"Bidirectional mount propagation is available only to privileged "
				"containers");
		check_leave(c);
		check_leave(c);
	}
}

RULE_CHECK(container_check)
{
	(void)old;
	check_image(c, value);
	check_unique(c, value, "ports", "name");
	check_unique(c, value, "volumeMounts", "mountPath");
	check_probes(c, value);
	check_propagation(c, value);
}

RULE_CHECK(ephemeral_container_check)
{
	static const char *const refused[] = { "ports",	       "livenessProbe", "readinessProbe",
					       "startupProbe", "lifecycle",	"resources" };

	(void)old;
	for (u32 i = 0; i < ARRAY_LEN(refused); i++)
		if (doc_len(doc_get(value, str_of(refused[i]))))
			check_forbidden(c, refused[i], "cannot be set for an Ephemeral Container");
	check_unique(c, value, "volumeMounts", "mountPath");
	check_propagation(c, value);
}
