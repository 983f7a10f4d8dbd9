/* GET …/pods/x/why: the question goes to whoever the wiring has named. */
#include "server/why_door.h"

#include "server/object.h"
#include "server/state.h"
#include "server/subresource.h"

enum status why_get(struct call *call, const struct api_kind *kind, struct version *pod,
		    struct outcome *ret_outcome, struct error *error)
{
	const struct why_door *door = call->server->why;

	(void)kind;
	if (!door)
		return fail(error, ST_NOT_FOUND,
			    "the server could not find the requested resource");
	*ret_outcome = (struct outcome){ .doc = door->why(door->self, call->arena, pod),
					 .revision = pod->revision };
	return ST_OK;
}
