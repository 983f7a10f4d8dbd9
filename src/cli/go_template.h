/* -o go-template: the part of Go's text/template that people use with kubectl. */
#ifndef CLI_GO_TEMPLATE_H
#define CLI_GO_TEMPLATE_H

#include "base/buffer.h"
#include "base/error.h"
#include "doc/doc.h"

/* Appends what the template gives: fields, `index`, literals, `range`, `if`, `with`, `else`, `end`,
 * variables of `range $key, $value`, comments and trimming dashes. What it does not know it refuses
 * with a sentence. */
MUST_USE enum status go_template_print(struct arena *arena, struct str text, const struct doc *d,
				       struct buffer *out, struct error *error);

#endif
