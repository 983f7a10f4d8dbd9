/* kubeconfig in (YAML or JSON) and out (YAML): one context with its cluster and user put together.
 */
#include "client/kubeconfig.h"

#include "doc/build.h"
#include "doc/yaml.h"
#include "net/jwt.h"

enum { KUBECONFIG_BYTES_MAX = 4 << 20 };

/* The entry of a list of {name, …} with that name. */
static const struct doc *named(const struct doc *list, struct str name)
{
	doc_each_item(list, entry)
		if (str_eq(doc_str(doc_key(entry, "name")), name))
			return entry;
	return NULL;
}

/* A base64 text under `key`, decoded. */
static enum status data(struct arena *arena, const struct doc *from, const char *key,
			struct str *ret, struct error *error)
{
	struct str text = doc_str(doc_get(from, str_of(key)));

	*ret = STR("");
	if (text.len == 0 || base64_decode(arena, text, ret))
		return ST_OK;
	return fail(error, ST_BAD_REQUEST, "%s is not valid base64", key);
}

static enum status read_cluster(struct arena *arena, const struct doc *cluster,
				struct kubeconfig *ret, struct error *error)
{
	ret->server = doc_str(doc_key(cluster, "server"));
	ret->ca_file = doc_str(doc_key(cluster, "certificate-authority"));
	ret->tls_server_name = doc_str(doc_key(cluster, "tls-server-name"));
	ret->insecure = doc_bool_or(doc_key(cluster, "insecure-skip-tls-verify"), false);
	if (ret->server.len == 0)
		return fail(error, ST_BAD_REQUEST, "the kubeconfig names no server");
	return data(arena, cluster, "certificate-authority-data", &ret->ca_certificate, error);
}

static enum status read_user(struct arena *arena, const struct doc *user, struct kubeconfig *ret,
			     struct error *error)
{
	enum status status = data(arena, user, "client-certificate-data", &ret->certificate, error);

	ret->certificate_file = doc_str(doc_key(user, "client-certificate"));
	ret->key_file = doc_str(doc_key(user, "client-key"));
	ret->token = doc_str(doc_key(user, "token"));
	ret->token_file = doc_str(doc_key(user, "tokenFile"));
	if (status == ST_OK)
		status = data(arena, user, "client-key-data", &ret->key, error);
	return status;
}

enum status kubeconfig_parse(struct arena *arena, struct str text, struct str context,
			     struct kubeconfig *ret_config, struct error *error)
{
	struct kubeconfig config = { 0 };
	const struct doc *file, *entry, *cluster, *user;
	enum status status = yaml_parse(arena, text, &file, NULL, 0, NULL, error);

	if (status != ST_OK) {
		fail_within(error, "reading the kubeconfig");
		return status;
	}
	if (!doc_is(file, DOC_OBJECT))
		return fail(error, ST_BAD_REQUEST, "the kubeconfig holds no object");
	config.context = context.len ? context : doc_str(doc_key(file, "current-context"));
	if (config.context.len == 0)
		return fail(error, ST_NOT_FOUND, "the kubeconfig has no current-context");
	entry = doc_key(named(doc_key(file, "contexts"), config.context), "context");
	if (!entry)
		return fail(error, ST_NOT_FOUND, "context \"" STR_FMT "\" does not exist",
			    STR_ARG(config.context));
	config.ns = doc_str(doc_key(entry, "namespace"));
	cluster = named(doc_key(file, "clusters"), doc_str(doc_key(entry, "cluster")));
	if (!cluster)
		return fail(error, ST_NOT_FOUND, "cluster \"" STR_FMT "\" does not exist",
			    STR_ARG(doc_str(doc_key(entry, "cluster"))));
	user = named(doc_key(file, "users"), doc_str(doc_key(entry, "user")));
	status = read_cluster(arena, doc_key(cluster, "cluster"), &config, error);
	if (status == ST_OK)
		status = read_user(arena, doc_key(user, "user"), &config, error);
	if (status == ST_OK)
		*ret_config = config;
	return status;
}

static void build_data(struct build *b, const char *key, struct str bytes)
{
	if (bytes.len)
		build_str(b, key, base64_encode(b->arena, bytes));
}

static void open_named(struct build *b, const char *list, struct str name, const char *what)
{
	build_open_array(b, list);
	build_open_object(b, NULL);
	build_str(b, "name", name);
	build_open_object(b, what);
}

static void close_named(struct build *b)
{
	build_close(b);
	build_close(b);
	build_close(b);
}

struct str kubeconfig_print(struct arena *arena, const struct kubeconfig *config)
{
	struct str name = config->context.len ? config->context : STR("minke");
	struct buffer out = BUFFER_INIT(KUBECONFIG_BYTES_MAX);
	struct build b = build_object(arena);
	struct str text;

	build_str(&b, "apiVersion", STR("v1"));
	build_str(&b, "kind", STR("Config"));
	build_str(&b, "current-context", name);
	build_doc(&b, "preferences", &doc_empty_object);
	open_named(&b, "clusters", name, "cluster");
	build_str(&b, "server", config->server);
	build_data(&b, "certificate-authority-data", config->ca_certificate);
	build_str_if(&b, "certificate-authority", config->ca_file);
	build_str_if(&b, "tls-server-name", config->tls_server_name);
	if (config->insecure)
		build_bool(&b, "insecure-skip-tls-verify", true);
	close_named(&b);
	open_named(&b, "contexts", name, "context");
	build_str(&b, "cluster", name);
	build_str(&b, "user", name);
	build_str_if(&b, "namespace", config->ns);
	close_named(&b);
	open_named(&b, "users", name, "user");
	build_data(&b, "client-certificate-data", config->certificate);
	build_str_if(&b, "client-certificate", config->certificate_file);
	build_data(&b, "client-key-data", config->key);
	build_str_if(&b, "client-key", config->key_file);
	build_str_if(&b, "token", config->token);
	build_str_if(&b, "tokenFile", config->token_file);
	close_named(&b);
	yaml_print(&out, build_done(&b));
	text = str_copy(arena, buffer_str(&out));
	buffer_release(&out);
	return text;
}
