/* `--purge-node`: ends what a stopped server or agent left running from its data directory. */
#ifndef RUN_PURGE_DATA_H
#define RUN_PURGE_DATA_H

#include "run/server_options.h"

/* No such directory: nothing runs from there. ST_CONFLICT when somebody uses it. */
MUST_USE enum status purge_data(const struct server_options *options, struct error *error);

#endif
