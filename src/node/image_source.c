/* What is here is handed out at once; only the rest becomes a pull. */
#include "node/image_source.h"

#include <stdlib.h>

#include "base/check.h"
#include "doc/json.h"
#include "node/images.h"

struct request {
	struct arena *arena;
	struct image_events events;
	void *arg;
};

static void pulled(void *self, const struct image_result *result)
{
	struct request *request = self;
	struct error error = ERROR_INIT;
	enum status status = result->status;

	if (status != ST_OK) {
		if (result->reason && str_is(STR("InvalidImageName"), result->reason))
			status = ST_INVALID;
		fail(&error, status, "%s", result->message ? result->message : "pull failed");
	}
	request->events.done(request->arg, result->image, status == ST_OK ? NULL : &error);
	arena_free(request->arena);
}

static void get(void *self, const struct image_request *wanted, const struct image_events *events,
		void *arg)
{
	struct images *images = self;
	struct arena *arena = arena_new(0);
	struct request *request = ARENA_NEW(arena, struct request);
	enum image_policy policy = image_policy_of(wanted->policy, wanted->name);
	const struct doc **configs = ARENA_ARRAY(arena, const struct doc *, wanted->auths_len + 1);
	struct image_secrets secrets = { .configs = configs };
	const struct image *image = NULL;

	*request = (struct request){ arena, *events, arg };
	if (policy != IMAGE_ALWAYS &&
	    images_find(images, arena, wanted->name, &image, NULL) == ST_OK) {
		events->done(arg, image, NULL);
		arena_free(arena);
		return;
	}
	for (u32 i = 0; i < wanted->auths_len; i++)
		if (json_parse(arena, wanted->auths[i], &configs[secrets.len], NULL) == ST_OK)
			secrets.len++;
	if (policy != IMAGE_NEVER)
		events->pulling(arg);
	images_pull(images, str_copy(arena, wanted->name), policy, &secrets, pulled, request);
}

struct image_source *image_source_new(struct images *images)
{
	struct image_source *source = calloc(1, sizeof *source);

	CHECK(source);
	*source = (struct image_source){ .self = images, .get = get };
	return source;
}

void image_source_free(struct image_source *source)
{
	free(source);
}
