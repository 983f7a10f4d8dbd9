/*
 * One question by gRPC over plain HTTP/2, "are you well?", as a session without sockets: bytes to
 * send come out, bytes that came go in.
 * https://github.com/grpc/grpc/blob/master/doc/health-checking.md
 */
#ifndef NET_GRPC_HEALTH_H
#define NET_GRPC_HEALTH_H

#include "base/arena.h"
#include "base/str.h"

struct grpc_health;

enum grpc_verdict {
	GRPC_WAITING,
	GRPC_SERVING,
	GRPC_NOT_SERVING, /* it says so itself */
	GRPC_FAILED,	  /* no such service or method, or no gRPC at all */
};

/* `authority`: "10.244.0.5:8080"; `service`: may be empty. All copied into the arena, which holds
 * the session; grpc_health_free before it goes. */
struct grpc_health *grpc_health_new(struct arena *arena, struct str authority, struct str service);
void grpc_health_free(struct grpc_health *health); /* NULL is fine */

struct str grpc_health_output(struct grpc_health *health); /* good until the next call */
void grpc_health_feed(struct grpc_health *health, struct str bytes);
/* With a verdict `ret_why` is a sentence, but for GRPC_SERVING. */
enum grpc_verdict grpc_health_verdict(const struct grpc_health *health, struct str *ret_why);

#endif
