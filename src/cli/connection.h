/* The loop, the TLS context and the HTTP client behind a command's requests. */
#ifndef CLI_CONNECTION_H
#define CLI_CONNECTION_H

#include "cli/cli.h"
#include "net/client.h"

/* cli_connect() has made the connection; it ends with cli->arena. */
/* The kubeconfig that is meant: --kubeconfig, $KUBECONFIG, ~/.kube/config, this machine's. */
struct str connection_config_path(const struct cli *cli);
struct loop *connection_loop(const struct cli *cli);
struct http_client *connection_client(const struct cli *cli);
MUST_USE enum status connection_call(struct cli *cli, const struct http_call_spec *spec,
				     struct http_call_result *ret_result, struct error *error);

#endif
