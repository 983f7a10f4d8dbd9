/* Objects as `kubectl get` wants them: rows of a Table, or their metadata alone. */
#ifndef SERVER_TABLE_H
#define SERVER_TABLE_H

#include "base/buffer.h"
#include "schema/schema.h"
#include "server/negotiate.h"

struct table_writer {
	struct arena *arena; /* scratch: rows are built here */
	const struct api_kind *kind;
	const struct accept *accept;
	struct buffer *out;
	i64 now_ns;
};

/* `{"kind":"Table",…,"rows":[` with the list's own metadata (an object). `columns` false leaves the
 * definitions null, as in a watch after its first event. */
void table_open(const struct table_writer *writer, const struct doc *metadata, bool columns);
/* One row; the caller writes the commas. */
void table_row(const struct table_writer *writer, const struct doc *object);
void table_close(const struct table_writer *writer); /* `]}` */

/* {"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":…} */
const struct doc *partial_metadata(struct arena *arena, const struct doc *object, bool beta);

#endif
