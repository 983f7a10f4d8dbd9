/*
 * How a machine becomes a node of a cluster elsewhere: with a bootstrap token it asks the server
 * for certificates of its own (certificates.k8s.io), as kubelets do, and keeps them under DATA/pki.
 * Everything here waits for answers while the loop runs on.
 */
#ifndef RUN_JOIN_H
#define RUN_JOIN_H

#include "client/kubeconfig.h"
#include "net/client.h"
#include "net/pki.h"
#include "run/server_options.h"

struct join {
	struct arena *arena;
	struct loop *loop;
	const struct server_options *options;
	struct str node; /* its name */
	struct kubeconfig config;
	struct pki_pair client;	 /* system:node:NAME */
	struct tls_context *tls; /* with it, to the server */
	struct http_client *http;
};

/* Reads the kubeconfig, finds or asks for a client certificate, and opens `http`. ST_UNAUTHORIZED
 * when the token is not good (any more), ST_TIMEOUT when nobody signs within a minute. */
MUST_USE enum status join_open(struct join *join, struct error *error);
void join_close(struct join *join);

/* Makes the Node when there is none and waits until the cluster has given it a range of addresses
 * for its pods ("10.244.3.0/24"). */
MUST_USE enum status join_range(struct join *join, struct str *ret_range, struct error *error);

/* A certificate to serve by, good for the node's name and `address`; kept like the client's. */
MUST_USE enum status join_serving(struct join *join, struct str address, struct pki_pair *ret_pair,
				  struct error *error);

/* Asks for a new client certificate when ours is past two thirds of its life; new connections show
 * it. Nothing to do is ST_OK. */
MUST_USE enum status join_renew(struct join *join, struct error *error);

#endif
