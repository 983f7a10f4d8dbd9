/* What form an answer shall have: the Accept header, as Kubernetes' API server reads it. */
#ifndef SERVER_NEGOTIATE_H
#define SERVER_NEGOTIATE_H

#include "base/error.h"
#include "net/exchange.h"

enum accept_form {
	ACCEPT_OBJECT,	 /* the object or list itself */
	ACCEPT_TABLE,	 /* as=Table */
	ACCEPT_METADATA, /* as=PartialObjectMetadata or …List */
};

enum table_include { INCLUDE_METADATA, INCLUDE_NONE, INCLUDE_OBJECT };

struct accept {
	enum accept_form form;
	bool beta;		    /* meta.k8s.io/v1beta1 instead of v1 */
	enum table_include include; /* what a row's object holds */
	bool protobuf;		    /* nothing else is understood; always ACCEPT_OBJECT */
};

#define MEDIA_PROTOBUF "application/vnd.kubernetes.protobuf"

/* Does the Accept header name protobuf and nothing that JSON would do for? */
bool accepts_only_protobuf(struct http_exchange *x);

/* Reads Accept and ?includeObject. ST_NOT_ACCEPTABLE when nothing we can make is wanted. */
MUST_USE enum status accept_parse(struct http_exchange *x, struct accept *ret_accept,
				  struct error *error);

/* One clause of an Accept header or a Content-Type: "type/sub; name=value; …". */
struct media {
	struct str type;       /* without blanks, lower case is expected */
	struct str parameters; /* what follows the first ';' */
};
struct media media_parse(struct str text);
struct str media_parameter(struct media media, const char *name); /* empty when it is not there */

#endif
