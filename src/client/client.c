/* The calls everybody uses, forwarded to the side the client was made for. */
#include "client/client.h"

#include "client/side.h"

static void forward(struct client *client, struct client_request request)
{
	client->ops->call(client, &request);
}

void client_get(struct client *client, kind_id kind, struct str ns, struct str name,
		client_done *done, void *self)
{
	forward(client, (struct client_request){ .verb = CLIENT_GET,
						 .kind = kind,
						 .ns = ns,
						 .name = name,
						 .done = done,
						 .self = self });
}

void client_create(struct client *client, kind_id kind, struct str ns, struct str name,
		   struct str subresource, const struct doc *body, client_done *done, void *self)
{
	forward(client, (struct client_request){ .verb = CLIENT_CREATE,
						 .kind = kind,
						 .ns = ns,
						 .name = name,
						 .subresource = subresource,
						 .body = body,
						 .done = done,
						 .self = self });
}

void client_update(struct client *client, kind_id kind, struct str ns, struct str name,
		   struct str subresource, const struct doc *body, client_done *done, void *self)
{
	forward(client, (struct client_request){ .verb = CLIENT_UPDATE,
						 .kind = kind,
						 .ns = ns,
						 .name = name,
						 .subresource = subresource,
						 .body = body,
						 .done = done,
						 .self = self });
}

void client_patch(struct client *client, kind_id kind, struct str ns, struct str name,
		  struct str subresource, enum client_patch type, const struct doc *patch,
		  client_done *done, void *self)
{
	forward(client, (struct client_request){ .verb = CLIENT_PATCH,
						 .kind = kind,
						 .ns = ns,
						 .name = name,
						 .subresource = subresource,
						 .body = patch,
						 .patch = type,
						 .done = done,
						 .self = self });
}

void client_delete(struct client *client, kind_id kind, struct str ns, struct str name,
		   struct str uid, i64 grace_s, client_done *done, void *self)
{
	forward(client, (struct client_request){ .verb = CLIENT_DELETE,
						 .kind = kind,
						 .ns = ns,
						 .name = name,
						 .uid = uid,
						 .grace_s = grace_s,
						 .done = done,
						 .self = self });
}

struct client_watch *client_watch(struct client *client, kind_id kind,
				  const struct client_watch_options *options,
				  const struct client_watch_events *events, void *self)
{
	return client->ops->watch(client, kind, options, events, self);
}

void client_watch_stop(struct client_watch *watch)
{
	if (watch)
		watch->client->ops->watch_stop(watch);
}

void client_free(struct client *client)
{
	if (client)
		client->ops->free(client);
}
