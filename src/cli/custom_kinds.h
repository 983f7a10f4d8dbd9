/* Kinds that are not built in: what the server's discovery names becomes known to the schema. */
#ifndef CLI_CUSTOM_KINDS_H
#define CLI_CUSTOM_KINDS_H

#include "cli/cli.h"

/* Asks the server, once in a command; afterwards cli->schema knows every kind it serves. When it
 * does not answer, what is built in has to do. */
void custom_kinds_load(struct cli *cli);

/* The same kind with its fields, from the server's OpenAPI; `kind` itself when there is nothing. */
const struct api_kind *custom_kind_whole(struct cli *cli, const struct api_kind *kind);

#endif
