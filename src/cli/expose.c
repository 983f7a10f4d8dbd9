/* minke expose: a Service in front of what a workload, pod or other Service selects. */
#include "cli/create.h"
#include "cli/request.h"
#include "cli/select.h"
#include "doc/build.h"

static const struct option_rule options[] = {
	{ "port", 0, OPTION_TEXT, NULL, "the service's port, or several parted by commas", NULL },
	{ "target-port", 0, OPTION_TEXT, NULL, "number or name of the container's port", NULL },
	{ "protocol", 0, OPTION_TEXT, NULL, "TCP, UDP or SCTP", NULL },
	{ "name", 0, OPTION_TEXT, NULL, "of the service", NULL },
	{ "type", 0, OPTION_TEXT, NULL, "ClusterIP, NodePort, LoadBalancer or ExternalName", NULL },
	{ "cluster-ip", 0, OPTION_TEXT, NULL, "its address, or None", NULL },
	{ "external-ip", 0, OPTION_TEXT, NULL, "another address that leads to it", NULL },
	{ "load-balancer-ip", 0, OPTION_TEXT, NULL, "address of the load balancer", NULL },
	{ "session-affinity", 0, OPTION_TEXT, NULL, "None or ClientIP", NULL },
	{ "selector", 0, OPTION_TEXT, NULL, "KEY=VALUE,… instead of the object's own", NULL },
	{ "labels", 'l', OPTION_TEXT, NULL, "KEY=VALUE,… of the service", NULL },
	SELECT_FILE_OPTIONS,
	CHANGE_OPTIONS,
	{ 0 },
};

/* What the service selects: the object's selector, or a pod's labels. */
static enum status selector_of(struct cli *cli, const struct target *target,
			       const struct doc *object, const struct doc **ret_selector,
			       struct error *error)
{
	const struct doc *selector = doc_at(object, "spec.selector");
	const struct doc *labels = doc_key(selector, "matchLabels");

	if (option_given(cli, "selector")) {
		*ret_selector = create_pairs(cli, option_text(cli, "selector"));
		return ST_OK;
	}
	if (target->kind->id == KIND_Pod)
		selector = doc_at(object, "metadata.labels");
	else if (labels || doc_key(selector, "matchExpressions"))
		selector = doc_len(doc_key(selector, "matchExpressions")) ? NULL : labels;
	if (!doc_len(selector))
		return fail(error, ST_BAD_REQUEST,
			    "error: couldn't retrieve selectors via --selector flag or "
			    "introspection: the " STR_FMT " has no labels and cannot be exposed",
			    STR_ARG(target->kind->singular));
	*ret_selector = selector;
	return ST_OK;
}

/* Ports of the containers, when --port does not say. */
static struct str ports_of(struct cli *cli, const struct target *target, const struct doc *object)
{
	const char *at = select_pod_spec(target->kind);
	VEC(struct str) ports = { 0 };

	if (at)
		doc_each_item(doc_key(doc_at(object, at), "containers"), container)
			doc_each_item(doc_key(container, "ports"), port)
				VEC_PUSH(cli->arena, &ports,
					 str_format(
						 cli->arena, "%lld",
						 (long long)doc_at_int(port, "containerPort", 0)));
	else
		doc_each_item(doc_at(object, "spec.ports"), port)
			VEC_PUSH(cli->arena, &ports,
				 str_format(cli->arena, "%lld",
					    (long long)doc_at_int(port, "port", 0)));
	return str_join(cli->arena, ports.at, ports.len, STR(","));
}

static enum status add_ports(struct cli *cli, struct build *b, struct str text, struct error *error)
{
	struct str protocol = option_text(cli, "protocol"), at = option_text(cli, "target-port");
	bool many = str_find_char(text, ',') >= 0;
	u32 count = 0;
	i64 number;

	build_open_array(b, "ports");
	while (text.at && text.len) {
		struct str word = str_cut(&text, ',');

		if (!str_to_i64(word, &number))
			return fail(error, ST_BAD_REQUEST,
				    "error: strconv.Atoi: parsing \"" STR_FMT "\": invalid syntax",
				    STR_ARG(word));
		build_open_object(b, NULL);
		if (many)
			build_str(b, "name", str_format(cli->arena, "port-%u", ++count));
		build_int(b, "port", number);
		build_str(b, "protocol", protocol.len ? protocol : STR("TCP"));
		i64 target = number;

		if (at.len && !str_to_i64(at, &target))
			build_str(b, "targetPort", at);
		else
			build_int(b, "targetPort", target);
		build_close(b);
	}
	build_close(b);
	return ST_OK;
}

static enum status service_of(struct cli *cli, const struct target *target,
			      const struct doc *object, struct str name,
			      const struct doc **ret_service, struct error *error)
{
	static const struct {
		const char *option, *field;
	} texts[] = { { "type", "type" },
		      { "cluster-ip", "clusterIP" },
		      { "load-balancer-ip", "loadBalancerIP" },
		      { "session-affinity", "sessionAffinity" } };
	const struct doc *selector = NULL, *labels = doc_at(object, "metadata.labels");
	struct str ports = option_text(cli, "port");
	struct build b = build_object(cli->arena);
	enum status status = selector_of(cli, target, object, &selector, error);

	if (status)
		return status;
	if (!ports.len)
		ports = ports_of(cli, target, object);
	if (!ports.len)
		return fail(error, ST_BAD_REQUEST,
			    "error: couldn't find port via --port flag or introspection");
	if (option_given(cli, "labels"))
		labels = create_pairs(cli, option_text(cli, "labels"));
	build_str(&b, "apiVersion", STR("v1"));
	build_str(&b, "kind", STR("Service"));
	build_open_object(&b, "metadata");
	if (doc_len(labels))
		build_doc(&b, "labels", labels);
	build_str(&b, "name", name);
	build_str(&b, "namespace", target->ns);
	build_close(&b);
	build_open_object(&b, "spec");
	status = add_ports(cli, &b, ports, error);
	if (status)
		return status;
	build_doc(&b, "selector", selector);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		build_str_if(&b, texts[i].field, option_text(cli, texts[i].option));
	if (option_given(cli, "external-ip")) {
		build_open_array(&b, "externalIPs");
		build_str(&b, NULL, option_text(cli, "external-ip"));
		build_close(&b);
	}
	build_close(&b);
	*ret_service = build_done(&b);
	return ST_OK;
}

static enum status expose_one(struct change *change, const struct target *target)
{
	struct cli *cli = change->cli;
	const struct doc *object, *service = NULL;
	struct str name = option_text(cli, "name");
	struct target made = { .kind = schema_kind(cli->schema, KIND_Service), .ns = target->ns };
	enum status status;

	if (!select_pod_spec(target->kind) && target->kind->id != KIND_Service)
		return fail(change->error, ST_BAD_REQUEST,
			    "error: cannot expose a " STR_FMT "%s" STR_FMT,
			    STR_ARG(target->kind->kind), target->kind->group.len ? "." : "",
			    STR_ARG(target->kind->group));
	made.name = name.len ? name : target->name;
	status = select_get(cli, target, &object, change->error);
	if (!status)
		status = service_of(cli, target, object, made.name, &service, change->error);
	if (!status && !change->dry_run_client)
		status = change_create(change, &made, service, &service);
	return status ? status : change_done(change, made.kind, service, "exposed");
}

static enum status expose_run(struct cli *cli, struct error *error)
{
	struct change change;
	struct targets targets;
	enum status status = change_begin(cli, "kubectl-expose", &change, error);

	if (!status)
		status = select_read(cli, 0, &targets, error);
	if (!status && !targets.by_name)
		status = fail(error, ST_BAD_REQUEST,
			      "error: resource(s) were provided, but no name was specified");
	for (u32 i = 0; !status && i < targets.len; i++)
		status = expose_one(&change, &targets.at[i]);
	return status;
}

const struct command command_expose = {
	.name = "expose",
	.usage = "expose TYPE/NAME --port=PORT [--target-port=PORT] [--type=NodePort]",
	.summary = "puts a Service in front of a workload",
	.options = options,
	.run = expose_run,
};
