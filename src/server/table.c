/* Writes Tables (meta.k8s.io/v1) row by row straight into text. */
#include "server/table.h"

#include "doc/build.h"
#include "doc/json.h"
#include "schema/columns.h"

static struct str meta_version(bool beta)
{
	return beta ? STR("meta.k8s.io/v1beta1") : STR("meta.k8s.io/v1");
}

const struct doc *partial_metadata(struct arena *arena, const struct doc *object, bool beta)
{
	struct build b = build_object(arena);

	build_str(&b, "kind", STR("PartialObjectMetadata"));
	build_str(&b, "apiVersion", meta_version(beta));
	build_doc(&b, "metadata", doc_key(object, "metadata"));
	return build_done(&b);
}

/* Every version of a custom resource has its own columns. */
static const struct api_kind *columns_of(const struct api_kind *kind)
{
	return kind->shape ? kind : kind->stored;
}

void table_open(const struct table_writer *w, const struct doc *metadata, bool columns)
{
	buffer_add_format(w->out,
			  "{\"kind\":\"Table\",\"apiVersion\":\"" STR_FMT "\",\"metadata\":",
			  STR_ARG(meta_version(w->accept->beta)));
	json_print(w->out, metadata);
	buffer_add_str(w->out, STR(",\"columnDefinitions\":"));
	json_print(w->out,
		   columns ? columns_definitions(w->arena, columns_of(w->kind)) : &doc_null);
	buffer_add_str(w->out, STR(",\"rows\":["));
}

void table_row(const struct table_writer *w, const struct doc *object)
{
	buffer_add_str(w->out, STR("{\"cells\":"));
	json_print(w->out, columns_cells(w->arena, columns_of(w->kind), object, w->now_ns));
	buffer_add_str(w->out, STR(",\"object\":"));
	switch (w->accept->include) {
	case INCLUDE_NONE:
		buffer_add_str(w->out, STR("null"));
		break;
	case INCLUDE_METADATA:
		json_print(w->out, partial_metadata(w->arena, object, w->accept->beta));
		break;
	case INCLUDE_OBJECT:
		json_print(w->out, object);
		break;
	}
	buffer_add_char(w->out, '}');
}

void table_close(const struct table_writer *w)
{
	buffer_add_str(w->out, STR("]}"));
}
