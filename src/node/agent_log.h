/* A container's log as an answer, whole or followed. */
#ifndef NODE_AGENT_LOG_H
#define NODE_AGENT_LOG_H

#include "node/agent_inside.h"

/* Answers the exchange, at once or bit by bit while the container writes. */
void log_stream_start(struct agent *agent, struct http_exchange *x,
		      const struct container_record *record, const struct log_options *options);

/* Ends them all: the agent stops. */
void log_streams_end(struct agent *agent);

#endif
