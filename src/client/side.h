/* What a side of the client must do; client.c forwards to it. */
#ifndef CLIENT_SIDE_H
#define CLIENT_SIDE_H

#include "client/client.h"

enum client_verb { CLIENT_GET, CLIENT_CREATE, CLIENT_UPDATE, CLIENT_PATCH, CLIENT_DELETE };

/* One call; the slices live until it returns. */
struct client_request {
	enum client_verb verb;
	kind_id kind;
	struct str ns, name, subresource;
	const struct doc *body;
	enum client_patch patch;
	struct str uid; /* delete */
	i64 grace_s;
	client_done *done;
	void *self;
};

struct client_ops {
	void (*call)(struct client *client, const struct client_request *request);
	struct client_watch *(*watch)(struct client *client, kind_id kind,
				      const struct client_watch_options *options,
				      const struct client_watch_events *events, void *self);
	void (*watch_stop)(struct client_watch *watch);
	void (*free)(struct client *client);
};

/* The first member of each side's client and watch. */
struct client {
	const struct client_ops *ops;
};
struct client_watch {
	struct client *client;
};

#endif
