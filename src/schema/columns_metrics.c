/* Rows of what nodes and pods use. */
#include "schema/columns.h"
#include "schema/quantity.h"
#include "schema/rules.h"

static void add_usage(struct quantity total[2], const struct doc *usage)
{
	total[0] = quantity_add(total[0], quantity_of(doc_key(usage, "cpu")));
	total[1] = quantity_add(total[1], quantity_of(doc_key(usage, "memory")));
}

static void row_usage(struct row *row, const struct quantity total[2])
{
	row_str(row, quantity_print(row->arena, total[0]));
	row_str(row, quantity_print(row->arena, total[1]));
}

RULE_PRINT(node_metrics_row)
{
	struct quantity total[2] = { { 0, QUANTITY_DECIMAL }, { 0, QUANTITY_BINARY } };

	add_usage(total, doc_key(object, "usage"));
	row_usage(row, total);
}

RULE_PRINT(pod_metrics_row)
{
	struct quantity total[2] = { { 0, QUANTITY_DECIMAL }, { 0, QUANTITY_BINARY } };

	doc_each_item(doc_key(object, "containers"), container)
		add_usage(total, doc_key(container, "usage"));
	row_usage(row, total);
}
