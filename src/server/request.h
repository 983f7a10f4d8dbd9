/*
 * What a request is about: the path, method and query of an exchange taken apart as Kubernetes'
 * RequestInfo does, with the kind from the schema. Lives in the exchange's arena.
 */
#ifndef SERVER_REQUEST_H
#define SERVER_REQUEST_H

#include "net/exchange.h"
#include "server/negotiate.h"
#include "server/verbs.h"

enum request_verb {
	REQUEST_GET,
	REQUEST_LIST,
	REQUEST_WATCH,
	REQUEST_CREATE,
	REQUEST_UPDATE,
	REQUEST_PATCH,
	REQUEST_DELETE,
	REQUEST_DELETE_COLLECTION,
	REQUEST_OTHER, /* a method Kubernetes has no word for */
};

struct request {
	struct server *server;
	struct http_exchange *x;
	struct call call; /* who, where to put things, dry run, field manager, validation */
	struct user user;
	struct warnings warnings;
	struct audit_notes notes;
	struct accept accept;

	enum request_verb verb;
	struct str path;  /* decoded, for what is no resource */
	bool is_resource; /* the path has the form of a resource's; kind may still be NULL */
	struct str group, version, resource;	/* as in the path */
	struct str ns, name, subresource, rest; /* rest: what follows the subresource */
	const struct api_kind *kind;
	struct call fresh;  /* `call` as it was before the verb's first run, see server/webhook.h */
	struct error error; /* room for the failure that will be sent */
};

/* "get", "list", … as RBAC rules name it; the lower-cased method for what is no resource. */
struct str request_verb_word(const struct request *request);

/* Takes the path and the verb apart and looks the kind up. ST_BAD_REQUEST on broken escapes. */
MUST_USE enum status request_parse(struct server *server, struct http_exchange *x,
				   struct request *ret_request);

/* ?dryRun, ?fieldManager, ?fieldValidation into request->call. */
MUST_USE enum status request_options(struct request *request);

/* True for "true", "1", "True" …: python sends booleans its own way. */
bool query_bool(struct http_exchange *x, const char *name);
/* A number from the query; `otherwise` when absent. ST_BAD_REQUEST when it is none. */
MUST_USE enum status query_i64(struct http_exchange *x, const char *name, i64 otherwise,
			       i64 *ret_value, struct error *error);

/* Sends request->error. */
void request_fail(struct request *request);

#endif
