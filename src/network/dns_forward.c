/* Each server is asked in turn, two seconds each; the first answer that fits ends it. */
#include "network/dns_forward.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "network/address.h"
#include "sys/datagram.h"
#include "sys/file.h"
#include "sys/loop.h"
#include "sys/random.h"

enum {
	WAITING_MAX = 256,
	SERVERS_MAX = 3,
	TRY_MS = 2000,
	REREAD_MS = 5000,
	QUERY_MAX = 600,
	CONF_MAX = 64 << 10,
	HEADER = 12,
};

struct waiting {
	struct dns_forwarder *forwarder;
	struct waiting *next;
	struct datagram *socket;
	struct timer *timer;
	u32 servers[SERVERS_MAX], servers_len, turn;
	char query[QUERY_MAX];
	size_t len;
	char number[2]; /* as the asker chose it */
	void (*done)(void *self, struct str answer);
	void *self;
};

struct dns_forwarder {
	struct loop *loop;
	struct random random;
	const char *path;
	u32 avoid, servers[SERVERS_MAX], servers_len, count;
	i64 read_ms;
	struct waiting *waiting;
};

struct dns_forwarder *dns_forwarder_new(struct loop *loop, const char *resolv_conf, u32 avoid)
{
	struct dns_forwarder *forwarder = calloc(1, sizeof *forwarder);

	CHECK(forwarder);
	forwarder->loop = loop;
	forwarder->path = resolv_conf;
	forwarder->avoid = avoid;
	forwarder->read_ms = INT64_MIN / 2;
	random_seed_real(&forwarder->random);
	return forwarder;
}

static void read_servers(struct dns_forwarder *forwarder)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct str text;

	if (loop_now_ms(forwarder->loop) - forwarder->read_ms < REREAD_MS)
		return;
	forwarder->read_ms = loop_now_ms(forwarder->loop);
	forwarder->servers_len = 0;
	if (file_read(arena, forwarder->path, CONF_MAX, &text, NULL) != ST_OK)
		return;
	while (text.at && forwarder->servers_len < SERVERS_MAX) {
		struct str line = str_trim(str_cut(&text, '\n'));
		u32 address;

		if (str_starts(line, STR("nameserver")) &&
		    address_parse(str_trim(str_from(line, sizeof "nameserver" - 1)), &address) &&
		    address != forwarder->avoid)
			forwarder->servers[forwarder->servers_len++] = address;
	}
}

static void waiting_free(struct waiting *w)
{
	struct waiting **link = &w->forwarder->waiting;

	while (*link != w)
		link = &(*link)->next;
	*link = w->next;
	w->forwarder->count--;
	datagram_free(w->socket);
	timer_free(w->timer);
	free(w);
}

void dns_forwarder_free(struct dns_forwarder *forwarder)
{
	if (!forwarder)
		return;
	while (forwarder->waiting)
		waiting_free(forwarder->waiting);
	free(forwarder);
}

static void finish(struct waiting *w, struct str answer)
{
	void (*done)(void *self, struct str answer) = w->done;
	void *self = w->self;

	waiting_free(w);
	done(self, answer);
}

static void received(void *self, struct datagram_from from, struct str bytes)
{
	struct waiting *w = self;
	char copy[DATAGRAM_BYTES_MAX];
	bool asked = false;

	for (u32 i = 0; i < w->turn; i++)
		asked |= from.address == w->servers[i];
	/* Whose it is, its number, and the question itself: whoever guesses must guess all. */
	if (!asked || from.port != 53 || bytes.len < w->len || memcmp(bytes.at, w->query, 2) != 0 ||
	    !(bytes.at[2] & 0x80))
		return;
	memcpy(copy, bytes.at, bytes.len);
	memcpy(copy, w->number, 2);
	finish(w, (struct str){ copy, bytes.len });
}

static void try_next(void *self)
{
	struct waiting *w = self;

	while (w->turn < w->servers_len) {
		struct datagram_from to = { w->servers[w->turn++], 53 };

		if (datagram_send(w->socket, to, (struct str){ w->query, w->len })) {
			timer_start(w->timer, TRY_MS, 0);
			return;
		}
	}
	finish(w, STR_NONE);
}

bool dns_forward(struct dns_forwarder *forwarder, struct str query,
		 void (*done)(void *self, struct str answer), void *self)
{
	struct waiting *w;
	u16 number = (u16)random_u64(&forwarder->random);

	read_servers(forwarder);
	if (!forwarder->servers_len || forwarder->count == WAITING_MAX || query.len < HEADER ||
	    query.len > QUERY_MAX)
		return false;
	w = calloc(1, sizeof *w);
	CHECK(w);
	w->forwarder = forwarder;
	if (datagram_open(forwarder->loop, 0, 0, received, w, &w->socket, NULL) != ST_OK) {
		free(w);
		return false;
	}
	memcpy(w->query, query.at, query.len);
	w->len = query.len;
	memcpy(w->number, query.at, 2);
	memcpy(w->query, &number, 2);
	memcpy(w->servers, forwarder->servers, sizeof w->servers);
	w->servers_len = forwarder->servers_len;
	w->done = done;
	w->self = self;
	w->timer = timer_new(forwarder->loop, try_next, w);
	w->next = forwarder->waiting;
	forwarder->waiting = w;
	forwarder->count++;
	timer_start(w->timer, 0, 0);
	return true;
}
