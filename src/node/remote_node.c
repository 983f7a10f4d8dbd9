/* One passage an exchange, with a client of its own: nothing is left over for the next one. */
#include "node/remote_node.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "base/check.h"
#include "base/timestamp.h"
#include "net/client.h"
#include "node/node_server.h"
#include "server/node_door.h"
#include "server/reply.h"
#include "sys/loop.h"

enum { QUEUE_FULL = 256 << 10, TARGET_BYTES_MAX = 256 << 10, SENT_HEADERS_MAX = 64 };

struct remote_nodes {
	struct remote_nodes_config config;
	struct node_door door;
};

struct passage {
	struct loop *loop;
	struct http_exchange *x; /* NULL: the asker has gone */
	struct http_client *client;
	struct http_call *call;	      /* logs: the answer is on its way */
	struct http_upgrade *upgrade; /* else */
	bool started;		      /* the answer's head has been passed on */
};

/* ---- the end of a passage */

static void passage_free(void *self)
{
	struct passage *passage = self;

	http_client_free(passage->client);
	free(passage);
}

/* Later, as we may be inside one of the client's own calls. */
static void passage_leave(struct passage *passage)
{
	if (!passage->x && !passage->call && !passage->upgrade)
		loop_post(passage->loop, passage_free, passage);
}

static void asker_gone(struct http_exchange *x)
{
	struct passage *passage = x->handler;

	passage->x = NULL;
	if (passage->call)
		http_call_cancel(passage->call);
	passage->call = NULL;
	if (passage->upgrade)
		http_upgrade_close(passage->upgrade);
	passage_leave(passage);
}

static void fail_dialing(struct http_exchange *x, const char *why)
{
	reply_failure(x, ST_INTERNAL, "error dialing backend: %s", why ? why : "no answer");
}

static bool is_named(struct str name, const char *wanted)
{
	return name.len == strlen(wanted) && !strncasecmp(name.at, wanted, name.len);
}

/* ---- logs: an answer that streams */

static void logs_head(void *self, const struct http_call_result *result)
{
	struct passage *passage = self;
	struct http_header *type = NULL;

	if (!passage->x)
		return;
	for (u32 i = 0; i < result->headers_len; i++)
		if (is_named(result->headers[i].name, "Content-Type")) {
			type = ARENA_NEW(passage->x->arena, struct http_header);
			type->name = STR("Content-Type");
			type->value = str_copy(passage->x->arena, result->headers[i].value);
		}
	passage->started = true;
	passage->x->answer->start(passage->x, result->code, type, type != NULL);
}

static void logs_bytes(void *self, struct str bytes)
{
	struct passage *passage = self;
	struct http_piece piece = { bytes.at, bytes.len };

	if (passage->x && passage->x->answer->write(passage->x, &piece, 1) > QUEUE_FULL)
		http_call_pause(passage->call, true);
}

static void logs_writable(struct http_exchange *x)
{
	struct passage *passage = x->handler;

	if (passage->call)
		http_call_pause(passage->call, false);
}

static void logs_done(void *self, const struct http_call_result *result)
{
	struct passage *passage = self;

	passage->call = NULL;
	if (passage->x && passage->started)
		passage->x->answer->end(passage->x);
	else if (passage->x)
		fail_dialing(passage->x, result->why);
	passage_leave(passage);
}

/* ---- upgrades: bytes both ways */

static void asker_bytes(void *self, struct str bytes)
{
	struct passage *passage = self;

	if (passage->upgrade && http_upgrade_write(passage->upgrade, bytes) > QUEUE_FULL)
		passage->x->answer->tunnel_pause(passage->x, true);
}

static void asker_drained(void *self)
{
	struct passage *passage = self;

	if (passage->upgrade)
		http_upgrade_pause(passage->upgrade, false);
}

static void asker_closed(void *self)
{
	(void)self; /* on_closed follows */
}

static bool is_of_upgrade(struct str name)
{
	static const char *const names[] = { "Connection", "Upgrade", "X-Stream-Protocol-Version" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (is_named(name, names[i]))
			return true;
	return name.len > 13 && strncasecmp(name.at, "Sec-WebSocket-", 14) == 0;
}

/* Only what belongs to the upgrade: who asks, and their token, are none of the node's business. */
static struct http_header *upgrade_headers(struct arena *arena, const struct http_header *headers,
					   u32 len, u32 *ret_len)
{
	struct http_header *kept = ARENA_ARRAY(arena, struct http_header, SENT_HEADERS_MAX);

	*ret_len = 0;
	for (u32 i = 0; i < len && *ret_len < SENT_HEADERS_MAX; i++)
		if (is_of_upgrade(headers[i].name))
			kept[(*ret_len)++] =
				(struct http_header){ str_copy(arena, headers[i].name),
						      str_copy(arena, headers[i].value) };
	return kept;
}

static void node_opened(void *self, const struct http_call_result *result)
{
	static const struct http_tunnel_events events = { asker_bytes, asker_drained,
							  asker_closed };
	struct passage *passage = self;
	u32 len;

	if (!passage->x)
		return;
	struct http_header *headers =
		upgrade_headers(passage->x->arena, result->headers, result->headers_len, &len);

	passage->started = true;
	passage->x->answer->upgrade(passage->x, headers, len, &events, passage);
}

static void node_refused(void *self, const struct http_call_result *result)
{
	struct passage *passage = self;

	passage->upgrade = NULL;
	if (passage->x && result->status != ST_OK)
		fail_dialing(passage->x, result->why);
	else if (passage->x)
		reply_text(passage->x, result->code >= 300 ? result->code : 502, "application/json",
			   str_copy(passage->x->arena, result->body));
	passage_leave(passage);
}

static void node_bytes(void *self, struct str bytes)
{
	struct passage *passage = self;

	if (passage->x && passage->x->answer->tunnel_write(passage->x, bytes) > QUEUE_FULL)
		http_upgrade_pause(passage->upgrade, true);
}

static void node_drained(void *self)
{
	struct passage *passage = self;

	if (passage->x)
		passage->x->answer->tunnel_pause(passage->x, false);
}

static void node_closed(void *self)
{
	struct passage *passage = self;

	passage->upgrade = NULL;
	if (passage->x)
		passage->x->answer->tunnel_close(passage->x);
	passage_leave(passage);
}

/* ---- setting out */

/* NULL: the exchange has been answered. */
static struct passage *passage_new(struct remote_nodes *nodes, struct http_exchange *x,
				   const struct door_pod *pod)
{
	struct error error = ERROR_INIT;
	struct http_client_config config = { .tls = nodes->config.tls, .user_agent = STR("minke") };
	struct passage *passage = calloc(1, sizeof *passage);

	CHECK(passage);
	config.url = nodes->config.url(nodes->config.self, x->arena, pod->node, &error);
	passage->loop = nodes->config.loop;
	if (!config.url.len ||
	    http_client_new(nodes->config.loop, &config, &passage->client, &error) != ST_OK) {
		reply_error(x, &error);
		free(passage);
		return NULL;
	}
	passage->x = x;
	x->handler = passage;
	x->on_closed = asker_gone;
	return passage;
}

static void add_part(struct buffer *target, struct str text)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < text.len; i++) {
		u8 c = (u8)text.at[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';

		if (plain) {
			buffer_add_char(target, (char)c);
		} else {
			const char escape[] = { '%', hex[c >> 4], hex[c & 15] };

			buffer_add(target, escape, sizeof escape);
		}
	}
}

/* "/exec/NAMESPACE/POD/UID/CONTAINER?" */
static struct buffer target_start(const char *head, const struct door_pod *pod,
				  struct str container)
{
	const struct str parts[] = { pod->namespace, pod->name, pod->uid, container };
	struct buffer target = BUFFER_INIT(TARGET_BYTES_MAX);

	buffer_add_char(&target, '/');
	buffer_add_str(&target, str_of(head));
	for (size_t i = 0; i < ARRAY_LEN(parts) && parts[i].len; i++) {
		buffer_add_char(&target, '/');
		add_part(&target, parts[i]);
	}
	buffer_add_char(&target, '?');
	return target;
}

static void remote_logs(void *self, struct http_exchange *x, const struct door_pod *pod,
			const struct log_options *options)
{
	static const struct http_call_events events = { logs_head, logs_bytes, logs_done };
	struct passage *passage = passage_new(self, x, pod);

	if (!passage)
		return;
	struct buffer target = target_start("containerLogs", pod, options->container);
	struct str since = options->since_wall_ns
				   ? timestamp_print_micro(x->arena, options->since_wall_ns)
				   : STR_NONE;

	buffer_add_str(&target,
		       str_format(x->arena, "follow=%d&previous=%d&timestamps=%d", options->follow,
				  options->previous, options->timestamps));
	if (options->tail_lines >= 0)
		buffer_add_str(&target, str_format(x->arena, "&tailLines=%lld",
						   (long long)options->tail_lines));
	if (options->limit_bytes >= 0)
		buffer_add_str(&target, str_format(x->arena, "&limitBytes=%lld",
						   (long long)options->limit_bytes));
	if (since.len) {
		buffer_add_str(&target, str_format(x->arena, "&sinceTime="));
		add_part(&target, since);
	}
	struct http_call_spec spec = { .method = STR("GET"), .target = buffer_str(&target) };

	x->on_writable = logs_writable;
	passage->call = http_call_start(passage->client, &spec, &events, passage);
	buffer_release(&target);
}

static void set_out_upgrade(struct passage *passage, struct http_exchange *x, struct buffer *target)
{
	static const struct http_upgrade_events events = { node_opened, node_refused, node_bytes,
							   node_drained, node_closed };
	struct http_call_spec spec = { .method = x->method, .target = buffer_str(target) };

	spec.headers = upgrade_headers(x->arena, x->headers, x->headers_len, &spec.headers_len);
	if (target->full)
		reply_failure(x, ST_BAD_REQUEST, "the command is too long");
	else if (!x->answer->upgrade || !http_header_get(x, "upgrade").len)
		reply_failure(x, ST_BAD_REQUEST, "unable to upgrade: the request asks for none");
	else
		passage->upgrade = http_upgrade_start(passage->client, &spec, &events, passage);
	buffer_release(target);
}

static void run(struct remote_nodes *nodes, struct http_exchange *x, const struct door_pod *pod,
		const struct exec_options *options, const char *head)
{
	struct passage *passage = passage_new(nodes, x, pod);

	if (!passage)
		return;
	struct buffer target = target_start(head, pod, options->container);

	buffer_add_str(&target, str_format(x->arena, "input=%d&output=%d&error=%d&tty=%d",
					   options->in, options->out, options->err, options->tty));
	for (u32 i = 0; i < options->command_len; i++) {
		buffer_add_str(&target, str_format(x->arena, "&command="));
		add_part(&target, options->command[i]);
	}
	set_out_upgrade(passage, x, &target);
}

static void remote_exec(void *self, struct http_exchange *x, const struct door_pod *pod,
			const struct exec_options *options)
{
	run(self, x, pod, options, "exec");
}

static void remote_attach(void *self, struct http_exchange *x, const struct door_pod *pod,
			  const struct exec_options *options)
{
	run(self, x, pod, options, "attach");
}

static void remote_forward(void *self, struct http_exchange *x, const struct door_pod *pod,
			   const u16 *ports, u32 ports_len)
{
	struct passage *passage = passage_new(self, x, pod);

	if (!passage)
		return;
	struct buffer target = target_start("portForward", pod, STR_NONE);

	for (u32 i = 0; i < ports_len; i++)
		buffer_add_str(&target, str_format(x->arena, "%sports=%u", i ? "&" : "", ports[i]));
	set_out_upgrade(passage, x, &target);
}

/* ---- life */

struct remote_nodes *remote_nodes_new(const struct remote_nodes_config *config)
{
	struct remote_nodes *nodes = calloc(1, sizeof *nodes);

	CHECK(nodes);
	nodes->config = *config;
	nodes->door = (struct node_door){ .logs = remote_logs,
					  .exec = remote_exec,
					  .attach = remote_attach,
					  .port_forward = remote_forward,
					  .self = nodes };
	return nodes;
}

void remote_nodes_free(struct remote_nodes *nodes)
{
	free(nodes);
}

const struct node_door *remote_nodes_door(struct remote_nodes *nodes)
{
	return &nodes->door;
}
