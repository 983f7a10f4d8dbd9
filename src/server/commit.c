/* Replies held back until the log has committed what they show. */
#include "server/commit.h"

#include "server/state.h"

struct waiting_reply {
	struct store_wait wait;
	struct reply reply;
	struct http_exchange *x;
	struct server *server;
	struct waiting_reply *next, **link;
};

static void unlink_waiting(struct waiting_reply *w)
{
	if (!w->link)
		return;
	*w->link = w->next;
	if (w->next)
		w->next->link = w->link;
	w->link = NULL;
	w->x->on_closed = NULL;
}

static void waiting_done(struct store_wait *wait, enum status status, const struct error *error)
{
	struct waiting_reply *w = CONTAINER_OF(wait, struct waiting_reply, wait);

	unlink_waiting(w);
	if (status == ST_OK)
		reply_send(w->x, &w->reply);
	else
		reply_error(w->x, error);
}

/* The client went before its write was safe: the write stays, nobody hears of it. */
static void waiting_closed(struct http_exchange *x)
{
	struct waiting_reply *w = x->handler;

	store_wait_cancel(&w->wait);
	unlink_waiting(w);
}

void reply_when_durable(struct server *server, struct http_exchange *x, const struct reply *reply,
			u64 revision)
{
	struct waiting_reply *w;

	if (revision <= store_durable(server->store)) {
		struct reply now = *reply;

		reply_send(x, &now);
		return;
	}
	w = ARENA_NEW(x->arena, struct waiting_reply);
	*w = (struct waiting_reply){ .reply = *reply, .x = x, .server = server };
	w->wait = (struct store_wait){ .revision = revision, .done = waiting_done };
	w->next = server->waiting;
	w->link = &server->waiting;
	if (w->next)
		w->next->link = &w->next;
	server->waiting = w;
	x->handler = w;
	x->on_closed = waiting_closed;
	store_wait(server->store, &w->wait);
}

void commit_abandon(struct server *server)
{
	while (server->waiting) {
		struct waiting_reply *w = server->waiting;

		store_wait_cancel(&w->wait);
		unlink_waiting(w);
		reply_failure(w->x, ST_UNAVAILABLE, "the server is stopping");
	}
}
