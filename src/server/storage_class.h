/* Which storage class counts when a claim names none, and what a class allows. */
#ifndef SERVER_STORAGE_CLASS_H
#define SERVER_STORAGE_CLASS_H

#include "doc/doc.h"

struct store;
struct version;

/* The class a claim names, by its spec or by the annotation of old; false when it names none (an
 * empty name is a name: no class at all). */
bool claim_class(const struct doc *claim, struct str *ret_name);

/* The class marked storageclass.kubernetes.io/is-default-class, the newest of several; NULL when
 * there is none. Borrowed from the store. */
struct version *storage_class_default(struct store *store);

#endif
