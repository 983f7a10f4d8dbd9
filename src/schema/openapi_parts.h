/*
 * What OpenAPI v2 and v3 have in common: how types are called, which structs a document needs,
 * which paths there are and what can be done at each. The two writers only differ in the letters.
 */
#ifndef SCHEMA_OPENAPI_PARTS_H
#define SCHEMA_OPENAPI_PARTS_H

#include "base/buffer.h"
#include "schema/served.h"

#define OPENAPI_META "io.k8s.apimachinery.pkg.apis.meta.v1."
#define OPENAPI_TITLE "Kubernetes"
#define OPENAPI_VERSION "v1.36.0"

/* A scalar of the language as JSON schema; `name` when it has a definition of its own. */
struct openapi_scalar {
	const char *type, *format, *name; /* type NULL: anything; format, name may be NULL */
	const char *text;
};
const struct openapi_scalar *openapi_scalar(u8 api_type);

/* "io.k8s.api.core.v1.PodSpec", in the arena. */
struct str openapi_name(struct arena *arena, const struct api_struct *s);

/* The sentence about a struct: of a kind's root, the kind's own, which says more. */
struct str openapi_text(const struct schema *schema, const struct api_struct *s);

/* Whether clients must give the field, as upstream's documents say it. */
bool openapi_required(const struct api_field *field);

/* x-kubernetes-patch-strategy, empty when the field has none. */
struct str openapi_patch_strategy(const struct api_field *field);

/* x-kubernetes-list-type, NULL when nothing is said. */
const char *openapi_list_type(const struct api_field *field);

/* The structs and named scalars a document must define. */
struct openapi_need {
	const struct api_struct **structs;
	u32 len;
	u32 scalars; /* bit: enum api_type */
};

/* All that the kinds of some group-versions reach, and the kinds every document has. */
struct openapi_need openapi_need(struct arena *arena, const struct served *const *versions,
				 u32 len);

/* Calls `each` for every kind, view or not, whose root is `s`. */
void openapi_kinds_of(const struct schema *schema, const struct api_struct *s,
		      void (*each)(void *self, const struct api_kind *kind), void *self);

/* ---- paths */

enum openapi_params {
	OPENAPI_LIST = 1,
	OPENAPI_WRITE = 2,
	OPENAPI_FORCE = 4,
	OPENAPI_DELETE = 8,
};
struct openapi_param {
	u8 set; /* enum openapi_params it belongs to */
	const char *name, *type, *text;
};
extern const struct openapi_param openapi_query[];
extern const u32 openapi_query_len;

enum openapi_body { OPENAPI_NO_BODY, OPENAPI_OBJECT, OPENAPI_PATCH, OPENAPI_DELETE_OPTIONS };
enum openapi_answer {
	OPENAPI_GIVES_OBJECT,
	OPENAPI_GIVES_LIST,
	OPENAPI_GIVES_STATUS,
	OPENAPI_GIVES_TEXT
};

struct openapi_operation {
	const char *method; /* get put post delete patch */
	const char *action; /* x-kubernetes-action */
	struct str id, text;
	struct str group, version, kind; /* x-kubernetes-group-version-kind */
	struct str object;		 /* definition of the object; empty: none is known */
	u8 params, body, answer;
};

struct openapi_path {
	struct str path;
	bool has_name, has_namespace;
	struct openapi_operation operations[5];
	u32 len;
};

/* Every path of a group-version. */
const struct openapi_path *openapi_paths(struct arena *arena, const struct schema *schema,
					 const struct served *served, u32 *ret_len);

#endif
