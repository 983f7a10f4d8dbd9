/*
 * Structural schemas: what a CustomResourceDefinition says about the shape of its objects, read as
 * it stands (k8s.io/apiextensions-apiserver/pkg/apiserver/schema). `schema` is always the document
 * of an openAPIV3Schema that has passed structural_check().
 */
#ifndef SCHEMA_STRUCTURAL_H
#define SCHEMA_STRUCTURAL_H

#include "schema/check.h"
#include "schema/decode.h"

/* Is it a schema we can serve? Adds what is wrong where `c` stands, in upstream's words. */
void structural_check(struct check *c, const struct doc *schema);

/* The object without fields the schema does not know, which are named in `problems` (NULL: nobody
 * asks), and without nulls where none may stand. apiVersion, kind and metadata are left alone. */
const struct doc *structural_prune(struct arena *arena, const struct doc *schema,
				   const struct doc *object, struct field_problems *problems);

/* The object with every default that its parents' presence asks for. */
const struct doc *structural_default(struct arena *arena, const struct doc *schema,
				     const struct doc *object);

/* Adds everything in `object` that breaks the schema, but for what stands in `old` (NULL: nothing)
 * at the same place. */
void structural_validate(struct check *c, const struct doc *schema, const struct doc *object,
			 const struct doc *old);

#endif
