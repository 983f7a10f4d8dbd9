/* Writes the list of served kinds as discovery documents, old and aggregated. */
#include "schema/discovery.h"

#include "doc/build.h"
#include "schema/served.h"

static void put_words(struct build *b, const char *key, const struct str *words, u32 len)
{
	build_open_array(b, key);
	for (u32 i = 0; i < len; i++)
		build_str(b, NULL, words[i]);
	build_close(b);
}

static void put_verbs(struct build *b, u8 verbs)
{
	struct str names[8];

	put_words(b, "verbs", names, served_verbs(verbs, names));
}

/* A view in a group that is not its kind's is there for manifests: without verbs it does not show
 * up beside the kind in lists of resources, and `get all` does not show things twice. */
static bool is_hidden(const struct api_kind *kind)
{
	return kind->old && !str_eq(kind->group, kind->stored->group);
}

static struct build start(struct arena *arena, const char *kind, const char *version)
{
	struct build b = build_object(arena);

	build_str(&b, "kind", str_of(kind));
	build_str(&b, "apiVersion", str_of(version));
	return b;
}

const struct doc *discovery_versions(struct arena *arena, struct str address)
{
	struct build b = start(arena, "APIVersions", "v1");

	build_open_array(&b, "versions");
	build_str(&b, NULL, STR("v1"));
	build_close(&b);
	build_open_array(&b, "serverAddressByClientCIDRs");
	build_open_object(&b, NULL);
	build_str(&b, "clientCIDR", STR("0.0.0.0/0"));
	build_str(&b, "serverAddress", address);
	build_close(&b);
	build_close(&b);
	return build_done(&b);
}

static void put_version(struct build *b, const char *key, const struct served *s)
{
	build_open_object(b, key);
	build_str(b, "groupVersion", s->api_version);
	build_str(b, "version", s->version);
	build_close(b);
}

/* A group and its versions, the first being preferred; returns how many entries it took. */
static u32 put_group(struct build *b, const struct served *all, u32 len)
{
	u32 count = 1;

	build_str(b, "name", all[0].group);
	build_open_array(b, "versions");
	put_version(b, NULL, &all[0]);
	for (; count < len && str_eq(all[count].group, all[0].group); count++)
		put_version(b, NULL, &all[count]);
	build_close(b);
	put_version(b, "preferredVersion", &all[0]);
	return count;
}

const struct doc *discovery_groups(struct arena *arena, const struct schema *schema)
{
	struct build b = start(arena, "APIGroupList", "v1");
	u32 len;
	const struct served *all = served_all(arena, schema, &len);

	build_open_array(&b, "groups");
	for (u32 i = 0; i < len;) {
		if (!all[i].group.len) {
			i++;
			continue;
		}
		build_open_object(&b, NULL);
		i += put_group(&b, all + i, len - i);
		build_close(&b);
	}
	build_close(&b);
	return build_done(&b);
}

const struct doc *discovery_group(struct arena *arena, const struct schema *schema,
				  struct str group)
{
	u32 len;
	const struct served *all = served_all(arena, schema, &len);

	for (u32 i = 0; i < len && group.len; i++) {
		if (!str_eq(all[i].group, group))
			continue;
		struct build b = start(arena, "APIGroup", "v1");
		put_group(&b, all + i, len - i);
		return build_done(&b);
	}
	return NULL;
}

static void put_resource(struct build *b, const struct api_kind *kind)
{
	build_open_object(b, NULL);
	build_str(b, "name", kind->plural);
	build_str(b, "singularName", kind->singular);
	build_bool(b, "namespaced", kind->namespaced);
	build_str(b, "kind", kind->kind);
	put_verbs(b, is_hidden(kind) ? 0 : kind->verbs);
	if (kind->shorts_len && !is_hidden(kind))
		put_words(b, "shortNames", kind->shorts, kind->shorts_len);
	if (kind->categories_len && !is_hidden(kind))
		put_words(b, "categories", kind->categories, kind->categories_len);
	build_close(b);
}

static void put_part(struct arena *arena, struct build *b, const struct api_kind *kind,
		     struct str name)
{
	const struct served_part *part = served_part_find(name);

	build_open_object(b, NULL);
	build_str(b, "name",
		  str_format(arena, STR_FMT "/" STR_FMT, STR_ARG(kind->plural), STR_ARG(name)));
	build_str(b, "singularName", STR(""));
	build_bool(b, "namespaced", kind->namespaced);
	if (!str_eq(part->group, kind->group) && part->kind.len) {
		build_str_if(b, "group", part->group);
		build_str_if(b, "version", part->version);
	}
	build_str(b, "kind", part->kind.len ? part->kind : kind->kind);
	put_verbs(b, part->verbs);
	build_close(b);
}

const struct doc *discovery_resources(struct arena *arena, const struct schema *schema,
				      struct str group, struct str version)
{
	const struct served *s = served_find(arena, schema, group, version);

	if (!s)
		return NULL;
	struct build b = start(arena, "APIResourceList", "v1");
	build_str(&b, "groupVersion", s->api_version);
	build_open_array(&b, "resources");
	for (u32 i = 0; i < s->len; i++) {
		put_resource(&b, s->kinds[i]);
		for (u32 j = 0; j < s->kinds[i]->subresources_len; j++)
			put_part(arena, &b, s->kinds[i], s->kinds[i]->subresources[j]);
	}
	build_close(&b);
	return build_done(&b);
}

/* ---- aggregated */

static void put_response_kind(struct build *b, struct str group, struct str version,
			      struct str kind)
{
	build_open_object(b, "responseKind");
	build_str(b, "group", group);
	build_str(b, "version", version);
	build_str(b, "kind", kind);
	build_close(b);
}

static void put_parts(struct build *b, const struct api_kind *kind)
{
	build_open_array(b, "subresources");
	for (u32 i = 0; i < kind->subresources_len; i++) {
		const struct served_part *part = served_part_find(kind->subresources[i]);

		build_open_object(b, NULL);
		build_str(b, "subresource", kind->subresources[i]);
		if (part->kind.len)
			put_response_kind(b, part->group, part->version, part->kind);
		else
			put_response_kind(b, kind->group, kind->version, kind->kind);
		put_verbs(b, part->verbs);
		build_close(b);
	}
	build_close(b);
}

static void put_aggregated_resource(struct build *b, const struct api_kind *kind)
{
	build_open_object(b, NULL);
	build_str(b, "resource", kind->plural);
	put_response_kind(b, kind->group, kind->version, kind->kind);
	build_str(b, "scope", kind->namespaced ? STR("Namespaced") : STR("Cluster"));
	build_str(b, "singularResource", kind->singular);
	put_verbs(b, is_hidden(kind) ? 0 : kind->verbs);
	if (kind->shorts_len && !is_hidden(kind))
		put_words(b, "shortNames", kind->shorts, kind->shorts_len);
	if (kind->categories_len && !is_hidden(kind))
		put_words(b, "categories", kind->categories, kind->categories_len);
	if (kind->subresources_len)
		put_parts(b, kind);
	build_close(b);
}

static void put_aggregated_version(struct build *b, const struct served *s)
{
	build_open_object(b, NULL);
	build_str(b, "version", s->version);
	build_open_array(b, "resources");
	for (u32 i = 0; i < s->len; i++)
		put_aggregated_resource(b, s->kinds[i]);
	build_close(b);
	build_str(b, "freshness", STR("Current"));
	build_close(b);
}

const struct doc *discovery_aggregated(struct arena *arena, const struct schema *schema,
				       bool legacy, struct str version)
{
	bool v2 = str_is(version, "v2");
	struct build b = start(arena, "APIGroupDiscoveryList",
			       v2 ? "apidiscovery.k8s.io/v2" : "apidiscovery.k8s.io/v2beta1");
	u32 len;
	const struct served *all = served_all(arena, schema, &len);

	build_doc(&b, "metadata", &doc_empty_object);
	build_open_array(&b, "items");
	for (u32 i = 0; i < len;) {
		struct str group = all[i].group;

		if ((group.len == 0) != legacy) {
			i++;
			continue;
		}
		build_open_object(&b, NULL);
		build_open_object(&b, "metadata");
		build_str_if(&b, "name", group);
		build_doc(&b, "creationTimestamp", &doc_null);
		build_close(&b);
		build_open_array(&b, "versions");
		for (; i < len && str_eq(all[i].group, group); i++)
			put_aggregated_version(&b, &all[i]);
		build_close(&b);
		build_close(&b);
	}
	build_close(&b);
	return build_done(&b);
}

struct str discovery_aggregated_type(struct str version)
{
	return str_is(version, "v2")
		       ? STR("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")
		       : STR("application/json;g=apidiscovery.k8s.io;v=v2beta1;"
			     "as=APIGroupDiscoveryList");
}
