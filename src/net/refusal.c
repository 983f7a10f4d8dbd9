/* The Status of k8s.io/apimachinery/pkg/apis/meta/v1, as small as clients can use it. */
#include "net/refusal.h"

#include "base/error.h"
#include "doc/build.h"
#include "doc/json.h"

static const char *reason_of(int code)
{
	for (int i = 1; i < STATUS_COUNT; i++)
		if (status_code((enum status)i) == code)
			return status_reason((enum status)i);
	return code < 500 ? "BadRequest" : "InternalError";
}

struct str refusal_body(struct arena *arena, int code, struct str why)
{
	struct build b = build_object(arena);

	build_str(&b, "kind", STR("Status"));
	build_str(&b, "apiVersion", STR("v1"));
	build_doc(&b, "metadata", &doc_empty_object);
	build_str(&b, "status", STR("Failure"));
	build_str(&b, "message", why);
	build_str(&b, "reason", str_of(reason_of(code)));
	build_int(&b, "code", code);
	return json_text(arena, build_done(&b));
}
