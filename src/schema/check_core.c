/* Rules of config maps, secrets, nodes, namespaces, events and bindings. */
#include "doc/json.h"
#include "schema/check.h"
#include "schema/rules.h"
#include "schema/scalar.h"

enum { DATA_BYTES_MAX = 1 << 20 }; /* of all keys of a ConfigMap or Secret together */

/* ---- config maps and secrets */

static void check_keys(struct check *c, const char *field, const struct doc *data)
{
	check_enter(c, field);
	doc_each_pair(data, key, value) {
		(void)value;
		check_enter_key(c, key);
		check_format_str(c, NULL, API_FORMAT_CONFIG_KEY, key);
		check_leave(c);
	}
	check_leave(c);
}

static size_t bytes_of(const struct doc *data, bool encoded)
{
	size_t total = 0, len, at;

	doc_each_pair(data, key, value) {
		(void)key;
		if (encoded && base64_check(doc_str(value), &len, &at))
			total += len;
		else
			total += doc_str(value).len;
	}
	return total;
}

/* Once immutable is true, data and the word itself stay. */
static void check_frozen(struct check *c, const struct doc *value, const struct doc *old)
{
	static const char *const fields[] = { "data", "binaryData" };

	if (!doc_bool_or(doc_key(old, "immutable"), false))
		return;
	if (!doc_bool_or(doc_key(value, "immutable"), false))
		check_forbidden(c, "immutable", "field is immutable when `immutable` is set");
	for (u32 i = 0; i < ARRAY_LEN(fields); i++) {
		const struct doc *now = doc_get(value, str_of(fields[i]));
		const struct doc *was = doc_get(old, str_of(fields[i]));

		if (!doc_eq(now, was) && (doc_len(now) || doc_len(was)))
			check_forbidden(c, fields[i], "field is immutable when `immutable` is set");
	}
}

RULE_CHECK(config_map_check)
{
	const struct doc *data = doc_key(value, "data"), *binary = doc_key(value, "binaryData");

	check_keys(c, "data", data);
	check_keys(c, "binaryData", binary);
	doc_each_pair(data, key, text) {
		(void)text;
		if (!doc_get(binary, key))
			continue;
		check_enter(c, "data");
		check_enter_key(c, key);
		check_invalid_str(c, NULL, key, "duplicate of key present in binaryData");
		check_leave(c);
		check_leave(c);
	}
	if (bytes_of(data, false) + bytes_of(binary, true) > DATA_BYTES_MAX)
		check_too_long(c, "", DATA_BYTES_MAX);
	if (old)
		check_frozen(c, value, old);
}

static void need_key(struct check *c, const struct doc *data, const char *key)
{
	if (doc_get(data, str_of(key)))
		return;
	check_enter(c, "data");
	check_enter_key(c, str_of(key));
	check_required(c, NULL, "");
	check_leave(c);
	check_leave(c);
}

/* Registry credentials must be JSON; what they say is not shown. */
static void check_json_key(struct check *c, const struct doc *data, const char *key)
{
	const struct doc *value = doc_get(data, str_of(key)), *parsed;
	struct error error = ERROR_INIT;
	struct str text;

	need_key(c, data, key);
	if (!value || !base64_decode(c->arena, doc_str(value), &text) ||
	    json_parse(c->arena, text, &parsed, &error) == ST_OK)
		return;
	check_enter(c, "data");
	check_enter_key(c, str_of(key));
	check_invalid_str(c, NULL, STR("<secret contents redacted>"), "%s", error.message);
	check_leave(c);
	check_leave(c);
}

static void check_secret_type(struct check *c, const struct doc *secret)
{
	struct str type = doc_str(doc_key(secret, "type"));
	const struct doc *data = doc_key(secret, "data");
	struct str account = STR("kubernetes.io/service-account.name");

	if (str_is(type, "kubernetes.io/service-account-token")) {
		if (doc_str(doc_get(doc_at(secret, "metadata.annotations"), account)).len == 0)
			check_required(
				c, "metadata.annotations[kubernetes.io/service-account.name]", "");
	} else if (str_is(type, "kubernetes.io/dockerconfigjson")) {
		check_json_key(c, data, ".dockerconfigjson");
	} else if (str_is(type, "kubernetes.io/dockercfg")) {
		check_json_key(c, data, ".dockercfg");
	} else if (str_is(type, "kubernetes.io/basic-auth")) {
		if (!doc_key(data, "username") && !doc_key(data, "password")) {
			need_key(c, data, "username");
			need_key(c, data, "password");
		}
	} else if (str_is(type, "kubernetes.io/ssh-auth")) {
		need_key(c, data, "ssh-privatekey");
	} else if (str_is(type, "kubernetes.io/tls")) {
		need_key(c, data, "tls.crt");
		need_key(c, data, "tls.key");
	}
}

RULE_CHECK(secret_check)
{
	const struct doc *data = doc_key(value, "data");

	check_keys(c, "data", data);
	if (bytes_of(data, true) > DATA_BYTES_MAX)
		check_too_long(c, "data", DATA_BYTES_MAX);
	check_secret_type(c, value);
	if (old)
		check_frozen(c, value, old);
}

/* ---- nodes and namespaces */

RULE_CHECK(node_check)
{
	const struct doc *taints = doc_at(value, "spec.taints");
	const struct doc *range = doc_at(value, "spec.podCIDR"), *was = doc_at(old, "spec.podCIDR");

	check_enter(c, "spec.taints");
	for (u32 i = 0; i < doc_len(taints); i++) {
		const struct doc *taint = &taints->items[i];

		check_enter_item(c, i);
		for (u32 j = 0; j < i; j++)
			if (doc_eq(doc_key(taint, "key"), doc_key(&taints->items[j], "key")) &&
			    doc_eq(doc_key(taint, "effect"), doc_key(&taints->items[j], "effect")))
				check_duplicate(c, NULL, taint);
		check_leave(c);
	}
	check_leave(c);
	if (doc_str(was).len && !doc_eq(range, was))
		check_forbidden(c, "spec.podCIDRs",
				"node updates may not change podCIDR except from \"\" to valid");
}

RULE_CHECK(namespace_check)
{
	const struct doc *finalizers = doc_at(value, "spec.finalizers");

	(void)old;
	for (u32 i = 0; i < doc_len(finalizers); i++) {
		struct str name = doc_str(&finalizers->items[i]);

		check_enter(c, "spec.finalizers");
		check_format_str(c, NULL, API_FORMAT_QUALIFIED_NAME, name);
		if (str_find_char(name, '/') < 0 && !str_is(name, "kubernetes"))
			check_invalid_str(c, NULL, name,
					  "name is neither a standard finalizer name nor is it "
					  "fully qualified");
		check_leave(c);
	}
}

/* ---- events and bindings */

RULE_CHECK(event_check)
{
	struct str space = doc_at_str(value, "metadata.namespace");
	const char *path =
		doc_key(value, "regarding") ? "regarding.namespace" : "involvedObject.namespace";
	struct str about = doc_at_str(value, path);

	(void)old;
	/* Events about what has no namespace live in "default". */
	if (about.len == 0 ? !str_is(space, "default") : !str_eq(about, space))
		check_invalid_str(c, path, about, "does not match event.namespace");
}

RULE_CHECK(binding_check)
{
	static const char *const kinds[] = { "Node", "<empty>", NULL };
	struct str kind = doc_at_str(value, "target.kind");

	(void)old;
	if (kind.len && !str_is(kind, "Node"))
		check_unsupported(c, "target.kind", kind, kinds);
	if (doc_at_str(value, "target.name").len == 0)
		check_required(c, "target.name", "");
}
