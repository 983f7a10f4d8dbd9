/* Paths to the door's calls; who may ask is decided by the certificate alone. */
#include "node/node_server.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/timestamp.h"
#include "net/server.h"
#include "server/node_door.h"
#include "server/reply.h"
#include "server/request.h"

enum { WORDS_MAX = 4096, PARTS_MAX = 5 };

struct node_server {
	struct node_server_config config;
	struct http_server *http;
};

/* A request for a pod, its path taken apart. */
struct asked {
	const struct node_server_config *config;
	struct http_exchange *x;
	struct door_pod *pod;
	struct str container; /* empty for port-forward */
};

static void answer_logs(struct asked *asked)
{
	const struct node_door *door = asked->config->door;
	struct http_exchange *x = asked->x;
	struct log_options *options = ARENA_NEW(x->arena, struct log_options);
	struct str since = http_query_get(x, "sinceTime");
	struct error error = ERROR_INIT;

	options->container = asked->container;
	options->follow = query_bool(x, "follow");
	options->previous = query_bool(x, "previous");
	options->timestamps = query_bool(x, "timestamps");
	if (query_i64(x, "tailLines", -1, &options->tail_lines, &error) != ST_OK ||
	    query_i64(x, "limitBytes", -1, &options->limit_bytes, &error) != ST_OK) {
		reply_error(x, &error);
		return;
	}
	if (since.len && !timestamp_parse(since, &options->since_wall_ns)) {
		reply_failure(x, ST_BAD_REQUEST, "sinceTime is no time: " STR_FMT, STR_ARG(since));
		return;
	}
	door->logs(door->self, x, asked->pod, options);
}

static struct exec_options *exec_options_of(struct asked *asked)
{
	struct http_exchange *x = asked->x;
	struct exec_options *options = ARENA_NEW(x->arena, struct exec_options);
	VEC(struct str) words = { 0 };
	struct str word;

	while (words.len < WORDS_MAX && (word = http_query_nth(x, "command", words.len)).at)
		VEC_PUSH(x->arena, &words, word);
	*options = (struct exec_options){ .container = asked->container,
					  .command = words.at,
					  .command_len = words.len,
					  .in = query_bool(x, "input"),
					  .out = query_bool(x, "output"),
					  .err = query_bool(x, "error"),
					  .tty = query_bool(x, "tty") };
	return options;
}

static void answer_exec(struct asked *asked)
{
	const struct node_door *door = asked->config->door;

	door->exec(door->self, asked->x, asked->pod, exec_options_of(asked));
}

static void answer_attach(struct asked *asked)
{
	const struct node_door *door = asked->config->door;

	door->attach(door->self, asked->x, asked->pod, exec_options_of(asked));
}

/* The ports stand in the query where they are needed: whoever accepts the upgrade reads them. */
static void answer_forward(struct asked *asked)
{
	const struct node_door *door = asked->config->door;

	door->port_forward(door->self, asked->x, asked->pod, NULL, 0);
}

static const struct {
	const char *name;
	void (*answer)(struct asked *asked);
	u32 parts; /* namespace, pod, container */
} doors[] = {
	{ "containerLogs", answer_logs, 3 },
	{ "exec", answer_exec, 3 },
	{ "attach", answer_attach, 3 },
	{ "portForward", answer_forward, 2 },
};

static void not_found(struct http_exchange *x)
{
	reply_text(x, 404, "text/plain", STR("404 page not found\n"));
}

/* "/exec/NAMESPACE/POD[/UID]/CONTAINER" */
static void answer_pod(const struct node_server_config *config, struct http_exchange *x,
		       struct str path)
{
	struct str parts[PARTS_MAX] = { 0 }, head = str_cut(&path, '/');
	struct asked asked = { .config = config, .x = x };
	u32 len = 0, which = 0;

	while (path.at && len < PARTS_MAX)
		if (!http_decode(x->arena, str_cut(&path, '/'), false, &parts[len++]))
			len = PARTS_MAX;
	while (which < ARRAY_LEN(doors) && !str_is(head, doors[which].name))
		which++;
	if (which == ARRAY_LEN(doors) || len < doors[which].parts || len > doors[which].parts + 1) {
		not_found(x);
		return;
	}
	bool by_uid = len > doors[which].parts;

	asked.pod = ARENA_NEW(x->arena, struct door_pod);
	asked.pod->namespace = parts[0];
	asked.pod->name = parts[1];
	asked.pod->uid = str_copy(
		x->arena, by_uid ? parts[2] : config->pod_uid(config->self, parts[0], parts[1]));
	asked.container = doors[which].parts == 3 ? parts[len - 1] : STR_NONE;
	if (!asked.pod->uid.len)
		reply_failure(x, ST_NOT_FOUND, "pod \"" STR_FMT "_" STR_FMT "\" not found",
			      STR_ARG(parts[1]), STR_ARG(parts[0]));
	else
		doors[which].answer(&asked);
}

void node_server_answer(const struct node_server_config *config, struct http_exchange *x)
{
	struct str path = str_from(x->path, x->path.len > 0);

	if (str_is(path, "healthz")) {
		reply_text(x, 200, "text/plain", STR("ok"));
		return;
	}
	if (!x->peer->common_name.len) {
		reply_text(x, 401, "text/plain", STR("Unauthorized"));
		return;
	}
	if (!str_is(x->peer->common_name, NODE_SERVER_READER)) {
		reply_text(x, 403, "text/plain",
			   str_format(x->arena, "Forbidden (user=" STR_FMT ", verb=get)",
				      STR_ARG(x->peer->common_name)));
		return;
	}
	if (str_is(path, "pods"))
		reply_doc(x, 200, config->pods(config->self, x->arena));
	else
		answer_pod(config, x, path);
}

static void request(void *self, struct http_exchange *x)
{
	struct node_server *server = self;

	node_server_answer(&server->config, x);
}

enum status node_server_open(struct loop *loop, const struct node_server_config *config,
			     struct node_server **ret_server, struct error *error)
{
	struct node_server *server = calloc(1, sizeof *server);

	CHECK(server);
	server->config = *config;
	struct http_server_config http = { .address = config->address,
					   .tls = config->tls,
					   .handler = { request, server } };
	enum status status = http_server_open(loop, &http, &server->http, error);

	if (status != ST_OK) {
		free(server);
		return status;
	}
	*ret_server = server;
	return ST_OK;
}

int node_server_port(const struct node_server *server)
{
	return http_server_port(server->http);
}

void node_server_free(struct node_server *server)
{
	if (!server)
		return;
	http_server_free(server->http);
	free(server);
}
