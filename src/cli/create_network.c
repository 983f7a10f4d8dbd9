/* minke create service and ingress. */
#include "cli/create.h"

static const struct option_rule service_options[] = {
	{ "tcp", 0, OPTION_LIST, NULL, "PORT[:TARGET]; may stand several times", NULL },
	{ "clusterip", 0, OPTION_TEXT, NULL, "its address, or None", NULL },
	{ "node-port", 0, OPTION_INT, "0", "the port of every node", NULL },
	{ "external-name", 0, OPTION_TEXT, NULL, "the name it stands for", NULL },
	CHANGE_OPTIONS,
	{ 0 },
};

static enum status add_ports(struct cli *cli, struct build *b, struct error *error)
{
	const struct str *ports;
	u32 len = option_list(cli, "tcp", &ports);

	if (!len)
		return ST_OK;
	build_open_array(b, "ports");
	for (u32 i = 0; i < len; i++)
		for (struct str rest = ports[i]; rest.at;) {
			struct str word = str_cut(&rest, ','), target = word,
				   port = str_cut(&target, ':');
			i64 number, to;

			if (!str_to_i64(port, &number))
				return fail(error, ST_BAD_REQUEST,
					    "error: invalid port format: " STR_FMT, STR_ARG(word));
			build_open_object(b, NULL);
			build_str(b, "name",
				  str_format(cli->arena, STR_FMT "%s" STR_FMT, STR_ARG(port),
					     target.at ? "-" : "", STR_ARG(target)));
			if (option_int(cli, "node-port"))
				build_int(b, "nodePort", option_int(cli, "node-port"));
			build_int(b, "port", number);
			build_str(b, "protocol", STR("TCP"));
			if (!target.at)
				build_int(b, "targetPort", number);
			else if (str_to_i64(target, &to))
				build_int(b, "targetPort", to);
			else
				build_str(b, "targetPort", target);
			build_close(b);
		}
	build_close(b);
	return ST_OK;
}

static enum status service_run(struct cli *cli, const char *type, struct error *error)
{
	struct str name, address = option_text(cli, "clusterip");
	struct str external = option_text(cli, "external-name");
	struct build b = build_object(cli->arena);
	bool named = str_is(str_of(type), "ExternalName");
	enum status status = create_name(cli, &name, error);

	if (!status && !named && !option_given(cli, "tcp") && !str_is(address, "None"))
		status = fail(error, ST_BAD_REQUEST,
			      "error: at least one tcp port specifier must be "
			      "provided");
	if (!status && named && !external.len)
		status = fail(error, ST_BAD_REQUEST,
			      "error: required flag(s) \"external-name\" not set");
	if (status)
		return status;
	build_open_object(&b, "metadata");
	build_str(&b, "name", name);
	build_open_object(&b, "labels");
	build_str(&b, "app", name);
	build_close(&b);
	build_close(&b);
	build_open_object(&b, "spec");
	build_str_if(&b, "clusterIP", address);
	build_str_if(&b, "externalName", external);
	status = add_ports(cli, &b, error);
	build_open_object(&b, "selector");
	build_str(&b, "app", name);
	build_close(&b);
	build_str(&b, "type", str_of(type));
	build_close(&b);
	return status ? status : create_made(cli, KIND_Service, name, build_done(&b), error);
}

#define SERVICE(word, type)                                                                        \
	static enum status word##_run(struct cli *cli, struct error *error)                        \
	{                                                                                          \
		return service_run(cli, type, error);                                              \
	}                                                                                          \
	static const struct command command_##word = {                                             \
		.name = #word,                                                                     \
		.usage = #word " NAME [--tcp=PORT:TARGET]",                                        \
		.summary = "a service of type " type,                                              \
		.options = service_options,                                                        \
		.run = word##_run,                                                                 \
	};
SERVICE(clusterip, "ClusterIP")
SERVICE(nodeport, "NodePort")
SERVICE(loadbalancer, "LoadBalancer")
SERVICE(externalname, "ExternalName")

static const struct command *const service_kinds[] = { &command_clusterip, &command_nodeport,
						       &command_loadbalancer, &command_externalname,
						       NULL };

const struct command command_create_service = {
	.name = "service",
	.usage = "service clusterip|nodeport|loadbalancer|externalname NAME …",
	.summary = "a service",
	.children = service_kinds,
};

/* ---- ingress */

static const struct option_rule ingress_options[] = {
	{ "rule", 0, OPTION_LIST, NULL, "HOST/PATH[*]=SERVICE:PORT[,tls[=SECRET]]", NULL },
	{ "class", 0, OPTION_TEXT, NULL, "the ingress class", NULL },
	{ "default-backend", 0, OPTION_TEXT, NULL, "SERVICE:PORT for all the rest", NULL },
	{ "annotation", 0, OPTION_LIST, NULL, "KEY=VALUE; may stand several times", NULL },
	CHANGE_OPTIONS,
	{ 0 },
};

static const struct doc *backend_of(struct cli *cli, struct str text)
{
	struct str port = text, service = str_cut(&port, ':');
	const struct doc *backend = doc_set_str(cli->arena, NULL, "service.name", service);
	i64 number;

	return str_to_i64(port, &number)
		       ? doc_set_int(cli->arena, backend, "service.port.number", number)
		       : doc_set_str(cli->arena, backend, "service.port.name", port);
}

static enum status add_rule(struct cli *cli, struct str text, const struct doc **spec,
			    struct error *error)
{
	struct arena *arena = cli->arena;
	struct str options = text, backend = str_cut(&options, ','), where = str_cut(&backend, '='),
		   path = where, host = str_cut(&path, '/');
	bool prefix = path.len && path.at[path.len - 1] == '*';

	if (!backend.at || str_find_char(backend, ':') < 1)
		return fail(error, ST_BAD_REQUEST,
			    "error: rule " STR_FMT " is invalid and should be in format "
			    "host/path=svcname:svcport[,tls[=secret]]",
			    STR_ARG(text));
	if (prefix)
		path.len--;
	const struct doc *entry = doc_set(arena, NULL, "backend", backend_of(cli, backend));

	entry = doc_set_str(arena, entry, "path", str_format(arena, "/" STR_FMT, STR_ARG(path)));
	entry = doc_set_str(arena, entry, "pathType", prefix ? STR("Prefix") : STR("Exact"));
	const struct doc *rule =
		doc_set(arena, NULL, "http.paths", doc_append(arena, &doc_empty_array, entry));

	if (host.len)
		rule = doc_set_str(arena, rule, "host", host);
	const struct doc *rules = doc_key(*spec, "rules"), *secrets = doc_key(*spec, "tls");

	*spec = doc_set(arena, *spec, "rules",
			doc_append(arena, rules ? rules : &doc_empty_array, rule));
	if (!options.at)
		return ST_OK;
	struct str secret = options, word = str_cut(&secret, '=');
	const struct doc *tls =
		doc_set(arena, NULL, "hosts",
			doc_append(arena, &doc_empty_array, doc_new_str(arena, host)));

	if (!str_is(word, "tls"))
		return fail(error, ST_BAD_REQUEST, "error: rule " STR_FMT " is invalid",
			    STR_ARG(text));
	if (secret.len)
		tls = doc_set_str(arena, tls, "secretName", secret);
	*spec = doc_set(arena, *spec, "tls",
			doc_append(arena, secrets ? secrets : &doc_empty_array, tls));
	return ST_OK;
}

static enum status ingress_run(struct cli *cli, struct error *error)
{
	struct str name, class = option_text(cli, "class");
	struct str backend = option_text(cli, "default-backend");
	const struct str *rules, *notes;
	u32 len = option_list(cli, "rule", &rules);
	u32 notes_len = option_list(cli, "annotation", &notes);
	const struct doc *spec = &doc_empty_object, *made = NULL;
	enum status status = create_name(cli, &name, error);

	if (!status && !len && !backend.len)
		status = fail(error, ST_BAD_REQUEST,
			      "error: not enough information provided: every ingress has to either "
			      "specify a default-backend (which catches all traffic) or a list of "
			      "rules (which catch specific paths)");
	for (u32 i = 0; !status && i < len; i++)
		status = add_rule(cli, rules[i], &spec, error);
	if (status)
		return status;
	if (class.len)
		spec = doc_set_str(cli->arena, spec, "ingressClassName", class);
	if (backend.len)
		spec = doc_set(cli->arena, spec, "defaultBackend", backend_of(cli, backend));
	for (u32 i = 0; i < notes_len; i++) {
		struct str value = notes[i], key = str_cut(&value, '=');

		made = doc_set_str(cli->arena, made, "metadata.name", name);
		made = doc_set(cli->arena, made, "metadata.annotations",
			       doc_with(cli->arena, doc_at(made, "metadata.annotations"), key,
					doc_new_str(cli->arena, value)));
	}
	return create_made(cli, KIND_Ingress, name, doc_set(cli->arena, made, "spec", spec), error);
}

const struct command command_create_ingress = {
	.name = "ingress",
	.usage = "ingress NAME --rule=HOST/PATH=SERVICE:PORT …",
	.summary = "an ingress",
	.options = ingress_options,
	.run = ingress_run,
};
