/*
 * Admission webhooks: web services that may change or refuse what is written
 * (admissionregistration.k8s.io/v1). Verbs never wait. One that needs an answer it does not have
 * asks for it and gives up with ST_PENDING; when all answers are in, the same verb runs again over
 * the store as it is by then, drawing the same names, and finds them. An object that has moved
 * meanwhile makes another question, so no answer is ever applied to what it was not given for.
 * docs/decisions/0009-webhooks-by-replay.md says why.
 */
#ifndef SERVER_WEBHOOK_H
#define SERVER_WEBHOOK_H

#include "base/random.h"
#include "schema/schema.h"
#include "server/verbs.h"

struct webhook_request {
	struct str url;		/* https://address:port: where to connect */
	struct str server_name; /* whom the certificate must name */
	struct str target;	/* path and query */
	struct str authorities; /* PEM; empty: the system's */
	struct str body;
	u32 timeout_ms;
};

/* How webhooks are reached: the wiring's side. done() comes later, once; `why` when status is not
 * ST_OK. The door ends its calls, without done(), before the server goes. */
struct webhook_door {
	void (*call)(void *self, const struct webhook_request *request,
		     void (*done)(void *asker, enum status status, const char *why, int code,
				  struct str body),
		     void *asker);
	void *self;
};

struct webhook_memo; /* the questions of one write, and the answers so far */

/* Is anybody to be asked about anything? */
bool webhooks_exist(const struct server *server);

/* A memo for a request that waits: ready() is called when all answers asked for are in. */
struct webhook_memo *webhook_memo_new(struct server *server, void (*ready)(void *self), void *self);
void webhook_memo_free(struct webhook_memo *memo);   /* NULL is fine; calls under way are ignored */
void webhook_memo_rewind(struct webhook_memo *memo); /* before each new run */

/*
 * Around every verb. Callers who cannot wait (controllers) get a memo that is found again by what
 * they ask, and ST_CONFLICT while it is incomplete: they try again as after any conflict.
 */
struct webhook_scope {
	struct webhook_memo *opened; /* NULL: nothing to close */
};
struct webhook_scope webhook_open(struct call *call, char verb, const struct api_kind *kind,
				  struct str ns, struct str name, struct str subresource,
				  const struct doc *body);
enum status webhook_close(struct call *call, struct webhook_scope scope, enum status status,
			  struct error *error);

/* The dice and the time of a call: the same in every run of it. */
struct random *webhook_dice(struct call *call);
i64 webhook_now_ns(struct call *call);

enum webhook_operation { WEBHOOK_CREATE, WEBHOOK_UPDATE, WEBHOOK_DELETE };

/* What a write is, for those who are asked about it. */
struct webhook_subject {
	const struct api_kind *kind; /* as the client named it */
	struct str ns, name, subresource;
	enum webhook_operation operation;
	const struct doc *object, *old; /* as stored; NULL: none */
};

/* Lets the mutating ones change `subject->object`; ret_object is as stored. */
MUST_USE enum status webhook_mutate(struct call *call, const struct webhook_subject *subject,
				    const struct doc **ret_object, struct error *error);
/* Asks the validating ones, all at once. */
MUST_USE enum status webhook_validate(struct call *call, const struct webhook_subject *subject,
				      struct error *error);

void webhooks_stop(struct server *server); /* frees all memos of callers who did not wait */

#endif
