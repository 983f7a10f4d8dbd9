/* From a request to whoever answers it. */
#ifndef SERVER_ROUTE_H
#define SERVER_ROUTE_H

#include "server/request.h"

/* Answers a request about resources that has been authorized. */
void route_resource(struct request *request);
/* Answers everything else: health, version, discovery, OpenAPI. */
void route_plain(struct request *request);

/* Health, version and metrics; false when the path is none of them. In health.c. */
bool health_reply(struct request *request);
/* Discovery and OpenAPI; false when the path is none of them. In documents.c. */
bool documents_reply(struct request *request);
/* The issuer of tokens and its keys; false when the path is neither. In issuer.c. */
bool issuer_reply(struct request *request);
void documents_free(struct server *server);

/* Subresources a node answers (pods/log, exec, attach, portforward); false for any other. In
 * node_request.c. */
bool node_request(struct request *request);

#endif
