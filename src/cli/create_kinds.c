/* minke create KIND NAME …: small objects from what is typed, one constant a kind. */
#include "cli/create.h"
#include "cli/request.h"
#include "doc/build.h"
#include "net/jwt.h"
#include "sys/file.h"

enum { VALUE_BYTES_MAX = 1 << 20 };

/* ---- namespace, serviceaccount: a name and nothing else */

static const struct option_rule bare_options[] = { CHANGE_OPTIONS, { 0 } };

static enum status namespace_run(struct cli *cli, struct error *error)
{
	struct str name;
	enum status status = create_name(cli, &name, error);

	return status ? status : create_made(cli, KIND_Namespace, name, NULL, error);
}

static enum status service_account_run(struct cli *cli, struct error *error)
{
	struct str name;
	enum status status = create_name(cli, &name, error);

	return status ? status : create_made(cli, KIND_ServiceAccount, name, NULL, error);
}

/* ---- deployment */

static const struct option_rule deployment_options[] = {
	{ "image", 0, OPTION_LIST, NULL, "an image to run; may stand several times", NULL },
	{ "replicas", 'r', OPTION_INT, "1", "how many pods", NULL },
	{ "port", 0, OPTION_INT, "0", "the port the container listens on", NULL },
	CHANGE_OPTIONS,
	{ 0 },
};

/* "registry/x/nginx:1@sha256:…" → "nginx", as kubectl names containers. */
static struct str image_name(struct str image)
{
	image = str_from(image, (size_t)(str_find_last(image, '/') + 1));
	image = str_cut(&image, '@');
	return str_cut(&image, ':');
}

static const struct doc *containers_of(struct cli *cli)
{
	const struct str *images;
	u32 len = option_list(cli, "image", &images);
	struct build b = build_array(cli->arena);

	for (u32 i = 0; i < len; i++) {
		build_open_object(&b, NULL);
		build_str(&b, "image", images[i]);
		build_str(&b, "name", image_name(images[i]));
		if (option_int(cli, "port") && i == 0) {
			build_open_array(&b, "ports");
			build_open_object(&b, NULL);
			build_int(&b, "containerPort", option_int(cli, "port"));
			build_close(&b);
			build_close(&b);
		}
		if (cli->arguments.dashes < cli->arguments.len) {
			build_open_array(&b, "command");
			for (u32 w = cli->arguments.dashes; w < cli->arguments.len; w++)
				build_str(&b, NULL, cli->arguments.words[w]);
			build_close(&b);
		}
		build_close(&b);
	}
	return build_done(&b);
}

static enum status deployment_run(struct cli *cli, struct error *error)
{
	struct str name;
	enum status status = create_name(cli, &name, error);

	if (!status && !option_given(cli, "image"))
		status = fail(error, ST_BAD_REQUEST, "error: required flag(s) \"image\" not set");
	if (status)
		return status;
	const struct doc *labels = doc_set_str(cli->arena, NULL, "app", name), *d = NULL;

	d = doc_set_str(cli->arena, NULL, "metadata.name", name);
	d = doc_set(cli->arena, d, "metadata.labels", labels);
	d = doc_set_int(cli->arena, d, "spec.replicas", option_int(cli, "replicas"));
	d = doc_set(cli->arena, d, "spec.selector.matchLabels", labels);
	d = doc_set(cli->arena, d, "spec.template.metadata.labels", labels);
	d = doc_set(cli->arena, d, "spec.template.spec.containers", containers_of(cli));
	return create_made(cli, KIND_Deployment, name, d, error);
}

/* ---- configmap and secret generic: keys from literals and files */

static const struct option_rule data_options[] = {
	{ "from-literal", 0, OPTION_LIST, NULL, "KEY=VALUE", NULL },
	{ "from-file", 0, OPTION_LIST, NULL, "[KEY=]FILE, or a folder of files", NULL },
	{ "type", 0, OPTION_TEXT, NULL, "of a secret", NULL },
	CHANGE_OPTIONS,
	{ 0 },
};

struct data_map {
	struct cli *cli;
	bool base64; /* a Secret's values */
	const struct doc *data;
	struct error *error;
};

static enum status add_value(struct data_map *map, struct str key, struct str value)
{
	struct arena *arena = map->cli->arena;

	if (doc_get(map->data, key))
		return fail(map->error, ST_EXISTS,
			    "error: cannot add key " STR_FMT
			    ", another key by that name already exists",
			    STR_ARG(key));
	if (map->base64)
		value = base64_encode(arena, value);
	map->data = doc_with(arena, map->data, key, doc_new_str(arena, value));
	return ST_OK;
}

static enum status add_file(struct data_map *map, struct str word)
{
	struct arena *arena = map->cli->arena;
	struct str path = word, key = str_cut(&path, '='), text, *names;
	u32 names_len;

	if (!path.at) {
		path = key;
		key = str_from(path, (size_t)(str_find_last(path, '/') + 1));
	}
	if (file_is_dir(str_c(arena, path))) {
		enum status status =
			file_list(arena, str_c(arena, path), 1000, &names, &names_len, map->error);

		for (u32 i = 0; !status && i < names_len; i++) {
			struct str file = str_format(arena, STR_FMT "/" STR_FMT, STR_ARG(path),
						     STR_ARG(names[i]));

			if (!file_is_dir(file.at)) /* kubectl skips folders inside, too */
				status = add_file(map, file);
		}
		return status;
	}
	enum status status =
		file_read(arena, str_c(arena, path), VALUE_BYTES_MAX, &text, map->error);

	return status ? status : add_value(map, key, text);
}

static enum status data_run(struct cli *cli, bool secret, struct error *error)
{
	struct data_map map = {
		.cli = cli, .base64 = secret, .data = &doc_empty_object, .error = error
	};
	const struct str *values;
	struct str name;
	enum status status = create_name(cli, &name, error);
	u32 len = option_list(cli, "from-literal", &values);

	for (u32 i = 0; !status && i < len; i++) {
		struct str value = values[i], key = str_cut(&value, '=');

		if (!value.at)
			return fail(error, ST_BAD_REQUEST,
				    "error: invalid literal source " STR_FMT ", expected key=value",
				    STR_ARG(key));
		status = add_value(&map, key, value);
	}
	len = option_list(cli, "from-file", &values);
	for (u32 i = 0; !status && i < len; i++)
		status = add_file(&map, values[i]);
	if (status)
		return status;
	const struct doc *d = doc_with(cli->arena, NULL, STR("data"), map.data);

	if (secret && option_text(cli, "type").len)
		d = doc_set_str(cli->arena, d, "type", option_text(cli, "type"));
	return create_made(cli, secret ? KIND_Secret : KIND_ConfigMap, name, d, error);
}

static enum status configmap_run(struct cli *cli, struct error *error)
{
	return data_run(cli, false, error);
}

static enum status secret_generic_run(struct cli *cli, struct error *error)
{
	return data_run(cli, true, error);
}

/* ---- token: a new token of a service account */

static const struct option_rule token_options[] = {
	{ "duration", 0, OPTION_TEXT, NULL, "how long it is good: 10m, 24h", NULL },
	{ "audience", 0, OPTION_LIST, NULL, "whom it is for; may stand several times", NULL },
	{ 0 },
};

static enum status token_run(struct cli *cli, struct error *error)
{
	struct str name;
	const struct str *audiences;
	u32 len = option_list(cli, "audience", &audiences);
	const struct doc *body = doc_set_str(cli->arena, NULL, "kind", STR("TokenRequest")),
			 *answer;
	i64 ms = 0;
	enum status status = create_name(cli, &name, error);

	if (!status && option_given(cli, "duration") &&
	    !cli_duration(option_text(cli, "duration"), &ms))
		status = fail(error, ST_BAD_REQUEST, "error: invalid duration \"" STR_FMT "\"",
			      STR_ARG(option_text(cli, "duration")));
	if (!status)
		status = cli_connect(cli, error);
	if (status)
		return status;
	body = doc_set_str(cli->arena, body, "apiVersion", STR("authentication.k8s.io/v1"));
	body = doc_set(cli->arena, body, "spec.audiences", &doc_empty_array);
	for (u32 i = 0; i < len; i++)
		body = doc_set(cli->arena, body, "spec.audiences",
			       doc_append(cli->arena, doc_at(body, "spec.audiences"),
					  doc_new_str(cli->arena, audiences[i])));
	if (ms)
		body = doc_set_int(cli->arena, body, "spec.expirationSeconds", ms / MS_PER_S);
	struct request request = {
		.method = "POST",
		.path = request_path(cli->arena, schema_kind(cli->schema, KIND_ServiceAccount),
				     cli->ns, name, STR("token")),
		.body = body
	};

	status = request_send(cli, &request, &answer, error);
	if (!status)
		cli_printf(STR_FMT "\n", STR_ARG(doc_at_str(answer, "status.token")));
	return status;
}

static const struct command command_token = {
	.name = "token",
	.usage = "token SERVICEACCOUNT [--duration=10m]",
	.summary = "a bearer token of a service account",
	.options = token_options,
	.run = token_run,
};
static const struct command command_generic = {
	.name = "generic",
	.usage = "generic NAME [--from-literal=K=V] [--from-file=[K=]FILE]",
	.summary = "a secret of literals and files",
	.options = data_options,
	.run = secret_generic_run,
};
static const struct command *const secret_kinds[] = { &command_generic, &command_create_tls,
						      &command_create_registry, NULL };

static const struct command command_namespace = {
	.name = "namespace",
	.usage = "namespace NAME",
	.summary = "a namespace",
	.options = bare_options,
	.run = namespace_run,
};
static const struct command command_ns = {
	.name = "ns",
	.usage = "ns NAME",
	.summary = "a namespace",
	.options = bare_options,
	.run = namespace_run,
};
static const struct command command_service_account = {
	.name = "serviceaccount",
	.usage = "serviceaccount NAME",
	.summary = "a service account",
	.options = bare_options,
	.run = service_account_run,
};
static const struct command command_deployment = {
	.name = "deployment",
	.usage = "deployment NAME --image=IMAGE [-- COMMAND …]",
	.summary = "a deployment of an image",
	.options = deployment_options,
	.run = deployment_run,
};
static const struct command command_configmap = {
	.name = "configmap",
	.usage = "configmap NAME [--from-literal=K=V] [--from-file=[K=]FILE]",
	.summary = "a configmap of literals and files",
	.options = data_options,
	.run = configmap_run,
};
static const struct command command_secret = {
	.name = "secret",
	.usage = "secret generic NAME …",
	.summary = "a secret",
	.children = secret_kinds,
};

const struct command *const create_kinds[] = {
	&command_namespace,
	&command_ns,
	&command_service_account,
	&command_deployment,
	&command_configmap,
	&command_secret,
	&command_token,
	&command_create_job,
	&command_create_cronjob,
	&command_create_service,
	&command_create_ingress,
	&command_create_role,
	&command_create_clusterrole,
	&command_create_rolebinding,
	&command_create_clusterrolebinding,
	&command_create_quota,
	&command_create_pdb,
	&command_create_poddisruptionbudget,
	&command_create_priorityclass,
	NULL,
};
