/* What `minke server` and `minke agent` were asked to do: one table of options, and the struct they
 * fill. */
#ifndef RUN_SERVER_OPTIONS_H
#define RUN_SERVER_OPTIONS_H

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "run/access_files.h"

enum { MIRRORS_MAX = 32, SIMULATED_NODES_MAX = 20000 };

struct server_options {
	struct str data;	   /* /var/lib/minke */
	struct str listen;	   /* 127.0.0.1:6443 */
	struct str kubeconfig_out; /* DATA/admin.kubeconfig */
	bool real_node;		   /* --node real (default) or none */
	struct str node_name;	   /* the machine's host name */
	struct str node_ip;	   /* empty: found from the machine's interfaces */
	struct str kubeconfig;	   /* agent: where the server is and how to join */
	struct str node_listen;	   /* agent: 0.0.0.0:10250 */
	i64 simulated_nodes;
	i64 autoscale_every_s;
	i64 node_grace_s, evict_after_s;     /* a silent node; pods on one that is not ready */
	i64 backoff_first_s, backoff_most_s; /* of containers that fail: 10, 300 */
	i64 simulated_start_ms;		     /* how long a simulated pod takes to run */
	struct str mirrors[MIRRORS_MAX];     /* HOST=URL */
	u32 mirrors_len;
	bool controllers, scheduler;
	bool no_local_path;	  /* make no default storage class */
	bool rotate_token_key;	  /* sign service-account tokens with a new key */
	bool rotate_secrets_key;  /* seal all Secrets on disk with a new key */
	struct str cgroup_parent; /* the control group ours live under: minke */
	struct access_options access;
	bool help, verbose;
	bool purge_node; /* end what runs here instead of starting anything */
};

/* Reads argv[1…]; slices point into argv or `arena`. ST_BAD_REQUEST with a sentence. */
MUST_USE enum status server_options_read(struct arena *arena, int argc, char **argv,
					 struct server_options *ret_options, struct error *error);
/* The same for `minke agent`, which knows fewer options and two of its own. */
MUST_USE enum status agent_options_read(struct arena *arena, int argc, char **argv,
					struct server_options *ret_options, struct error *error);
/* ADDR:PORT in two, without brackets around an IPv6 address. ST_BAD_REQUEST with a sentence. */
MUST_USE enum status server_options_listen(struct str listen, struct str *ret_host, u16 *ret_port,
					   struct error *error);
void server_options_help(void);
void agent_options_help(void);

#endif
