/* minke cluster-info: where the cluster answers. */
#include "cli/request.h"

static enum status cluster_info_run(struct cli *cli, struct error *error)
{
	const struct doc *answer;
	enum status status = request_get(cli, STR("/version"), &answer, error);

	if (!status)
		cli_printf("Kubernetes control plane is running at " STR_FMT "\n\n"
			   "To further debug and diagnose cluster problems, use 'minke why' and "
			   "'minke describe'.\n",
			   STR_ARG(cli->config.server));
	return status;
}

const struct command command_cluster_info = {
	.name = "cluster-info",
	.usage = "cluster-info",
	.summary = "says where the cluster answers",
	.run = cluster_info_run,
};
