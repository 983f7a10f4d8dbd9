/* pods/log, exec, attach and portforward: options are read here, the node answers. */
#include "server/node_door.h"

#include "base/timestamp.h"
#include "server/object.h"
#include "server/route.h"
#include "server/state.h"

enum { COMMAND_WORDS_MAX = 4096, PORTS_MAX = 64 };

static const char *const lists[] = { "containers", "initContainers", "ephemeralContainers" };

static struct str names_of(struct arena *arena, const struct doc *list)
{
	struct str *names = ARENA_ARRAY(arena, struct str, doc_len(list) + 1);

	for (u32 i = 0; i < doc_len(list); i++)
		names[i] = doc_str(doc_key(doc_item(list, i), "name"));
	return str_join(arena, names, doc_len(list), STR(" "));
}

/* The container that is meant: the one named, or the only one. */
static enum status choose_container(struct request *r, const struct version *pod, struct str *ret)
{
	const struct doc *spec = doc_key(pod->doc, "spec");
	const struct doc *containers = doc_key(spec, "containers"),
			 *init = doc_key(spec, "initContainers");
	struct arena *arena = r->x->arena;

	*ret = http_query_get(r->x, "container");
	if (ret->len == 0) {
		if (doc_len(containers) == 1 && doc_len(init) == 0) {
			*ret = doc_str(doc_key(doc_item(containers, 0), "name"));
			return ST_OK;
		}
		if (doc_len(init) == 0)
			return fail(&r->error, ST_BAD_REQUEST,
				    "a container name must be specified for pod " STR_FMT
				    ", choose one of: [" STR_FMT "]",
				    STR_ARG(pod->name), STR_ARG(names_of(arena, containers)));
		return fail(&r->error, ST_BAD_REQUEST,
			    "a container name must be specified for pod " STR_FMT
			    ", choose one of: [" STR_FMT
			    "] or one of the init containers: [" STR_FMT "]",
			    STR_ARG(pod->name), STR_ARG(names_of(arena, containers)),
			    STR_ARG(names_of(arena, init)));
	}
	for (u32 i = 0; i < ARRAY_LEN(lists); i++)
		doc_each_item(doc_get(spec, str_of(lists[i])), container)
			if (str_eq(doc_str(doc_key(container, "name")), *ret))
				return ST_OK;
	return fail(&r->error, ST_BAD_REQUEST,
		    "container " STR_FMT " is not valid for pod " STR_FMT, STR_ARG(*ret),
		    STR_ARG(pod->name));
}

static enum status check_scheduled(struct request *r, const struct version *pod)
{
	struct str phase = doc_at_str(pod->doc, "status.phase");
	bool exec = str_is(r->subresource, "exec") || str_is(r->subresource, "attach");

	if (doc_at_str(pod->doc, "spec.nodeName").len == 0)
		return fail(&r->error, ST_BAD_REQUEST,
			    "pod " STR_FMT " does not have a host assigned", STR_ARG(pod->name));
	if (exec && (str_is(phase, "Succeeded") || str_is(phase, "Failed")))
		return fail(&r->error, ST_BAD_REQUEST,
			    "cannot exec into a container in a completed pod; current phase "
			    "is " STR_FMT,
			    STR_ARG(phase));
	return ST_OK;
}

static enum status fail_option(struct request *r, const char *field, i64 value, const char *why)
{
	return fail(&r->error, ST_INVALID,
		    "PodLogOptions \"\" is invalid: %s: Invalid value: %lld: %s", field,
		    (long long)value, why);
}

static enum status parse_log_options(struct request *r, struct log_options *o)
{
	struct str since = http_query_get(r->x, "sinceTime");
	i64 seconds;
	enum status status = query_i64(r->x, "tailLines", -1, &o->tail_lines, &r->error);

	if (status == ST_OK)
		status = query_i64(r->x, "limitBytes", -1, &o->limit_bytes, &r->error);
	if (status == ST_OK)
		status = query_i64(r->x, "sinceSeconds", -1, &seconds, &r->error);
	if (status != ST_OK)
		return status;
	if (o->tail_lines < -1)
		return fail_option(r, "tailLines", o->tail_lines,
				   "must be greater than or equal to 0");
	if (http_query_get(r->x, "limitBytes").len && o->limit_bytes < 1)
		return fail_option(r, "limitBytes", o->limit_bytes, "must be greater than 0");
	if (http_query_get(r->x, "sinceSeconds").len && seconds < 1)
		return fail_option(r, "sinceSeconds", seconds, "must be greater than 0");
	if (since.len && seconds > 0)
		return fail(
			&r->error, ST_INVALID,
			"PodLogOptions \"\" is invalid: : Forbidden: at most one of `sinceTime` "
			"or `sinceSeconds` may be specified");
	if (since.len && !timestamp_parse(since, &o->since_wall_ns))
		return fail(&r->error, ST_BAD_REQUEST, "sinceTime is no time: " STR_FMT,
			    STR_ARG(since));
	if (seconds > 0)
		o->since_wall_ns = clock_wall_ns(r->server->clock) - seconds * NS_PER_S;
	o->follow = query_bool(r->x, "follow");
	o->previous = query_bool(r->x, "previous");
	o->timestamps = query_bool(r->x, "timestamps");
	return ST_OK;
}

static enum status request_logs(struct request *r, const struct node_door *nodes,
				struct version *pod, const struct door_pod *door)
{
	struct log_options *options = ARENA_NEW(r->x->arena, struct log_options);
	enum status status = choose_container(r, pod, &options->container);

	if (status == ST_OK)
		status = parse_log_options(r, options);
	if (status == ST_OK)
		nodes->logs(nodes->self, r->x, door, options);
	return status;
}

static enum status request_exec(struct request *r, const struct node_door *nodes,
				struct version *pod, const struct door_pod *door)
{
	struct exec_options *options = ARENA_NEW(r->x->arena, struct exec_options);
	bool exec = str_is(r->subresource, "exec");
	VEC(struct str) words = { 0 };
	struct str word;
	enum status status;

	/* Without a name the first container is meant, unless kubectl asked for a choice. */
	if (http_query_get(r->x, "container").len == 0)
		options->container = doc_at_str(pod->doc, "spec.containers.0.name");
	else if ((status = choose_container(r, pod, &options->container)) != ST_OK)
		return status;
	while (words.len < COMMAND_WORDS_MAX &&
	       (word = http_query_nth(r->x, "command", words.len)).at)
		VEC_PUSH(r->x->arena, &words, word);
	options->command = words.at;
	options->command_len = words.len;
	options->in = query_bool(r->x, "stdin");
	options->out = query_bool(r->x, "stdout");
	options->err = query_bool(r->x, "stderr");
	options->tty = query_bool(r->x, "tty");
	if (!options->in && !options->out && !options->err)
		return fail(&r->error, ST_BAD_REQUEST,
			    "you must specify at least 1 of stdin, stdout, stderr");
	if (exec && words.len == 0)
		return fail(&r->error, ST_BAD_REQUEST, "you must specify at least one command");
	if (exec)
		nodes->exec(nodes->self, r->x, door, options);
	else
		nodes->attach(nodes->self, r->x, door, options);
	return ST_OK;
}

static enum status request_forward(struct request *r, const struct node_door *nodes,
				   struct version *pod, const struct door_pod *door)
{
	u16 *ports = ARENA_ARRAY(r->x->arena, u16, PORTS_MAX);
	u32 len = 0;
	struct str text;

	for (u32 i = 0; (text = http_query_nth(r->x, "ports", i)).at; i++)
		while (text.at) { /* "80,443", or several */
			struct str one = str_cut(&text, ',');
			i64 port;

			if (!str_to_i64(one, &port) || port < 1 || port > 65535 || len == PORTS_MAX)
				return fail(&r->error, ST_BAD_REQUEST,
					    "ports: \"" STR_FMT "\" is no port", STR_ARG(one));
			ports[len++] = (u16)port;
		}
	(void)pod;
	nodes->port_forward(nodes->self, r->x, door, ports, len);
	return ST_OK;
}

/* The version is held by the arena. */
static const struct door_pod *door_of(struct arena *arena, const struct version *pod)
{
	struct door_pod *door = ARENA_NEW(arena, struct door_pod);

	*door = (struct door_pod){ pod->namespace, pod->name, pod->uid,
				   doc_at_str(pod->doc, "spec.nodeName") };
	return door;
}

bool node_request(struct request *r)
{
	static const struct {
		const char *name;
		enum status (*call)(struct request *r, const struct node_door *nodes,
				    struct version *pod, const struct door_pod *door);
	} parts[] = {
		{ "log", request_logs },
		{ "exec", request_exec },
		{ "attach", request_exec },
		{ "portforward", request_forward },
	};
	const struct node_door *nodes = r->server->config.nodes;
	struct version *pod;

	if (r->kind->id != KIND_Pod || r->subresource.len == 0)
		return false;
	for (u32 i = 0; i < ARRAY_LEN(parts); i++) {
		if (!str_is(r->subresource, parts[i].name))
			continue;
		pod = store_get(r->server->store, KIND_Pod, r->ns, r->name);
		if (!pod)
			fail_not_found(&r->call, r->kind, r->name, &r->error);
		else if (!nodes)
			fail(&r->error, ST_UNAVAILABLE, "no node answers for this pod");
		else
			version_hold(r->x->arena, pod);
		if (r->error.status != ST_OK || check_scheduled(r, pod) != ST_OK ||
		    parts[i].call(r, nodes, pod, door_of(r->x->arena, pod)) != ST_OK)
			request_fail(r);
		return true;
	}
	return false;
}
