/* How the simulated user gets at the API: documents, verbs, and somebody to do it to. */
#ifndef SIM_HANDS_H
#define SIM_HANDS_H

#include "sim/world.h"

/* JSON with single quotes, as it reads better in C; lives in the step's arena. */
PRINTF(2, 3) const struct doc *hand_doc(struct world *world, const char *format, ...);

/* What the API answers is the user's problem; that it calls a request invalid is the world's. */
void hand_create(struct world *world, kind_id kind, struct str ns, const struct doc *doc);
void hand_patch(struct world *world, const struct version *object, const struct doc *patch);
void hand_delete(struct world *world, const struct version *object, enum propagation how);
/* Through the eviction subresource, as kubectl drain does. */
void hand_evict(struct world *world, const struct version *pod);

/* Any object of a kind that is the user's to touch; NULL when there is none. */
struct version *hand_any(struct world *world, kind_id kind);
/* The same patch for every object of a kind that is not on its way out. */
void hand_patch_each(struct world *world, kind_id kind, const struct doc *patch);

struct str hand_namespace(struct world *world);
bool hand_full(const struct world *world, kind_id kind); /* enough of these */
/* The user does something that upsets what controllers have just seen to. */
void hand_disturbs(struct world *world);

/* A pod template with this label, of any image; `restart`: "Always", "OnFailure" or "Never". */
const struct doc *hand_template(struct world *world, const char *app, const char *restart);
const char *hand_image(struct world *world);
/* A fresh name: the letter and a number. Lives in the step's arena. */
const char *hand_name(struct world *world, char letter);

#endif
