/* The real side of admission webhooks: HTTPS calls on the loop. */
#ifndef RUN_WEBHOOK_CALLS_H
#define RUN_WEBHOOK_CALLS_H

#include "server/webhook.h"
#include "sys/loop.h"

struct webhook_calls;

/* The loop must outlive it. Freed before the server: calls under way end unanswered. */
struct webhook_calls *webhook_calls_new(struct loop *loop);
void webhook_calls_free(struct webhook_calls *calls);
const struct webhook_door *webhook_calls_door(struct webhook_calls *calls);

#endif
