/* Who may do what: administrators, nodes, and for everybody else the stored roles (RBAC). */
#ifndef SERVER_AUTHORIZE_H
#define SERVER_AUTHORIZE_H

#include "server/request.h"

/* One question. Resources: verb, group, resource, subresource, ns, name; else verb and path. */
struct access {
	const struct user *user;
	bool is_resource;
	struct str verb, group, version, resource, subresource, ns, name, path;
	struct str label_node; /* … its minke/node=…, a label of local volumes; empty: none */
	struct str field_node; /* a list's or watch's spec.nodeName=…; empty: none */
};

/* `ret_reason` (may be NULL) says why, for reviews. */
bool access_allowed(struct server *server, struct arena *arena, const struct access *access,
		    struct str *ret_reason);

/* The same for a request; ST_FORBIDDEN in Kubernetes' words. */
MUST_USE enum status authorize(struct request *request);

/* RBAC alone, over the stored Roles and bindings; in rbac.c. */
bool rbac_allows(struct server *server, struct arena *arena, const struct access *access,
		 struct str *ret_reason);

/* What the rules that apply to a user in a namespace say, for SelfSubjectRulesReview: arrays of
 * resourceRules and nonResourceRules. */
void rbac_rules(struct server *server, struct arena *arena, const struct user *user, struct str ns,
		const struct doc **ret_resource_rules, const struct doc **ret_path_rules);

#endif
