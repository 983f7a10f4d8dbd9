/* minke version: ours and the server's. */
#include "cli/request.h"
#include "cli/version.h"

static const struct option_rule options[] = {
	{ "client", 0, OPTION_BOOL, NULL, "only our own, without asking a server", NULL },
	{ 0 },
};

static enum status version_run(struct cli *cli, struct error *error)
{
	const struct doc *server;

	cli_printf("Client Version: %s\n", MINKE_VERSION);
	if (option_bool(cli, "client"))
		return ST_OK;
	enum status status = request_get(cli, STR("/version"), &server, error);

	if (!status)
		cli_printf("Server Version: " STR_FMT "\n",
			   STR_ARG(doc_at_str(server, "gitVersion")));
	return status;
}

const struct command command_version = {
	.name = "version",
	.usage = "version [--client]",
	.summary = "prints our version and the server's",
	.options = options,
	.run = version_run,
};
