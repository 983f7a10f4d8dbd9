/* Rules of pods and pod templates: what ties their containers, volumes and settings together. */
#include "schema/check.h"
#include "schema/check_pod.h"
#include "schema/rules.h"

static const struct doc *named(const struct doc *list, struct str name)
{
	doc_each_item(list, item)
		if (str_eq(doc_str(doc_key(item, "name")), name))
			return item;
	return NULL;
}

/* ---- names */

/* Whether `name` stands in `list` before item `until`. */
static bool has_name(const struct doc *list, u32 until, struct str name)
{
	for (u32 i = 0; i < until && i < doc_len(list); i++)
		if (str_eq(doc_str(doc_key(&list->items[i], "name")), name))
			return true;
	return false;
}

/* Names of all containers of a pod differ: each list against itself and the ones before it. */
static void check_names(struct check *c, const struct doc *spec)
{
	static const char *const lists[] = { "containers", "initContainers",
					     "ephemeralContainers" };

	for (u32 l = 0; l < ARRAY_LEN(lists); l++) {
		const struct doc *list = doc_get(spec, str_of(lists[l]));

		check_enter(c, lists[l]);
		for (u32 i = 0; i < doc_len(list); i++) {
			const struct doc *name = doc_key(&list->items[i], "name");
			bool taken = has_name(list, i, doc_str(name));

			for (u32 k = 0; k < l; k++)
				taken |= has_name(doc_get(spec, str_of(lists[k])), UINT32_MAX,
						  doc_str(name));
			check_enter_item(c, i);
			if (taken && doc_str(name).len)
				check_duplicate(c, "name", name);
			check_leave(c);
		}
		check_leave(c);
	}
}

static void check_list_names(struct check *c, const struct doc *spec, const char *key)
{
	const struct doc *list = doc_get(spec, str_of(key));

	check_enter(c, key);
	for (u32 i = 0; i < doc_len(list); i++) {
		const struct doc *name = doc_key(&list->items[i], "name");

		check_enter_item(c, i);
		if (doc_str(name).len && has_name(list, i, doc_str(name)))
			check_duplicate(c, "name", name);
		check_leave(c);
	}
	check_leave(c);
}

/* ---- containers against their pod */

/* Volumes of a StatefulSet's pods come from its claims too. */
static bool is_claimed(const struct check *c, struct str name)
{
	if (c->kind->id != KIND_StatefulSet)
		return false;
	doc_each_item(doc_at(c->object, "spec.volumeClaimTemplates"), template)
		if (str_eq(doc_at_str(template, "metadata.name"), name))
			return true;
	return false;
}

static void check_mounts(struct check *c, const struct doc *spec, const struct doc *container)
{
	const struct doc *mounts = doc_key(container, "volumeMounts");
	const struct doc *volumes = doc_key(spec, "volumes");

	check_enter(c, "volumeMounts");
	for (u32 i = 0; i < doc_len(mounts); i++) {
		struct str name = doc_str(doc_key(&mounts->items[i], "name"));

		check_enter_item(c, i);
		if (name.len && !named(volumes, name) && !is_claimed(c, name))
			check_not_found(c, "name", name);
		check_leave(c);
	}
	check_leave(c);
}

/* The port's place on the node, as upstream names it when two want it. */
static struct str host_place(struct check *c, const struct doc *port)
{
	return str_format(c->arena, STR_FMT "/" STR_FMT "/%lld",
			  STR_ARG(doc_str(doc_key(port, "protocol"))),
			  STR_ARG(doc_str(doc_key(port, "hostIP"))),
			  (long long)doc_int_or(doc_key(port, "hostPort"), 0));
}

struct places {
	struct str at[256];
	u32 len;
};

static void check_ports(struct check *c, const struct doc *spec, const struct doc *container,
			struct places *taken)
{
	const struct doc *ports = doc_key(container, "ports");
	bool host_network = doc_bool_or(doc_key(spec, "hostNetwork"), false);

	check_enter(c, "ports");
	for (u32 i = 0; i < doc_len(ports); i++) {
		const struct doc *port = &ports->items[i], *host = doc_key(port, "hostPort");
		struct str place = host_place(c, port);
		struct doc text = { .type = DOC_STRING, .len = (u32)place.len, .text = place.at };

		check_enter_item(c, i);
		if (host_network && host && !doc_eq(host, doc_key(port, "containerPort")))
			check_invalid(c, "containerPort", doc_key(port, "containerPort"),
				      "must match `hostPort` when `hostNetwork` is true");
		for (u32 j = 0; j < taken->len && host; j++)
			if (str_eq(taken->at[j], place))
				check_duplicate(c, "hostPort", &text);
		if (host && taken->len < ARRAY_LEN(taken->at))
			taken->at[taken->len++] = place;
		check_leave(c);
	}
	check_leave(c);
}

static void check_containers(struct check *c, const struct doc *spec, const char *key,
			     struct places *taken)
{
	const struct doc *list = doc_get(spec, str_of(key));

	check_enter(c, key);
	for (u32 i = 0; i < doc_len(list); i++) {
		check_enter_item(c, i);
		check_mounts(c, spec, &list->items[i]);
		if (taken)
			check_ports(c, spec, &list->items[i], taken);
		check_leave(c);
	}
	check_leave(c);
}

/* Init containers that end have nobody to probe; only sidecars go on. */
static void check_init(struct check *c, const struct doc *spec)
{
	static const char *const refused[] = { "lifecycle", "livenessProbe", "readinessProbe",
					       "startupProbe" };
	static const char *const always[] = { "Always", NULL };
	const struct doc *list = doc_key(spec, "initContainers");

	check_enter(c, "initContainers");
	for (u32 i = 0; i < doc_len(list); i++) {
		const struct doc *container = &list->items[i];
		struct str policy = doc_str(doc_key(container, "restartPolicy"));

		check_enter_item(c, i);
		if (policy.len && !str_is(policy, "Always"))
			check_unsupported(c, "restartPolicy", policy, always);
		for (u32 j = 0; j < ARRAY_LEN(refused) && !policy.len; j++)
			if (doc_get(container, str_of(refused[j])))
				check_forbidden(c, refused[j],
						"may not be set for init containers without "
						"restartPolicy=Always");
		check_leave(c);
	}
	check_leave(c);
	list = doc_key(spec, "containers");
	check_enter(c, "containers");
	for (u32 i = 0; i < doc_len(list); i++) {
		check_enter_item(c, i);
		if (doc_str(doc_key(&list->items[i], "restartPolicy")).len)
			check_forbidden(c, "restartPolicy",
					"may not be set for non-init containers");
		check_leave(c);
	}
	check_leave(c);
}

/* ---- names and addresses */

RULE_CHECK(host_alias_check)
{
	const struct doc *names = doc_key(value, "hostnames");

	(void)old;
	for (u32 i = 0; i < doc_len(names); i++)
		check_format(c, "hostnames", API_FORMAT_DNS_SUBDOMAIN, &names->items[i]);
}

RULE_CHECK(pod_dns_config_check)
{
	enum { NAMESERVERS_MAX = 3, SEARCHES_MAX = 32 };
	const struct doc *servers = doc_key(value, "nameservers");
	const struct doc *searches = doc_key(value, "searches");

	(void)old;
	if (doc_len(servers) > NAMESERVERS_MAX)
		check_invalid(c, "nameservers", servers, "must not have more than %d nameservers",
			      NAMESERVERS_MAX);
	check_enter(c, "nameservers");
	for (u32 i = 0; i < doc_len(servers); i++) {
		check_enter_item(c, i);
		check_format(c, NULL, API_FORMAT_IP, &servers->items[i]);
		check_leave(c);
	}
	check_leave(c);
	if (doc_len(searches) > SEARCHES_MAX)
		check_invalid(c, "searches", searches, "must not have more than %d search paths",
			      SEARCHES_MAX);
	check_enter(c, "searches");
	for (u32 i = 0; i < doc_len(searches); i++) {
		struct str name = doc_str(&searches->items[i]);

		if (str_ends(name, STR("."))) /* the root's dot may be written */
			name.len--;
		check_enter_item(c, i);
		if (name.len)
			check_format_str(c, NULL, API_FORMAT_DNS_SUBDOMAIN, name);
		check_leave(c);
	}
	check_leave(c);
}

static void check_dns(struct check *c, const struct doc *spec)
{
	if (!str_is(doc_str(doc_key(spec, "dnsPolicy")), "None"))
		return;
	if (!doc_key(spec, "dnsConfig"))
		check_required(c, "dnsConfig", "must provide `dnsConfig` when `dnsPolicy` is None");
	else if (doc_len(doc_at(spec, "dnsConfig.nameservers")) == 0)
		check_required(c, "dnsConfig.nameservers",
			       "must provide at least one DNS nameserver when `dnsPolicy` is None");
}

/* ---- the spec */

static void check_spread(struct check *c, const struct doc *spec)
{
	const struct doc *list = doc_key(spec, "topologySpreadConstraints");

	check_enter(c, "topologySpreadConstraints");
	for (u32 i = 0; i < doc_len(list); i++) {
		const struct doc *key = doc_key(&list->items[i], "topologyKey");
		const struct doc *when = doc_key(&list->items[i], "whenUnsatisfiable");

		for (u32 j = 0; j < i; j++) {
			if (!doc_eq(key, doc_key(&list->items[j], "topologyKey")) ||
			    !doc_eq(when, doc_key(&list->items[j], "whenUnsatisfiable")))
				continue;
			struct str both = str_format(c->arena, "{" STR_FMT ", " STR_FMT "}",
						     STR_ARG(doc_str(key)), STR_ARG(doc_str(when)));
			struct doc text = { .type = DOC_STRING,
					    .len = (u32)both.len,
					    .text = both.at };

			check_enter_item(c, i);
			check_duplicate(c, "{topologyKey, whenUnsatisfiable}", &text);
			check_leave(c);
			break;
		}
	}
	check_leave(c);
}

static void check_sharing(struct check *c, const struct doc *spec)
{
	const struct doc *shared = doc_key(spec, "shareProcessNamespace");

	if (doc_bool_or(shared, false) && doc_bool_or(doc_key(spec, "hostPID"), false))
		check_invalid(c, "securityContext.shareProcessNamespace", shared,
			      "ShareProcessNamespace and HostPID cannot both be enabled.");
}

/* A user namespace of its own goes with neither of the node's; a gate with no node yet. */
static void check_place(struct check *c, const struct doc *spec)
{
	static const char *const shared[] = { "hostNetwork", "hostPID", "hostIPC" };

	if (doc_len(doc_key(spec, "schedulingGates")) && doc_at_str(spec, "nodeName").len)
		check_forbidden(c, "nodeName",
				"cannot be set until all schedulingGates have been cleared");
	for (u32 i = 0; i < ARRAY_LEN(shared); i++)
		if (!doc_at_bool(spec, "hostUsers", true) && doc_at_bool(spec, shared[i], false))
			check_forbidden(c, shared[i], "when `hostUsers` is false");
}

RULE_CHECK(pod_spec_check)
{
	struct places taken = { .len = 0 };

	(void)old;
	check_list_names(c, value, "volumes");
	check_names(c, value);
	check_containers(c, value, "containers", &taken);
	check_containers(c, value, "initContainers", NULL);
	check_containers(c, value, "ephemeralContainers", NULL);
	check_init(c, value);
	check_dns(c, value);
	check_spread(c, value);
	check_sharing(c, value);
	check_list_names(c, value, "schedulingGates");
	check_place(c, value);
}

RULE_CHECK(pod_template_spec_check)
{
	const struct doc *metadata = doc_key(value, "metadata");

	(void)old;
	check_labels(c, "metadata.labels", doc_key(metadata, "labels"));
	check_annotations(c, "metadata.annotations", doc_key(metadata, "annotations"));
	if (doc_len(doc_at(value, "spec.ephemeralContainers")))
		check_forbidden(c, "spec.ephemeralContainers",
				"ephemeral containers not allowed in pod template");
}

RULE_CHECK(pod_check)
{
	if (!old && doc_len(doc_at(value, "spec.ephemeralContainers")))
		check_forbidden(c, "spec.ephemeralContainers", "cannot be set on create");
	if (old)
		check_pod_update(c, value, old);
}
