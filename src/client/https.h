/* The client for another machine: the API over HTTPS, with lists and watches taken up again. */
#ifndef CLIENT_HTTPS_H
#define CLIENT_HTTPS_H

#include "client/client.h"

struct http_client;
struct loop;
struct schema;

/* `http` knows the server, the certificates and the token. All three must outlive the client. */
struct client *client_https_new(struct loop *loop, struct http_client *http,
				const struct schema *schema);

#endif
