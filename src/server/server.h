/*
 * The API server: a function from request to reply over the store. It owns no socket and no thread;
 * whoever has one (net, a test, the simulator) hands it exchanges and wakes it when it asks.
 */
#ifndef SERVER_SERVER_H
#define SERVER_SERVER_H

#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "net/exchange.h"

struct api_kind;
struct audit_sink;
struct call;
struct doc;
struct node_door;
struct why_door;
struct schema;
struct server;
struct static_tokens;
struct store;
struct user;
struct webhook_door;

/* Signs and checks the service-account tokens (JSON Web Tokens). Claims in, token out. */
struct token_signer {
	enum status (*sign)(void *self, struct arena *arena, const struct doc *claims,
			    struct str *ret_token, struct error *error);
	/* Checks the signature only; times, audience and accounts are the server's business. */
	enum status (*verify)(void *self, struct arena *arena, struct str token,
			      const struct doc **ret_claims, struct error *error);
	/* The public halves of all keys that count, the signing one first: a JSON array of JWKs;
	 * NULL: not told. */
	struct str (*public_keys)(void *self, struct arena *arena);
	void *self;
};

/* Signs what CertificateSigningRequests ask for with the cluster's own authority. */
struct certificate_order {
	struct str request; /* PKCS #10 in PEM form */
	bool server, client, encipherment;
	i64 seconds, now_s;
};
struct certificate_signer {
	enum status (*sign)(void *self, struct arena *arena, const struct certificate_order *order,
			    struct str *ret_certificate, struct error *error);
	void *self;
};

/* All slices must outlive the server. Zero means the default. */
struct server_config {
	struct str service_cidr;	   /* 10.96.0.0/16 */
	u16 node_port_low, node_port_high; /* 30000–32767 */
	struct str advertise_address; /* where pods find us, e.g. 192.168.1.2; for `kubernetes` */
	u16 advertise_port;	      /* 6443 */
	i64 evict_after_s; /* tolerationSeconds for nodes not ready of pods that say none: 300 */
	struct str admin_token;	    /* a bearer token that is system:masters; empty: none */
	struct str ca_certificate;  /* PEM; what clients verify us by */
	struct str issuer;	    /* https://kubernetes.default.svc.cluster.local */
	bool no_local_path;	    /* make no default storage class */
	struct token_signer tokens; /* sign == NULL: no service-account tokens */
	struct certificate_signer certificates; /* sign == NULL: none are signed */
	const struct webhook_door *webhooks;	/* server/webhook.h; NULL: none is reached */
	const struct audit_sink *audit; /* server/audit.h; outlives every exchange. NULL: none */
	const struct doc *audit_policy; /* a checked Policy */
	const struct static_tokens *tokens_file; /* server/static_tokens.h; NULL: none */
	/* An AdmissionConfiguration (apiserver.config.k8s.io/v1): its plugins' sections. NULL: none
	 */
	const struct doc *admission;
	const struct node_door *nodes; /* logs, exec …; may come later: server_set_nodes() */
	/* The server asks to be ticked at `mono_ns` or before. NULL: the caller ticks every second.
	 */
	void (*wake)(void *self, i64 mono_ns);
	void *wake_self;
};

/* Everything handed in must outlive the server. The store must be open. */
struct server *server_new(const struct server_config *config, struct store *store,
			  struct schema *schema, const struct clock *clock, struct random *random);
/* Ends open watches first; waiting exchanges get 503. */
void server_free(struct server *server);

/* Writes the objects every cluster starts with, where they are missing. */
MUST_USE enum status server_bootstrap(struct server *server, struct error *error);

/* struct http_handler { server_handle, server }. */
void server_handle(void *server, struct http_exchange *x);

/* Does what time asks for (bookmarks, ends of watches, old Events) and returns when it
 * wants to be called again, monotonic ns. */
i64 server_tick(struct server *server);

void server_set_nodes(struct server *server, const struct node_door *nodes);
/* Who answers GET …/pods/x/why; NULL: nobody. It must outlive the server. */
void server_set_why(struct server *server, const struct why_door *why);
/* More to tell under /metrics, in Prometheus' form. */
struct buffer;
struct metrics_source {
	void (*tell)(void *self, struct buffer *out);
	void *self;
};
enum { METRICS_SOURCES_MAX = 8 };
void server_add_metrics(struct server *server, const struct metrics_source *source);

/* From now on /readyz is 200: the wiring calls it when everything has started. */
void server_set_ready(struct server *server, bool ready);

/*
 * Calls that must not happen where they are noticed (a watch may not write while the store tells of
 * a change): queued here, they run in the next server_tick(), which is asked for at once.
 */
struct server_later {
	void (*call)(void *self);
	void *self;
	struct server_later *next;
	bool queued;
};
void server_later(struct server *server, struct server_later *later); /* queued twice is once */
void server_later_cancel(struct server *server, struct server_later *later);

struct store *server_store(const struct server *server);
struct schema *server_schema(const struct server *server);
const struct clock *server_clock(const struct server *server);
const struct server_config *server_config_of(const struct server *server);
struct random *server_random(const struct server *server);

#endif
