/*
 * The audit log (audit.k8s.io/v1): who asked for what, and what they were told, one JSON line a
 * stage. A policy says how much is noted of which request.
 */
#ifndef SERVER_AUDIT_H
#define SERVER_AUDIT_H

#include "server/request.h"

/* Takes finished lines, each with its newline; must not block. */
struct audit_sink {
	void (*line)(void *self, struct str line);
	void *self;
};

enum audit_level { AUDIT_NONE, AUDIT_METADATA, AUDIT_REQUEST, AUDIT_REQUEST_RESPONSE };
enum audit_stage { AUDIT_RECEIVED, AUDIT_STARTED, AUDIT_COMPLETE };

/* What is noted of one request. */
struct audit_choice {
	enum audit_level level;
	u32 omitted; /* bits 1 << enum audit_stage */
	bool omit_managed_fields;
};

/* A Policy as read from its file, or why it is none. */
MUST_USE enum status audit_policy_check(const struct doc *policy, struct error *error);
struct audit_choice audit_choose(const struct doc *policy, const struct request *request);

struct audit_trail;
/* Begins the trail of a request whose user is known; NULL: nothing is to be noted. From here on
 * its answer passes the trail. */
struct audit_trail *audit_begin(struct request *request);
/* After authorization: who the user acts as, and what decided. */
void audit_decided(struct audit_trail *trail, bool allowed, struct str reason);

#endif
