/* What the files of this folder share about one server. Nobody outside reads it: server/server.h.
 */
#ifndef SERVER_STATE_H
#define SERVER_STATE_H

#include "schema/schema.h"
#include "server/request.h"
#include "server/server.h"
#include "store/store.h"

struct documents;     /* server/documents.c */
struct watch_stream;  /* server/watch_stream.c */
struct waiting_reply; /* server/commit.c */
struct metrics_wait;  /* server/metrics.c */

/* bootstrap.c: makes what everyone relies on, where it is not there. */
void server_restore(struct server *server);

struct server {
	const struct why_door *why; /* or NULL */
	struct server_config config; /* with every default filled in */
	struct store *store;
	struct schema *schema;
	const struct clock *clock;
	struct random *random;
	struct user admin;	       /* whoever shows the admin token */
	struct watch_stream *streams;  /* every open watch */
	struct waiting_reply *waiting; /* replies that wait for the log */
	struct documents *documents;   /* discovery and OpenAPI, made when first asked for */
	struct arena *scratch;	       /* for one event or one row at a time; reset after it */
	struct server_later *later, **later_end;
	struct server_later restore;	  /* what everyone relies on and someone deleted */
	i64 restore_mono_ns;		  /* or the disk did not take; 0: all is there */
	struct server_later custom_later; /* server/custom.c: stored versions to be renewed */
	struct usage *usage;		  /* server/usage.h */
	struct flows *flows;		  /* server/flow.h */
	struct metrics_source sources[METRICS_SOURCES_MAX];
	u32 sources_len;
	struct metrics_wait *metrics_waits;
	struct webhook_memo *memos; /* of callers who do not wait for webhooks */
	u32 memos_len;
	u32 streams_len;
	bool ready;
	i64 started_wall_ns;
	i64 next_bookmark_mono_ns, next_expiry_mono_ns;
	i64 wake_mono_ns; /* when the next tick is asked for */
	u64 requests_total, failures_total;
};

/* Asks to be ticked at `mono_ns` or before. */
void server_wake(struct server *server, i64 mono_ns);

#endif
