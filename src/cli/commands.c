/* The list of commands, in the order of `minke help`. Each stands in a file of its own name. */
#include "cli/command.h"

#define COMMANDS(X)                                                                                \
	X(get)                                                                                     \
	X(describe)                                                                                \
	X(why)                                                                                     \
	X(create)                                                                                  \
	X(apply)                                                                                   \
	X(edit)                                                                                    \
	X(patch)                                                                                   \
	X(delete)                                                                                  \
	X(scale)                                                                                   \
	X(autoscale)                                                                               \
	X(set)                                                                                     \
	X(rollout)                                                                                 \
	X(events)                                                                                  \
	X(top)                                                                                     \
	X(logs)                                                                                    \
	X(exec)                                                                                    \
	X(attach)                                                                                  \
	X(port_forward)                                                                            \
	X(certificate)                                                                             \
	X(label)                                                                                   \
	X(annotate)                                                                                \
	X(api_resources)                                                                           \
	X(api_versions)                                                                            \
	X(explain)                                                                                 \
	X(run)                                                                                     \
	X(expose)                                                                                  \
	X(wait)                                                                                    \
	X(cordon)                                                                                  \
	X(uncordon)                                                                                \
	X(drain)                                                                                   \
	X(taint)                                                                                   \
	X(replace)                                                                                 \
	X(auth)                                                                                    \
	X(cluster_info)                                                                            \
	X(config)                                                                                  \
	X(completion)                                                                              \
	X(options)                                                                                 \
	X(token)                                                                                   \
	X(version)

#define X(name) extern const struct command command_##name;
COMMANDS(X)
#undef X

const struct command *const commands_all[] = {
#define X(name) &command_##name,
	COMMANDS(X)
#undef X
		NULL,
};
