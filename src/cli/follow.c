/* A look at the object, then a watch from there; and once more should the server forget. */
#include "cli/follow.h"

#include "cli/request.h"
#include "cli/select.h"

struct follow {
	bool (*look)(void *self, const struct doc *object);
	void *self;
	bool done;
};

static bool follow_event(void *self, struct arena *arena, struct str type, const struct doc *object)
{
	struct follow *follow = self;

	(void)arena;
	if (!str_is(type, "BOOKMARK"))
		follow->done = follow->look(follow->self, str_is(type, "DELETED") ? NULL : object);
	return !follow->done;
}

enum status follow_object(struct cli *cli, const struct target *target,
			  bool (*look)(void *self, const struct doc *object), void *self,
			  struct error *error)
{
	struct follow follow = { .look = look, .self = self };
	struct str all = request_path(cli->arena, target->kind, target->ns, STR_NONE, STR_NONE);
	enum status status = ST_OK;

	all = request_query(
		cli->arena, all, "fieldSelector",
		str_format(cli->arena, "metadata.name=" STR_FMT, STR_ARG(target->name)));
	while (!follow.done && (!status || status == ST_EXPIRED)) {
		const struct doc *list;

		error_clear(error);
		status = request_get(cli, all, &list, error);
		if (status)
			return status;
		follow.done = look(self, doc_item(doc_key(list, "items"), 0));
		if (follow.done)
			break;
		struct str path = request_query(cli->arena, all, "watch", STR("true"));

		path = request_query(cli->arena, path, "resourceVersion",
				     doc_at_str(list, "metadata.resourceVersion"));
		status = request_watch(cli, path, NULL, follow_event, &follow, error);
		if (cli->timed_out)
			return follow.done ? ST_OK : ST_TIMEOUT;
	}
	return follow.done ? ST_OK : status;
}
