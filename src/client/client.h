/*
 * One way to speak to the API, with two sides: straight to the verbs and the store when the server
 * is in the same process (client/local.h), over HTTPS when it is not (client/https.h). The node
 * agent and whatever else lives outside the server's floors uses only this.
 *
 * Everything happens on the loop's thread. Callbacks may come before the call returns (in process
 * they mostly do), so be ready for them; documents handed to callbacks live until the callback
 * returns.
 */
#ifndef CLIENT_CLIENT_H
#define CLIENT_CLIENT_H

#include "doc/doc.h"

struct client;
struct client_watch;

typedef u16 kind_id; /* schema/schema.h */

/* Exactly one of both is NULL. */
typedef void client_done(void *self, const struct doc *object, const struct error *error);

enum client_patch { CLIENT_PATCH_JSON, CLIENT_PATCH_MERGE, CLIENT_PATCH_STRATEGIC };

struct client_watch_events {
	void (*added)(void *self, const struct doc *object);
	void (*modified)(void *self, const struct doc *object);
	void (*deleted)(void *self, const struct doc *object); /* its last state */
	/* All that was there has been told; after a lost connection it comes again, and what
	 * vanished meanwhile has been told as deleted before it. */
	void (*synced)(void *self);
};

struct client_watch_options {
	struct str ns;		   /* empty: all namespaces */
	struct str field_selector; /* "spec.nodeName=a"; may be empty */
	struct str label_selector;
};

/* `subresource` is "status", "binding", "token" … or empty. `done` may be NULL: nobody asks. The
 * body is copied before the call returns. */
void client_get(struct client *client, kind_id kind, struct str ns, struct str name,
		client_done *done, void *self);
void client_create(struct client *client, kind_id kind, struct str ns, struct str name,
		   struct str subresource, const struct doc *body, client_done *done, void *self);
void client_update(struct client *client, kind_id kind, struct str ns, struct str name,
		   struct str subresource, const struct doc *body, client_done *done, void *self);
void client_patch(struct client *client, kind_id kind, struct str ns, struct str name,
		  struct str subresource, enum client_patch type, const struct doc *patch,
		  client_done *done, void *self);
/* grace_s -1: what the object says. `uid` empty: whichever is there. */
void client_delete(struct client *client, kind_id kind, struct str ns, struct str name,
		   struct str uid, i64 grace_s, client_done *done, void *self);

/* Lists, then follows for ever: lost connections and expired revisions are taken up again. */
struct client_watch *client_watch(struct client *client, kind_id kind,
				  const struct client_watch_options *options,
				  const struct client_watch_events *events, void *self);
void client_watch_stop(struct client_watch *watch); /* no callback comes after it */

void client_free(struct client *client); /* stops its watches; pending calls never come back */

#endif
