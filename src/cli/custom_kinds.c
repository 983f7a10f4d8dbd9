/*
 * Reads aggregated discovery and writes, for each resource that is not built in, the
 * CustomResourceDefinition it might come from: the schema knows what to do with those. Nothing is
 * kept on disk, so a kind defined a moment ago is there.
 */
#include "cli/custom_kinds.h"

#include "cli/request.h"
#include "doc/build.h"

#define MEDIA_DISCOVERY                                                                            \
	"application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"

static const struct doc *resource_of(const struct doc *version, struct str plural)
{
	doc_each_item(doc_key(version, "resources"), resource)
		if (str_eq(doc_at_str(resource, "resource"), plural))
			return resource;
	return NULL;
}

static void put_names(struct build *b, const struct doc *resource)
{
	build_open_object(b, "names");
	build_str(b, "plural", doc_at_str(resource, "resource"));
	build_str(b, "singular", doc_at_str(resource, "singularResource"));
	build_str(b, "kind", doc_at_str(resource, "responseKind.kind"));
	build_doc(b, "shortNames", doc_key(resource, "shortNames"));
	build_doc(b, "categories", doc_key(resource, "categories"));
	build_close(b);
}

static void put_parts(struct build *b, const struct doc *resource)
{
	build_open_object(b, "subresources");
	doc_each_item(doc_key(resource, "subresources"), part) {
		struct str name = doc_at_str(part, "subresource");

		if (str_is(name, "status") || str_is(name, "scale"))
			build_pair(b, name, &doc_empty_object);
	}
	build_close(b);
}

static void put_version(struct build *b, struct str name, bool storage, const struct doc *resource,
			const struct doc *shape)
{
	build_open_object(b, NULL);
	build_str(b, "name", name);
	build_bool(b, "served", true);
	build_bool(b, "storage", storage);
	build_open_object(b, "schema");
	if (shape) {
		build_doc(b, "openAPIV3Schema", shape);
	} else {
		build_open_object(b, "openAPIV3Schema");
		build_str(b, "type", STR("object"));
		build_bool(b, "x-kubernetes-preserve-unknown-fields", true);
		build_close(b);
	}
	build_close(b);
	put_parts(b, resource);
	build_close(b);
}

/* What `plural` of a group would have been defined by. */
static const struct doc *definition_of(struct arena *arena, const struct doc *group,
				       const struct doc *resource)
{
	struct build b = build_object(arena);
	struct str domain = doc_at_str(group, "metadata.name");
	struct str plural = doc_at_str(resource, "resource");
	bool first = true;

	build_open_object(&b, "metadata");
	build_str(&b, "name",
		  str_format(arena, STR_FMT "." STR_FMT, STR_ARG(plural), STR_ARG(domain)));
	build_close(&b);
	build_open_object(&b, "spec");
	build_str(&b, "group", domain);
	build_str(&b, "scope", doc_at_str(resource, "scope"));
	put_names(&b, resource);
	build_open_array(&b, "versions");
	doc_each_item(doc_key(group, "versions"), version) {
		const struct doc *same = resource_of(version, plural);

		if (same)
			put_version(&b, doc_at_str(version, "version"), first, same, NULL);
		first = first && !same;
	}
	build_close(&b);
	build_close(&b);
	return build_done(&b);
}

static void load_group(struct cli *cli, const struct doc *group)
{
	struct str domain = doc_at_str(group, "metadata.name");

	doc_each_item(doc_key(group, "versions"), version) {
		struct str name = doc_at_str(version, "version");

		doc_each_item(doc_key(version, "resources"), resource) {
			struct str plural = doc_at_str(resource, "resource");

			if (!schema_find_resource(cli->schema, domain, name, plural))
				(void)schema_register(cli->schema,
						      definition_of(cli->arena, group, resource));
		}
	}
}

void custom_kinds_load(struct cli *cli)
{
	struct request request = { .method = "GET",
				   .path = STR("/apis"),
				   .accept = MEDIA_DISCOVERY };
	const struct doc *answer;

	if (cli->discovered)
		return;
	cli->discovered = true;
	if (cli_connect(cli, NULL) != ST_OK || request_send(cli, &request, &answer, NULL) != ST_OK)
		return;
	if (str_is(doc_at_str(answer, "kind"), "APIGroupDiscoveryList"))
		doc_each_item(doc_key(answer, "items"), group)
			load_group(cli, group);
}

static const struct doc *shape_of(struct cli *cli, const struct api_kind *kind)
{
	struct str path = str_format(cli->arena, "/openapi/v3/apis/" STR_FMT "/" STR_FMT,
				     STR_ARG(kind->group), STR_ARG(kind->version));
	const struct doc *answer;

	if (request_get(cli, path, &answer, NULL) != ST_OK)
		return NULL;
	doc_each_pair(doc_at(answer, "components.schemas"), name, shape) {
		doc_each_item(doc_key(shape, "x-kubernetes-group-version-kind"), of)
			if (str_eq(doc_at_str(of, "group"), kind->group) &&
			    str_eq(doc_at_str(of, "version"), kind->version) &&
			    str_eq(doc_at_str(of, "kind"), kind->kind))
				return shape;
		(void)name;
	}
	return NULL;
}

static void put_words(struct build *b, const char *key, const struct str *words, u32 len)
{
	build_open_array(b, key);
	for (u32 i = 0; i < len; i++)
		build_str(b, NULL, words[i]);
	build_close(b);
}

const struct api_kind *custom_kind_whole(struct cli *cli, const struct api_kind *kind)
{
	const struct doc *shape = shape_of(cli, kind);
	struct build b = build_object(cli->arena);

	if (!shape)
		return kind;
	build_open_object(&b, "metadata");
	/* Under another name: what the command knows already stays as it is. */
	build_str(&b, "name", STR("explained"));
	build_close(&b);
	build_open_object(&b, "spec");
	build_str(&b, "group", kind->group);
	build_open_object(&b, "names");
	build_str(&b, "plural", kind->plural);
	build_str(&b, "kind", kind->kind);
	put_words(&b, "shortNames", kind->shorts, kind->shorts_len);
	build_close(&b);
	build_open_array(&b, "versions");
	put_version(&b, kind->version, true, NULL, shape);
	build_close(&b);
	build_close(&b);
	kind_id id = schema_register(cli->schema, build_done(&b));

	return id ? schema_kind(cli->schema, id) : kind;
}
