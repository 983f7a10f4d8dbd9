/* What pods, containers and volumes mean when they say nothing, as in upstream's core/v1 defaults.
 */
#include "schema/default.h"
#include "schema/rules.h"

/* Maps each item of the list under `key` of `parent` through `rule`; untouched ones stay. */
static const struct doc *each_item(struct defaults *d, const struct doc *parent, struct str key,
				   const struct doc *(*rule)(struct defaults *, const struct doc *))
{
	const struct doc *list = doc_get(parent, key), *made = list;

	for (u32 i = 0; i < doc_len(list); i++) {
		const struct doc *item = &list->items[i], *now = rule(d, item);

		if (now != item)
			made = doc_with_item(d->arena, made, i, now);
	}
	return made == list ? parent : doc_with(d->arena, parent, key, made);
}

/* A name without tag or digest means :latest, and that is pulled every time. */
static bool image_is_latest(struct str image)
{
	i64 slash = str_find_last(image, '/');
	struct str last = str_from(image, (size_t)(slash + 1));
	i64 colon;

	if (image.len == 0 || str_find_char(last, '@') >= 0)
		return false;
	colon = str_find_last(last, ':');
	return colon < 0 || str_is(str_from(last, (size_t)colon + 1), "latest");
}

RULE_FINISH(container_finish)
{
	if (doc_str(doc_key(value, "imagePullPolicy")).len)
		return value;
	bool always = image_is_latest(doc_str(doc_key(value, "image")));

	return doc_set_str(d->arena, value, "imagePullPolicy",
			   always ? STR("Always") : STR("IfNotPresent"));
}

/* A volume that names no source is an empty directory. */
RULE_FINISH(volume_finish)
{
	doc_each_pair(value, key, source) {
		(void)source;
		if (!str_is(key, "name"))
			return value;
	}
	return doc_with(d->arena, value, STR("emptyDir"), &doc_empty_object);
}

/* The older name of the service account, which readers may still look at, follows the newer one. */
RULE_FINISH(pod_spec_finish)
{
	struct str name = doc_str(doc_key(value, "serviceAccountName"));
	struct str older = doc_str(doc_key(value, "serviceAccount"));

	if (name.len == 0 && older.len)
		return doc_set_str(d->arena, value, "serviceAccountName", older);
	if (!str_eq(name, older))
		return doc_set_str(d->arena, value, "serviceAccount", name);
	return value;
}

/* ---- only in pods, not in templates */

static const struct doc *host_port(struct defaults *d, const struct doc *port)
{
	const struct doc *container_port = doc_key(port, "containerPort");

	if (!container_port || doc_int_or(doc_key(port, "hostPort"), 0) != 0)
		return port;
	return doc_with(d->arena, port, STR("hostPort"), container_port);
}

/* On the node's network a port is the node's. */
static const struct doc *host_ports(struct defaults *d, const struct doc *container)
{
	return each_item(d, container, STR("ports"), host_port);
}

/* A limit without a request asks for as much. */
static const struct doc *requests_from_limits(struct defaults *d, const struct doc *container)
{
	const struct doc *limits = doc_at(container, "resources.limits");
	const struct doc *requests = doc_at(container, "resources.requests"), *made = requests;

	doc_each_pair(limits, key, limit) {
		if (!doc_get(requests, key))
			made = doc_with(d->arena, made, key, limit);
	}
	return made == requests ? container
				: doc_set(d->arena, container, "resources.requests", made);
}

RULE_FINISH(pod_finish)
{
	const struct doc *spec = doc_key(value, "spec"), *made = spec;

	if (!doc_is(spec, DOC_OBJECT))
		return value;
	made = each_item(d, made, STR("containers"), requests_from_limits);
	made = each_item(d, made, STR("initContainers"), requests_from_limits);
	if (doc_at_bool(made, "hostNetwork", false)) {
		made = each_item(d, made, STR("containers"), host_ports);
		made = each_item(d, made, STR("initContainers"), host_ports);
	}
	if (!doc_key(made, "enableServiceLinks"))
		made = doc_with(d->arena, made, STR("enableServiceLinks"), &doc_true);
	return made == spec ? value : doc_with(d->arena, value, STR("spec"), made);
}
