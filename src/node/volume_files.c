/*
 * What a volume made from API objects holds: a list of files. Pure.
 * https://kubernetes.io/docs/concepts/storage/projected-volumes
 */
#include "base/buffer.h"
#include "doc/json.h"
#include "node/volumes.h"
#include "schema/quantity.h"

enum { FILES_MAX = 4096, TOKEN_SECONDS = 3607 };

/* One source being turned into files. */
struct filling {
	struct arena *arena;
	const struct doc *pod;
	const struct pod_sources *sources;
	struct volume_files *files;
	u32 mode; /* for files that say none */
};

bool volume_has_files(const struct doc *volume)
{
	return doc_key(volume, "configMap") || doc_key(volume, "secret") ||
	       doc_key(volume, "downwardAPI") || doc_key(volume, "projected");
}

static enum status add_file(struct filling *f, struct str path, struct str contents, i64 mode,
			    struct error *error)
{
	struct str rest = path;

	if (!path.len || path.at[0] == '/')
		return fail(error, ST_INVALID, "volume path \"" STR_FMT "\" is not relative",
			    STR_ARG(path));
	while (rest.at)
		if (str_is(str_cut(&rest, '/'), ".."))
			return fail(error, ST_INVALID, "volume path \"" STR_FMT "\" holds ..",
				    STR_ARG(path));
	if (f->files->files.len >= FILES_MAX)
		return fail(error, ST_TOO_LARGE, "more than %d files in one volume", FILES_MAX);
	VEC_PUSH(f->arena, &f->files->files,
		 (struct volume_file){ path, contents, mode >= 0 ? (u32)mode : f->mode });
	return ST_OK;
}

/* RFC 4648, blanks skipped; false on anything else. */
static bool base64_decode(struct arena *arena, struct str text, struct str *ret_bytes)
{
	char *out = arena_alloc(arena, text.len / 4 * 3 + 4);
	size_t len = 0;
	u32 bits = 0, have = 0;

	for (size_t i = 0; i < text.len; i++) {
		char c = text.at[i];
		int value = c >= 'A' && c <= 'Z'   ? c - 'A'
			    : c >= 'a' && c <= 'z' ? c - 'a' + 26
			    : c >= '0' && c <= '9' ? c - '0' + 52
			    : c == '+'		   ? 62
			    : c == '/'		   ? 63
						   : -1;

		if (c == '=' || c == '\n' || c == '\r')
			continue;
		if (value < 0)
			return false;
		bits = bits << 6 | (u32)value;
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[len++] = (char)(bits >> have);
		}
	}
	out[len] = 0;
	*ret_bytes = (struct str){ out, len };
	return true;
}

/* The value under a key of a ConfigMap (data, binaryData) or a Secret (data). */
static bool object_value(struct arena *arena, const struct doc *object, bool secret, struct str key,
			 struct str *ret_value)
{
	const struct doc *plain = doc_get(doc_key(object, "data"), key);
	const struct doc *binary = doc_get(doc_key(object, "binaryData"), key);

	if (secret)
		return plain && base64_decode(arena, doc_str(plain), ret_value);
	if (plain) {
		*ret_value = doc_str(plain);
		return true;
	}
	return binary && base64_decode(arena, doc_str(binary), ret_value);
}

bool source_value(struct arena *arena, const struct doc *object, bool secret, struct str key,
		  struct str *ret_value)
{
	return object_value(arena, object, secret, key, ret_value);
}

static enum status add_all(struct filling *f, const struct doc *map, const struct doc *object,
			   bool secret, struct error *error)
{
	enum status status = ST_OK;

	doc_each_pair(map, key, value) {
		struct str contents;

		(void)value;
		if (status == ST_OK && object_value(f->arena, object, secret, key, &contents))
			status = add_file(f, key, contents, -1, error);
	}
	return status;
}

static enum status fill_object(struct filling *f, const struct doc *source, const char *kind,
			       struct str name, struct error *error)
{
	bool secret = str_is(STR("Secret"), kind);
	bool optional = doc_at_bool(source, "optional", false);
	const struct doc *object = f->sources->find(f->sources->self, str_of(kind), name);
	const struct doc *items = doc_key(source, "items");
	struct str ns = doc_at_str(f->pod, "metadata.namespace");
	enum status status = ST_OK;

	if (!object && optional)
		return ST_OK;
	if (!object)
		return fail(error, ST_NOT_FOUND, "%s \"" STR_FMT "\" not found",
			    secret ? "secret" : "configmap", STR_ARG(name));
	if (!doc_len(items)) {
		status = add_all(f, doc_key(object, "data"), object, secret, error);
		if (status == ST_OK && !secret)
			status = add_all(f, doc_key(object, "binaryData"), object, false, error);
		return status;
	}
	doc_each_item(items, item) {
		struct str key = doc_at_str(item, "key"), contents;

		if (status != ST_OK)
			return status;
		if (object_value(f->arena, object, secret, key, &contents))
			status = add_file(f, doc_at_str(item, "path"), contents,
					  doc_at_int(item, "mode", -1), error);
		else if (!optional)
			return fail(error, ST_NOT_FOUND,
				    "references non-existent %s key: " STR_FMT " (" STR_FMT
				    "/" STR_FMT ")",
				    secret ? "secret" : "config", STR_ARG(key), STR_ARG(ns),
				    STR_ARG(name));
	}
	return status;
}

static enum status fill_downward(struct filling *f, const struct doc *source, struct error *error)
{
	enum status status = ST_OK;

	doc_each_item(doc_key(source, "items"), item) {
		const struct doc *field = doc_key(item, "fieldRef");
		const struct doc *resource = doc_key(item, "resourceFieldRef");
		struct str value = STR_NONE;

		if (status == ST_OK && field)
			status = pod_field(f->arena, f->pod, doc_at_str(field, "fieldPath"),
					   f->sources, &value, error);
		else if (status == ST_OK && resource)
			status = pod_resource_field(f->arena, f->pod, resource,
						    doc_at_str(resource, "containerName"),
						    f->sources, &value, error);
		if (status == ST_OK)
			status = add_file(f, doc_at_str(item, "path"), value,
					  doc_at_int(item, "mode", -1), error);
	}
	return status;
}

static enum status fill_token(struct filling *f, const struct doc *source, struct error *error)
{
	struct str audience = doc_at_str(source, "audience");
	struct str token = f->sources->token(
		f->sources->self, audience, doc_at_int(source, "expirationSeconds", TOKEN_SECONDS));

	if (!token.len)
		return fail(error, ST_UNAVAILABLE,
			    "failed to fetch token of service account \"" STR_FMT "\"",
			    STR_ARG(doc_str_or(doc_at(f->pod, "spec.serviceAccountName"),
					       STR("default"))));
	return add_file(f, doc_at_str(source, "path"), token, 0600, error);
}

static enum status fill_projected(struct filling *f, const struct doc *projected,
				  struct error *error)
{
	enum status status = ST_OK;

	doc_each_item(doc_key(projected, "sources"), source) {
		const struct doc *one;

		if (status != ST_OK)
			break;
		if ((one = doc_key(source, "configMap")))
			status = fill_object(f, one, "ConfigMap", doc_at_str(one, "name"), error);
		else if ((one = doc_key(source, "secret")))
			status = fill_object(f, one, "Secret", doc_at_str(one, "name"), error);
		else if ((one = doc_key(source, "downwardAPI")))
			status = fill_downward(f, one, error);
		else if ((one = doc_key(source, "serviceAccountToken")))
			status = fill_token(f, one, error);
		else if ((one = doc_key(source, "clusterTrustBundle")))
			status = doc_at_bool(one, "optional", false)
					 ? ST_OK
					 : fail(error, ST_INVALID,
						"projected sources of type clusterTrustBundle are "
						"not supported: put the certificates in a "
						"ConfigMap");
		else if (doc_key(source, "podCertificate"))
			status = fail(error, ST_INVALID,
				      "projected sources of type podCertificate are not supported");
	}
	return status;
}

enum status volume_files(struct arena *arena, const struct doc *pod, const struct doc *volume,
			 const struct pod_sources *sources, struct volume_files *ret_files,
			 struct error *error)
{
	const struct doc *source = doc_key(volume, "configMap");
	struct filling f = { arena, pod, sources, ret_files, 0644 };

	if (!source)
		source = doc_key(volume, "secret");
	if (!source)
		source = doc_key(volume, "downwardAPI");
	if (!source)
		source = doc_key(volume, "projected");
	f.mode = (u32)doc_at_int(source, "defaultMode", 0644);
	*ret_files = (struct volume_files){ 0 };
	if (doc_key(volume, "configMap"))
		return fill_object(&f, source, "ConfigMap", doc_at_str(source, "name"), error);
	if (doc_key(volume, "secret"))
		return fill_object(&f, source, "Secret", doc_at_str(source, "secretName"), error);
	if (doc_key(volume, "downwardAPI"))
		return fill_downward(&f, source, error);
	return fill_projected(&f, source, error);
}

/* ---- fields of the pod */

/* labels and annotations as files: key="value" a line, the value quoted like Go's %q. */
static struct str map_text(struct arena *arena, const struct doc *map)
{
	struct buffer out = BUFFER_INIT(1 << 20);

	doc_each_pair(map, key, value) {
		if (out.len)
			buffer_add_char(&out, '\n');
		buffer_add_str(&out, key);
		buffer_add_char(&out, '=');
		json_print_str(&out, doc_str(value));
	}
	struct str text = str_copy(arena, buffer_str(&out));

	buffer_release(&out);
	return text;
}

enum status pod_field(struct arena *arena, const struct doc *pod, struct str path,
		      const struct pod_sources *sources, struct str *ret_value, struct error *error)
{
	static const char *const plain[] = { "metadata.name", "metadata.namespace", "metadata.uid",
					     "spec.nodeName", "spec.serviceAccountName" };
	i64 open = str_find_char(path, '[');
	struct str head = open > 0 ? str_part(path, 0, (size_t)open) : path;

	for (size_t i = 0; i < ARRAY_LEN(plain); i++)
		if (str_is(path, plain[i])) {
			*ret_value = doc_at_str(pod, plain[i]);
			return ST_OK;
		}
	if (str_is(path, "status.podIP") || str_is(path, "status.podIPs")) {
		*ret_value = sources->pod_ip;
	} else if (str_is(path, "status.hostIP") || str_is(path, "status.hostIPs")) {
		*ret_value = sources->host_ip;
	} else if (str_is(head, "metadata.labels") || str_is(head, "metadata.annotations")) {
		const struct doc *map = doc_at(pod, str_c(arena, head));

		if (open < 0) {
			*ret_value = map_text(arena, map);
			return ST_OK;
		}
		struct str key = str_from(path, (size_t)open + 2); /* behind [' */

		*ret_value = key.len < 2 ? STR_NONE
					 : doc_str(doc_get(map, str_part(key, 0, key.len - 2)));
	} else {
		return fail(error, ST_INVALID, "unsupported fieldPath: " STR_FMT, STR_ARG(path));
	}
	return ST_OK;
}

static const struct doc *container_named(const struct doc *pod, struct str name)
{
	doc_each_item(doc_at(pod, "spec.containers"), container)
		if (str_eq(doc_at_str(container, "name"), name))
			return container;
	doc_each_item(doc_at(pod, "spec.initContainers"), container)
		if (str_eq(doc_at_str(container, "name"), name))
			return container;
	return NULL;
}

enum status pod_resource_field(struct arena *arena, const struct doc *pod,
			       const struct doc *selector, struct str container_name,
			       const struct pod_sources *sources, struct str *ret_value,
			       struct error *error)
{
	struct str resource = doc_at_str(selector, "resource");
	i64 dot = str_find_char(resource, '.');
	struct str list = dot < 0 ? STR_NONE : str_part(resource, 0, (size_t)dot);
	struct str name = str_from(resource, (size_t)dot + 1);
	const struct doc *container = container_named(pod, container_name);
	const struct doc *value = doc_get(doc_get(doc_key(container, "resources"), list), name);
	bool cpu = str_is(name, "cpu");
	struct quantity amount = quantity_of(value), divisor = { 0 };

	if (!container)
		return fail(error, ST_INVALID, "container " STR_FMT " not found",
			    STR_ARG(container_name));
	if (!value && str_is(list, "limits") && cpu)
		amount = quantity_from_milli(sources->node_cpu_milli, QUANTITY_DECIMAL);
	else if (!value && str_is(list, "limits") && str_is(name, "memory"))
		amount = quantity_from_int(sources->node_memory_bytes, QUANTITY_BINARY);
	divisor = quantity_of(doc_key(selector, "divisor"));
	/* Rounded up to whole divisors, as the API says. */
	i64 unit = cpu ? quantity_milli(divisor) : quantity_value(divisor);
	i64 have = cpu ? quantity_milli(amount) : quantity_value(amount);

	if (unit <= 0)
		unit = cpu ? 1000 : 1;
	*ret_value = str_format(arena, "%lld", (long long)((have + unit - 1) / unit));
	return ST_OK;
}
