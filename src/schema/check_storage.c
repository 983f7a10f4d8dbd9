/* Rules of volumes and claims: what they must say, and what stays as it was once they are made. */
#include "doc/json.h"
#include "schema/check.h"
#include "schema/quantity.h"
#include "schema/rules.h"

static void check_access_modes(struct check *c, const struct doc *modes)
{
	static const char *const supported[] = { "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce",
						 "ReadWriteOncePod", NULL };
	bool alone = false, others = false;

	doc_each_item(modes, mode) {
		bool known = false;

		for (u32 i = 0; supported[i]; i++)
			known = known || str_is(doc_str(mode), supported[i]);
		if (!known)
			check_unsupported(c, "accessModes", doc_str(mode), supported);
		if (str_is(doc_str(mode), "ReadWriteOncePod"))
			alone = true;
		else
			others = true;
	}
	if (alone && others)
		check_forbidden(c, "accessModes",
				"may not use ReadWriteOncePod with other access modes");
}

/* ---- changes that are refused: what differs is shown, field by field */

static struct str shown(struct arena *arena, const struct doc *value)
{
	enum { SHOWN_MAX = 300 };

	return str_part(json_text(arena, value), 0, SHOWN_MAX);
}

static struct str differences(struct check *c, const char *type, const struct doc *before,
			      const struct doc *after)
{
	struct str text = str_format(c->arena, "  core.%s{\n", type);

	doc_each_pair(before, key, was) {
		const struct doc *now = doc_get(after, key);

		if (doc_eq(was, now))
			continue;
		text = str_format(c->arena, STR_FMT "- \t" STR_FMT ": " STR_FMT ",\n",
				  STR_ARG(text), STR_ARG(key), STR_ARG(shown(c->arena, was)));
		if (now)
			text = str_format(c->arena, STR_FMT "+ \t" STR_FMT ": " STR_FMT ",\n",
					  STR_ARG(text), STR_ARG(key),
					  STR_ARG(shown(c->arena, now)));
	}
	doc_each_pair(after, key, now) {
		if (!doc_get(before, key))
			text = str_format(c->arena, STR_FMT "+ \t" STR_FMT ": " STR_FMT ",\n",
					  STR_ARG(text), STR_ARG(key),
					  STR_ARG(shown(c->arena, now)));
	}
	return str_format(c->arena, STR_FMT "  }\n", STR_ARG(text));
}

/* ---- volumes */

/* The part of a volume's spec that says where the storage is. */
static bool is_source(struct str key)
{
	static const char *const others[] = { "capacity",
					      "accessModes",
					      "claimRef",
					      "persistentVolumeReclaimPolicy",
					      "storageClassName",
					      "mountOptions",
					      "volumeMode",
					      "nodeAffinity",
					      "volumeAttributesClassName" };

	for (u32 i = 0; i < ARRAY_LEN(others); i++)
		if (str_is(key, others[i]))
			return false;
	return true;
}

static void check_capacity(struct check *c, const struct doc *capacity)
{
	if (doc_len(capacity) == 0) {
		check_required(c, "capacity", "");
		return;
	}
	if (!doc_key(capacity, "storage") || doc_len(capacity) > 1)
		check_unsupported_raw(c, "capacity", capacity, STR("\"storage\""));
	check_enter(c, "capacity");
	doc_each_pair(capacity, key, amount) {
		check_enter_key(c, key);
		if (quantity_of(amount).nanos <= 0)
			check_invalid(c, NULL, amount, "must be greater than zero");
		check_leave(c);
	}
	check_leave(c);
}

static void check_path_inside(struct check *c, const char *child, struct str path)
{
	struct str rest = path;

	while (rest.at)
		if (str_is(str_cut(&rest, '/'), ".."))
			check_invalid_str(c, child, path, "must not contain '..'");
}

static void check_sources(struct check *c, const struct doc *spec)
{
	u32 sources = 0;

	doc_each_pair(spec, key, source) {
		if (!is_source(key))
			continue;
		if (sources++)
			check_forbidden(c, str_c(c->arena, key),
					"may not specify more than 1 volume type");
		else if (str_is(key, "hostPath"))
			check_path_inside(c, "hostPath.path", doc_at_str(source, "path"));
		else if (str_is(key, "local"))
			check_path_inside(c, "local.path", doc_at_str(source, "path"));
	}
	if (sources == 0)
		check_required(c, NULL, "must specify a volume type");
}

RULE_CHECK(persistent_volume_spec_check)
{
	const struct doc *affinity = doc_key(value, "nodeAffinity");
	const struct doc *required = doc_key(affinity, "required");

	(void)old;
	if (doc_len(doc_key(value, "accessModes")) == 0)
		check_required(c, "accessModes", "");
	check_access_modes(c, doc_key(value, "accessModes"));
	check_capacity(c, doc_key(value, "capacity"));
	if (affinity && !required)
		check_required(c, "nodeAffinity.required",
			       "must specify required node constraints");
	else if (affinity && doc_len(doc_key(required, "nodeSelectorTerms")) == 0)
		check_required(c, "nodeAffinity.required.nodeSelectorTerms",
			       "must have at least one node selector term");
	check_sources(c, value);
	if (str_is(doc_at_str(value, "hostPath.path"), "/") &&
	    str_is(doc_at_str(value, "persistentVolumeReclaimPolicy"), "Recycle"))
		check_forbidden(c, "persistentVolumeReclaimPolicy",
				"may not be 'recycle' for a hostPath mount of '/'");
	check_format(c, "storageClassName", API_FORMAT_DNS_SUBDOMAIN,
		     doc_at_str(value, "storageClassName").len ? doc_key(value, "storageClassName")
							       : NULL);
}

static const struct doc *only_source(struct arena *arena, const struct doc *spec)
{
	const struct doc *source = &doc_empty_object;

	doc_each_pair(spec, key, one) {
		if (is_source(key))
			source = doc_with(arena, source, key, one);
	}
	return source;
}

RULE_CHECK(persistent_volume_check)
{
	const struct doc *spec = doc_key(value, "spec"), *before = doc_key(old, "spec");

	if (doc_key(spec, "local") && !doc_key(spec, "nodeAffinity"))
		check_required(c, "metadata.annotations", "Local volume requires node affinity");
	if (!old)
		return;
	const struct doc *now = only_source(c->arena, spec);
	const struct doc *was = only_source(c->arena, before);

	if (!doc_eq(now, was))
		check_forbidden(c, "spec.persistentvolumesource",
				"spec.persistentvolumesource is immutable after creation\n" STR_FMT,
				STR_ARG(differences(c, "PersistentVolumeSource", was, now)));
	check_immutable(c, "spec.volumeMode", doc_key(spec, "volumeMode"),
			doc_key(before, "volumeMode"));
	if (doc_key(before, "nodeAffinity"))
		check_immutable(c, "spec.nodeAffinity", doc_key(spec, "nodeAffinity"),
				doc_key(before, "nodeAffinity"));
}

/* ---- claims */

RULE_CHECK(persistent_volume_claim_spec_check)
{
	const struct doc *modes = doc_key(value, "accessModes");
	const struct doc *size = doc_at(value, "resources.requests.storage");
	const struct doc *class = doc_key(value, "storageClassName");

	(void)old;
	if (doc_len(modes) == 0)
		check_required(c, "accessModes", "at least 1 access mode is required");
	check_access_modes(c, modes);
	check_enter(c, "resources");
	check_enter_key(c, STR("storage"));
	if (!size)
		check_required(c, NULL, "");
	else if (quantity_of(size).nanos <= 0)
		check_invalid(c, NULL, size, "must be greater than zero");
	check_leave(c);
	check_leave(c);
	if (doc_str(class).len)
		check_format(c, "storageClassName", API_FORMAT_DNS_SUBDOMAIN, class);
	if (doc_str(doc_key(value, "volumeName")).len)
		check_format(c, "volumeName", API_FORMAT_DNS_SUBDOMAIN,
			     doc_key(value, "volumeName"));
}

/* The part of the spec that may never change: without what may, as the old one has it. */
static const struct doc *lasting(struct check *c, const struct doc *spec, const struct doc *before,
				 bool bound)
{
	struct arena *arena = c->arena;

	if (doc_at_str(before, "volumeName").len == 0) /* binding: once */
		spec = doc_with(arena, spec, STR("volumeName"), doc_key(before, "volumeName"));
	if (!doc_key(before, "storageClassName")) /* a default class that came later */
		spec = doc_with(arena, spec, STR("storageClassName"), NULL);
	if (bound)
		spec = doc_set(arena, spec, "resources.requests.storage",
			       doc_at(before, "resources.requests.storage"));
	spec = doc_with(arena, spec, STR("volumeAttributesClassName"),
			doc_key(before, "volumeAttributesClassName"));
	/* What the server itself fills in beside it. */
	if (!doc_key(before, "dataSourceRef"))
		spec = doc_with(arena, spec, STR("dataSourceRef"), NULL);
	return spec;
}

RULE_CHECK(persistent_volume_claim_check)
{
	const struct doc *spec = doc_key(value, "spec"), *before = doc_key(old, "spec");
	bool bound = str_is(doc_at_str(old, "status.phase"), "Bound");

	if (!old)
		return;
	if (!doc_eq(lasting(c, spec, before, bound), before))
		check_forbidden(c, "spec",
				"spec is immutable after creation except resources.requests and "
				"volumeAttributesClassName for bound claims\n" STR_FMT,
				STR_ARG(differences(c, "PersistentVolumeClaimSpec", before, spec)));
	struct quantity now = quantity_of(doc_at(spec, "resources.requests.storage"));
	struct quantity was = quantity_of(doc_at(before, "resources.requests.storage"));
	struct quantity has = quantity_of(doc_at(old, "status.capacity.storage"));

	if (bound && quantity_compare(now, was) < 0 && quantity_compare(now, has) <= 0)
		check_forbidden(c, "spec.resources.requests.storage",
				"field can not be less than status.capacity");
}
