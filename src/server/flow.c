/*
 * Accounts are halved every half second, so that they show about the last second: a thread that is
 * always busy adds up to between a half and a whole one.
 */
#include "server/flow.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/map.h"
#include "server/authenticate.h"
#include "server/state.h"

enum {
	EPOCH_MS = 500,
	BUSY_MS = 450, /* of the last second spent on requests: from there on it is shared */
	ACTIVE_MS = 5, /* who used less does not count as somebody to share with */
	SERIES_MAX = 2048,
	SERIES_KEY_MAX = 512,
	BUCKETS = 12,
};

static const double bucket_ends_s[BUCKETS] = { 0.005, 0.025, 0.05, 0.1, 0.25, 0.5,
					       1,     2.5,   5,	   10,	30,   60 };

struct account {
	i64 used_ns, epoch;
	u32 waiting;
};

struct series { /* one verb of one resource with one answer */
	u64 count, buckets[BUCKETS];
	double sum_s;
	bool timed;
	u32 key_len;
	char key[]; /* labels */
};

struct flows {
	u32 refs; /* the server's, and one a seat */
	struct account all, accounts[FLOWS];
	i64 counted_epoch;
	u32 active, waiting, inside; /* inside: handlers at work */
	u64 rejected;
	struct map series;
};

struct flow_seat {
	struct request *request;
	struct flows *flows;
	struct account *account;
	const struct clock *clock; /* outlives the server */
	const struct http_answer *inner;
	struct http_answer outer;
	i64 began_ns;
	bool counted, answered;
};

/* ---- life */

struct flows *flows_new(void)
{
	struct flows *flows = calloc(1, sizeof *flows);

	CHECK(flows);
	flows->refs = 1;
	return flows;
}

void flows_free(struct flows *flows)
{
	if (!flows || --flows->refs)
		return;
	for (struct map_entry *e = NULL; (e = map_next(&flows->series, e));)
		free(e->value);
	map_release(&flows->series);
	free(flows);
}

/* ---- accounts */

static i64 used_now(struct account *account, i64 epoch)
{
	i64 halvings = epoch - account->epoch;

	account->used_ns = halvings > 40 ? 0 : account->used_ns >> halvings;
	account->epoch = epoch;
	return account->used_ns;
}

static void spend(struct flows *flows, struct account *account, const struct clock *clock,
		  i64 from_ns)
{
	i64 now = clock_mono_ns(clock), epoch = now / (EPOCH_MS * NS_PER_MS);

	used_now(&flows->all, epoch);
	used_now(account, epoch);
	flows->all.used_ns += now - from_ns;
	account->used_ns += now - from_ns;
}

static void count_active(struct flows *flows, i64 epoch)
{
	if (flows->counted_epoch == epoch)
		return;
	flows->counted_epoch = epoch;
	flows->active = 0;
	for (u32 i = 0; i < FLOWS; i++)
		flows->active += used_now(&flows->accounts[i], epoch) > ACTIVE_MS * NS_PER_MS;
}

static bool is_exempt(const struct request *r)
{
	return user_in_group(&r->user, "system:masters") ||
	       user_in_group(&r->user, "system:nodes") ||
	       user_in_group(&r->user, "system:serviceaccounts:kube-system") ||
	       str_starts(r->user.name, STR("system:kube-")) ||
	       (!r->is_resource &&
		(str_starts(r->path, STR("/healthz")) || str_starts(r->path, STR("/livez")) ||
		 str_starts(r->path, STR("/readyz"))));
}

/* Half as much again as an equal share is still fair. */
static bool takes_too_much(struct flows *flows, struct account *account, i64 mono_ns)
{
	i64 epoch = mono_ns / (EPOCH_MS * NS_PER_MS);

	if (flows->waiting >= FLOWS_WAITING_MAX || account->waiting >= FLOW_WAITING_MAX)
		return true;
	count_active(flows, epoch);
	if (used_now(&flows->all, epoch) < BUSY_MS * NS_PER_MS || flows->active < 2)
		return false;
	return used_now(account, epoch) > flows->all.used_ns / flows->active * 3 / 2;
}

/* ---- what is told of an answer */

static bool is_long(const struct request *r)
{
	return r->verb == REQUEST_WATCH || str_is(r->subresource, "exec") ||
	       str_is(r->subresource, "attach") || str_is(r->subresource, "portforward") ||
	       (str_is(r->subresource, "log") && query_bool(r->x, "follow"));
}

static struct series *series_of(struct flows *flows, const struct request *r, int code)
{
	static const char *const verbs[] = {
		"GET",	 "LIST", "WATCH", "POST", "PUT", "PATCH", "DELETE", "DELETECOLLECTION",
		"OTHER",
	};
	bool known = r->kind != NULL; /* strangers' words make no series */
	const char *scope = !known	  ? ""
			    : r->name.len ? "resource"
			    : r->ns.len	  ? "namespace"
					  : "cluster";
	char text[SERIES_KEY_MAX];
	int len = snprintf(
		text, sizeof text,
		"verb=\"%s\",group=\"" STR_FMT "\",version=\"" STR_FMT "\",resource=\"" STR_FMT
		"\",subresource=\"" STR_FMT "\",scope=\"%s\",component=\"apiserver\",dry_run=\"\""
		",code=\"%d\"",
		verbs[r->is_resource		 ? r->verb
		      : r->verb == REQUEST_OTHER ? REQUEST_OTHER
						 : REQUEST_GET],
		STR_ARG(known ? r->group : STR_NONE), STR_ARG(known ? r->version : STR_NONE),
		STR_ARG(known ? r->resource : STR_NONE), STR_ARG(known ? r->subresource : STR_NONE),
		scope, code);
	struct str key = { text, MIN((size_t)MAX(len, 0), sizeof text - 1) };
	struct series *series = map_get(&flows->series, key);

	if (series || flows->series.len >= SERIES_MAX)
		return series;
	series = calloc(1, sizeof *series + key.len + 1);
	CHECK(series);
	memcpy(series->key, key.at, key.len);
	series->key_len = (u32)key.len;
	map_put(&flows->series, (struct str){ series->key, series->key_len }, series);
	return series;
}

static void answered(struct flow_seat *seat, int code)
{
	struct series *series;
	double took_s = (double)(clock_mono_ns(seat->clock) - seat->began_ns) / (double)NS_PER_S;

	if (seat->answered)
		return;
	seat->answered = true;
	series = series_of(seat->flows, seat->request, code);
	if (!series)
		return;
	series->count++;
	if (is_long(seat->request))
		return;
	series->timed = true;
	series->sum_s += took_s;
	for (u32 i = 0; i < BUCKETS; i++)
		series->buckets[i] += took_s <= bucket_ends_s[i];
}

/* ---- seats */

/* A whole answer is printed and sealed at once: that is the user's time too. */
static void seat_reply(struct http_exchange *x, int code, const struct http_header *headers,
		       u32 headers_len, const struct http_piece *pieces, u32 pieces_len)
{
	struct flow_seat *seat = x->seat;
	struct flow_visit visit = { seat->flows, seat->account, seat->clock,
				    clock_mono_ns(seat->clock) };

	answered(seat, code);
	if (seat->counted)
		visit.flows->waiting--, visit.account->waiting--;
	seat->counted = false;
	visit.flows->refs++;
	seat->inner->reply(x, code, headers, headers_len, pieces, pieces_len);
	if (!visit.flows->inside) /* else the handler's whole time is counted */
		spend(visit.flows, visit.account, visit.clock, visit.began_ns);
	flows_free(visit.flows);
}

static void seat_start(struct http_exchange *x, int code, const struct http_header *headers,
		       u32 headers_len)
{
	struct flow_seat *seat = x->seat;

	answered(seat, code);
	seat->inner->start(x, code, headers, headers_len);
}

static void seat_upgrade(struct http_exchange *x, const struct http_header *headers,
			 u32 headers_len, const struct http_tunnel_events *events, void *self)
{
	struct flow_seat *seat = x->seat;

	answered(seat, 101);
	seat->inner->upgrade(x, headers, headers_len, events, self);
}

/* However it ended. */
static void seat_left(void *self)
{
	struct flow_seat *seat = self;

	if (seat->counted)
		seat->flows->waiting--, seat->account->waiting--;
	seat->counted = false;
	flows_free(seat->flows);
}

static struct flow_seat *take_seat(struct request *r, struct account *account, i64 mono)
{
	struct flow_seat *seat = ARENA_NEW(r->x->arena, struct flow_seat);

	*seat = (struct flow_seat){ .request = r,
				    .flows = r->server->flows,
				    .account = account,
				    .clock = r->server->clock,
				    .inner = r->x->answer,
				    .outer = *r->x->answer,
				    .began_ns = mono };
	seat->outer.reply = seat_reply;
	seat->outer.start = seat_start;
	if (seat->outer.upgrade)
		seat->outer.upgrade = seat_upgrade;
	seat->flows->refs++;
	arena_defer(r->x->arena, seat_left, seat);
	r->x->answer = &seat->outer;
	r->x->seat = seat;
	return seat;
}

enum status flow_enter(struct request *r, struct flow_visit *ret_visit)
{
	struct flows *flows = r->server->flows;
	struct account *account = &flows->accounts[str_hash(r->user.name) % FLOWS];
	i64 mono = clock_mono_ns(r->server->clock);
	struct flow_seat *seat = take_seat(r, account, mono);

	*ret_visit = (struct flow_visit){ flows, account, seat->clock, mono };
	flows->refs++;
	flows->inside++;
	if (!is_exempt(r) && takes_too_much(flows, account, mono)) {
		flows->rejected++;
		fail(&r->error, ST_TOO_MANY, "too many requests, please try again later");
		r->error.retry_after_s = 1;
		return ST_TOO_MANY;
	}
	if (!is_long(r)) {
		seat->counted = true;
		flows->waiting++;
		account->waiting++;
	}
	return ST_OK;
}

void flow_leave(const struct flow_visit *visit)
{
	visit->flows->inside--;
	spend(visit->flows, visit->account, visit->clock, visit->began_ns);
	flows_free(visit->flows);
}

/* ---- telling */

static void metric(struct buffer *out, const char *name, const char *type, const char *help)
{
	buffer_add_format(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void flow_metrics(const struct flows *flows, struct buffer *out)
{
	metric(out, "apiserver_request_total", "counter", "Requests by verb, resource and code.");
	for (struct map_entry *e = NULL; (e = map_next(&flows->series, e));)
		buffer_add_format(out, "apiserver_request_total{" STR_FMT "} %llu\n",
				  STR_ARG(e->key),
				  (unsigned long long)((struct series *)e->value)->count);
	metric(out, "apiserver_request_duration_seconds", "histogram",
	       "How long requests took, watches left out.");
	for (struct map_entry *e = NULL; (e = map_next(&flows->series, e));) {
		const struct series *s = e->value;

		if (!s->timed)
			continue;
		for (u32 i = 0; i < BUCKETS; i++)
			buffer_add_format(out,
					  "apiserver_request_duration_seconds_bucket{" STR_FMT
					  ",le=\"%g\"} %llu\n",
					  STR_ARG(e->key), bucket_ends_s[i],
					  (unsigned long long)s->buckets[i]);
		buffer_add_format(out,
				  "apiserver_request_duration_seconds_bucket{" STR_FMT
				  ",le=\"+Inf\"} %llu\n"
				  "apiserver_request_duration_seconds_sum{" STR_FMT "} %.9g\n"
				  "apiserver_request_duration_seconds_count{" STR_FMT "} %llu\n",
				  STR_ARG(e->key), (unsigned long long)s->count, STR_ARG(e->key),
				  s->sum_s, STR_ARG(e->key), (unsigned long long)s->count);
	}
	metric(out, "apiserver_current_inflight_requests", "gauge", "Requests not answered yet.");
	buffer_add_format(out, "apiserver_current_inflight_requests{request_kind=\"all\"} %u\n",
			  flows->waiting);
	metric(out, "apiserver_flowcontrol_rejected_requests_total", "counter",
	       "Requests turned away because their user took more than a fair share.");
	buffer_add_format(out, "apiserver_flowcontrol_rejected_requests_total %llu\n",
			  (unsigned long long)flows->rejected);
}
