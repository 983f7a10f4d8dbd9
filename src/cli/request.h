/*
 * One request to the API server and its answer, for commands: they wait, so that a command reads
 * from top to bottom. What the server refuses comes back as an error with its own sentence.
 */
#ifndef CLI_REQUEST_H
#define CLI_REQUEST_H

#include "cli/cli.h"
#include "doc/doc.h"

#define MEDIA_JSON "application/json"
#define MEDIA_TABLE                                                                                \
	"application/json;as=Table;v=v1;g=meta.k8s.io,"                                            \
	"application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"
#define MEDIA_MERGE_PATCH "application/merge-patch+json"
#define MEDIA_STRATEGIC_PATCH "application/strategic-merge-patch+json"
#define MEDIA_JSON_PATCH "application/json-patch+json"
#define MEDIA_APPLY_PATCH "application/apply-patch+yaml"

struct request {
	const char *method;	  /* "GET" */
	struct str path;	  /* with its query */
	const char *accept;	  /* NULL: JSON */
	const char *content_type; /* of the body; NULL: JSON */
	const struct doc *body;	  /* NULL: none */
};

/* Sends and waits; the answer's document lives in cli->arena. Warnings go to stderr. A refusal sets
 * cli->server_said, so that cli_print_error finds kubectl's words for it. */
MUST_USE enum status request_send(struct cli *cli, const struct request *request,
				  const struct doc **ret_answer, struct error *error);

/* GET with nothing special. */
MUST_USE enum status request_get(struct cli *cli, struct str path, const struct doc **ret_answer,
				 struct error *error);

/* The answer's bytes as they come, for logs; return false to stop. */
MUST_USE enum status request_stream(struct cli *cli, struct str path, const char *accept,
				    bool (*bytes)(void *self, struct str bytes), void *self,
				    struct error *error);

/* A watch: each event's type ("ADDED" …) and object (or Table); return false to stop. The arena is
 * emptied after each event. */
MUST_USE enum status request_watch(struct cli *cli, struct str path, const char *accept,
				   bool (*event)(void *self, struct arena *arena, struct str type,
						 const struct doc *object),
				   void *self, struct error *error);

/* /api/v1/namespaces/NS/pods/NAME[/SUBRESOURCE]; ns and name may be empty. */
struct str request_path(struct arena *arena, const struct api_kind *kind, struct str ns,
			struct str name, struct str subresource);
/* Adds "?key=value" or "&key=value", encoded; nothing when the value is empty. */
struct str request_query(struct arena *arena, struct str path, const char *key, struct str value);

#endif
