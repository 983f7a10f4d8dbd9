/* kubeconfig files: where a cluster is and who we are there. Format: client-go's clientcmd/api/v1.
 */
#ifndef CLIENT_KUBECONFIG_H
#define CLIENT_KUBECONFIG_H

#include "doc/doc.h"

/* One context, with what it points at put together. PEM texts are decoded from base64 or still to
 * be read from the file named. */
struct kubeconfig {
	struct str context; /* name of the context */
	struct str server;  /* https://127.0.0.1:6443 */
	struct str ns;	    /* default namespace, may be empty */
	struct str ca_certificate, ca_file;
	struct str certificate, certificate_file, key, key_file;
	struct str token, token_file;
	struct str tls_server_name;
	bool insecure; /* insecure-skip-tls-verify */
};

/* Reads the text of a file; `context` empty: its current-context. Results live in `arena`. */
MUST_USE enum status kubeconfig_parse(struct arena *arena, struct str text, struct str context,
				      struct kubeconfig *ret_config, struct error *error);

/* The text of a file with this one context, which is its current-context. */
struct str kubeconfig_print(struct arena *arena, const struct kubeconfig *config);

#endif
