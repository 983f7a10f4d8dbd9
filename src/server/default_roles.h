/* The ClusterRoles and bindings every cluster has, as Kubernetes' RBAC bootstrap policy. */
#ifndef SERVER_DEFAULT_ROLES_H
#define SERVER_DEFAULT_ROLES_H

#include "doc/doc.h"

/* One default role and who has it. Rules read "VERBS GROUPS RESOURCES [NAMES]", commas inside, `;`
 * between; group `core` is the legacy one, and behind group `@` stand paths instead. */
struct default_role {
	const char *name, *rules;
	const char *subjects; /* "Group:system:masters User:x", empty: bound to nobody, NULL: no
				 binding at all */
	const char *part_of;  /* aggregated into this role; NULL: none */
	const char *gathers;  /* filled from the roles that are part of this one; NULL: none */
};

extern const struct default_role default_roles[];
extern const u32 default_roles_len;

/* As documents in `arena`, which may point into the table. */
const struct doc *default_role_doc(struct arena *arena, const struct default_role *role);
/* NULL: it has no binding. */
const struct doc *default_binding_doc(struct arena *arena, const struct default_role *role);

/* The Role by which extension servers read how requests are authenticated, in kube-system. */
const struct doc *default_reader_doc(struct arena *arena);

#endif
