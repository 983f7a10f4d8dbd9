/*
 * A question comes as a packet or down a TCP stream; what is ours is answered at once, the rest
 * goes to the forwarder and waits in a `struct asked`. TCP streams are few and short-lived.
 */
#include "network/dns_server.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "network/dns_forward.h"
#include "network/dns_wire.h"
#include "sys/datagram.h"
#include "sys/loop.h"

enum { PORT = 53, OTHER_PORT = 10053, STREAMS_MAX = 64, STREAM_IDLE_MS = 10000 };

struct dns_stream {
	struct dns_server *server;
	struct dns_stream *next;
	struct stream *stream; /* NULL: closed */
	struct timer *timer;
	struct buffer in;
};

/* A question somebody else is thinking about. */
struct asked {
	struct dns_server *server;
	struct asked *next;
	struct arena *arena;
	struct datagram_from from;
	struct dns_stream *stream; /* NULL: by UDP, or gone */
	struct dns_query query;
	struct dns_answer *chased; /* an alias so far, whose end is elsewhere; or NULL */
	bool by_stream;
};

struct dns_server {
	struct arena *arena;
	struct loop *loop;
	struct dns_facts facts;
	const struct service_view *view;
	struct datagram *socket;
	struct listener *listener;
	struct dns_forwarder *forwarder;
	struct dns_stream *streams;
	struct asked *asked;
	u32 streams_len, turn;
	u16 port;
};

/* ---- answering */

static void say(struct dns_server *server, struct dns_stream *stream, struct datagram_from from,
		struct str bytes)
{
	if (!stream) {
		(void)datagram_send(server->socket, from, bytes);
		return;
	}
	if (!stream->stream || bytes.len > DNS_TCP_MAX)
		return;
	char len[2] = { (char)(bytes.len >> 8), (char)bytes.len };

	stream_write(stream->stream, (struct str){ len, 2 });
	stream_write(stream->stream, bytes);
}

static void say_answer(struct dns_server *server, struct arena *arena, struct dns_stream *stream,
		       struct datagram_from from, const struct dns_query *query,
		       const struct dns_answer *answer)
{
	size_t room = stream ? (size_t)DNS_TCP_MAX : query->room;

	say(server, stream, from,
	    dns_answer_write(arena, query, answer, server->facts.domain, room));
}

static void asked_free(struct asked *asked)
{
	struct asked **link = &asked->server->asked;

	while (*link != asked)
		link = &(*link)->next;
	*link = asked->next;
	arena_free(asked->arena);
}

static void heard(void *self, struct str bytes)
{
	struct asked *asked = self;
	struct dns_server *server = asked->server;
	struct dns_answer failed = { .code = DNS_FAILED };
	struct dns_answer *answer = asked->chased ? asked->chased : &failed;

	if (asked->by_stream && !asked->stream) {
		asked_free(asked); /* the asker has gone */
		return;
	}
	if (bytes.len && !asked->chased) {
		say(server, asked->stream, asked->from, bytes);
		asked_free(asked);
		return;
	}
	if (!bytes.len ||
	    !dns_addresses_read(asked->arena, bytes, answer->elsewhere, asked->query.type, answer))
		answer->code = DNS_FAILED;
	say_answer(server, asked->arena, asked->stream, asked->from, &asked->query, answer);
	asked_free(asked);
}

/* False: nobody to ask. Takes the arena when true. */
static bool ask_others(struct dns_server *server, struct arena *arena, struct dns_stream *stream,
		       struct datagram_from from, const struct dns_query *query, struct str bytes,
		       const struct dns_answer *chased)
{
	struct asked *asked = ARENA_NEW(arena, struct asked);

	*asked = (struct asked){ .server = server,
				 .arena = arena,
				 .from = from,
				 .stream = stream,
				 .by_stream = stream != NULL,
				 .query = *query };
	asked->query.question = str_copy(arena, query->question);
	if (chased) {
		asked->chased = arena_copy(arena, chased, sizeof *chased);
		bytes = dns_query_write(arena, query->id, chased->elsewhere, query->type);
	}
	asked->next = server->asked;
	server->asked = asked;
	if (dns_forward(server->forwarder, bytes, heard, asked))
		return true;
	server->asked = asked->next;
	return false;
}

static void question(struct dns_server *server, struct dns_stream *stream,
		     struct datagram_from from, struct str bytes)
{
	struct arena *arena = arena_new(0);
	struct dns_query query = { 0 };
	struct dns_answer answer = { 0 };
	enum dns_code code;

	if (dns_query_read(arena, bytes, &query, &code) != ST_OK) {
		answer.code = code;
		if (code != DNS_OK)
			say_answer(server, arena, stream, from, &query, &answer);
	} else if (dns_answer(arena, &server->facts, server->view, query.name, query.type,
			      server->turn++, &answer)) {
		bool chase =
			answer.elsewhere.len && (query.type == DNS_A || query.type == DNS_AAAA);

		if (chase && ask_others(server, arena, stream, from, &query, bytes, &answer))
			return;
		say_answer(server, arena, stream, from, &query, &answer);
	} else {
		if (ask_others(server, arena, stream, from, &query, bytes, NULL))
			return;
		answer.code = DNS_FAILED;
		say_answer(server, arena, stream, from, &query, &answer);
	}
	arena_free(arena);
}

static void packet(void *self, struct datagram_from from, struct str bytes)
{
	question(self, NULL, from, bytes);
}

/* ---- TCP */

static void stream_free(struct dns_stream *stream)
{
	struct dns_stream **link = &stream->server->streams;

	for (struct asked *a = stream->server->asked; a; a = a->next)
		if (a->stream == stream)
			a->stream = NULL;
	while (*link != stream)
		link = &(*link)->next;
	*link = stream->next;
	stream->server->streams_len--;
	timer_free(stream->timer);
	buffer_release(&stream->in);
	free(stream);
}

static void stream_closed(void *self, enum status status, const char *why)
{
	(void)status;
	(void)why;
	stream_free(self);
}

static void stream_idle(void *self)
{
	struct dns_stream *stream = self;

	stream_abort(stream->stream);
}

static void stream_bytes(void *self, struct str bytes)
{
	struct dns_stream *stream = self;

	timer_start(stream->timer, STREAM_IDLE_MS, 0);
	if (!buffer_add_str(&stream->in, bytes)) {
		stream_abort(stream->stream);
		return;
	}
	while (stream->in.len >= 2) {
		const u8 *at = (const u8 *)stream->in.at;
		size_t len = (size_t)at[0] << 8 | at[1];

		if (stream->in.len < 2 + len)
			break;
		question(stream->server, stream, (struct datagram_from){ 0 },
			 (struct str){ stream->in.at + 2, len });
		buffer_drop(&stream->in, 2 + len);
	}
}

static void accepted(void *self, struct stream *incoming)
{
	static const struct stream_events events = { .bytes = stream_bytes,
						     .closed = stream_closed };
	struct dns_server *server = self;
	struct dns_stream *stream = calloc(1, sizeof *stream);

	CHECK(stream);
	*stream = (struct dns_stream){ .server = server,
				       .next = server->streams,
				       .stream = incoming,
				       .in = BUFFER_INIT(8192) };
	server->streams = stream;
	server->streams_len++;
	stream->timer = timer_new(server->loop, stream_idle, stream);
	stream_open(incoming, &events, stream);
	if (server->streams_len > STREAMS_MAX)
		stream_abort(incoming);
	else
		timer_start(stream->timer, STREAM_IDLE_MS, 0);
}

/* ---- life */

static enum status listen_at(struct dns_server *server, u32 address, u16 port, struct error *error)
{
	struct str text = str_format(server->arena, STR_FMT ":%u",
				     STR_ARG(address_text(server->arena, address)), port);
	enum status status =
		datagram_open(server->loop, address, port, packet, server, &server->socket, error);

	if (status != ST_OK)
		return status;
	status = listener_open(server->loop, text, accepted, server, &server->listener, error);
	if (status != ST_OK) {
		datagram_free(server->socket);
		server->socket = NULL;
		return status;
	}
	server->port = port;
	return ST_OK;
}

enum status dns_server_new(const struct dns_server_config *config, struct loop *loop,
			   struct dns_server **ret_server, struct error *error)
{
	struct arena *arena = arena_new(0);
	struct dns_server *server = ARENA_NEW(arena, struct dns_server);
	enum status status = ST_OK;
	u32 address;

	server->arena = arena;
	server->loop = loop;
	server->view = config->view;
	server->facts.domain = str_copy(arena, config->domain);
	if (!address_parse(config->address, &address) ||
	    !address_parse_range(config->cluster_cidr, &server->facts.cluster) ||
	    !address_parse_range(config->service_cidr, &server->facts.services))
		status = fail(error, ST_INVALID, "an address of the name server is none");
	if (status == ST_OK && listen_at(server, address, PORT, NULL) != ST_OK)
		status = listen_at(server, address, OTHER_PORT, error);
	if (status != ST_OK) {
		arena_free(arena);
		return status;
	}
	server->forwarder = dns_forwarder_new(loop, config->resolv_conf, address);
	*ret_server = server;
	return ST_OK;
}

u16 dns_server_port(const struct dns_server *server)
{
	return server->port;
}

void dns_server_free(struct dns_server *server)
{
	if (!server)
		return;
	dns_forwarder_free(server->forwarder);
	datagram_free(server->socket);
	listener_close(server->listener);
	while (server->asked)
		asked_free(server->asked);
	for (struct dns_stream *s = server->streams; s; s = s->next)
		stream_abort(s->stream);
	while (server->streams)
		loop_run_once(server->loop, true);
	arena_free(server->arena);
}
