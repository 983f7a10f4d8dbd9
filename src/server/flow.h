/*
 * Fair shares. One thread serves everybody, so what is shared is its time: each user (of a bounded
 * table, by hash) has an account of the time spent on their requests lately. While the server is
 * busy, whoever used far more than an equal share is turned away with 429 and Retry-After, so that
 * one loop gone wild leaves the others their server. Administrators, nodes, the system's own
 * controllers and health checks are never turned away. The idea of upstream's API Priority and
 * Fairness; its FlowSchemas are stored and shown, and do not change these shares.
 *
 * A seat also knows when its request is answered and how: apiserver_request_* come from here.
 */
#ifndef SERVER_FLOW_H
#define SERVER_FLOW_H

#include "base/buffer.h"
#include "server/request.h"

struct account;
struct flows;

enum {
	FLOWS = 256,		  /* accounts; users whose hashes meet share one */
	FLOW_WAITING_MAX = 2000,  /* requests of one flow that wait for something */
	FLOWS_WAITING_MAX = 8000, /* and of all flows */
};

struct flows *flows_new(void);
void flows_free(struct flows *flows); /* seats still taken keep it until they are left */

/* What is being handled now; the request may be gone when it is over. */
struct flow_visit {
	struct flows *flows;
	struct account *account;
	const struct clock *clock;
	i64 began_ns;
};

/* Takes a seat for a request whose user is known, for as long as its exchange lives. ST_TOO_MANY:
 * not now. flow_leave() must follow in either case, when the handler returns: it puts the time on
 * the account. */
MUST_USE enum status flow_enter(struct request *request, struct flow_visit *ret_visit);
void flow_leave(const struct flow_visit *visit);

/* apiserver_request_total, _duration_seconds, inflight and rejected requests. */
void flow_metrics(const struct flows *flows, struct buffer *out);

#endif
