/*
 * The Pod Security Standards: what a pod of each level may ask for, by version, and Kubernetes'
 * words for what it may not. Pure; follows k8s.io/pod-security-admission/policy.
 */
#ifndef SERVER_POD_SECURITY_H
#define SERVER_POD_SECURITY_H

#include "doc/doc.h"

enum security_level { SECURITY_PRIVILEGED, SECURITY_BASELINE, SECURITY_RESTRICTED };

enum { SECURITY_LATEST = 0xffff };

/* "restricted:latest", "baseline:v1.24". */
struct security_policy {
	enum security_level level;
	u32 minor; /* of Kubernetes 1.x, or SECURITY_LATEST */
};

/* What is wrong with a pod, a sentence each:
 * `host namespaces (hostNetwork=true), privileged (container "a" must not …)`. Empty: nothing.
 * `reasons_only` leaves out what stands in brackets. */
struct str security_violations(struct arena *arena, struct security_policy policy,
			       const struct doc *meta, const struct doc *spec, bool reasons_only);

struct str security_policy_print(struct arena *arena, struct security_policy policy);
MUST_USE bool security_level_parse(struct str text, enum security_level *ret_level);
MUST_USE bool security_version_parse(struct str text, u32 *ret_minor); /* "latest" or "v1.N" */

/* ---- between the files of the standards */

struct words {
	VEC(struct str) list;
};

struct security_check {
	struct arena *arena;
	u32 minor;
	const struct doc *meta, *spec;
	const struct doc *const *containers; /* all of them, init containers first */
	u32 containers_len;
	struct str reason, detail; /* what a check found; reason empty: nothing */
};

typedef void security_check_function(struct security_check *check);

extern security_check_function *const security_restricted[];
extern const u32 security_restricted_len;

/* Adds a word once. */
void words_add(struct arena *arena, struct words *words, struct str word);
/* `"a", "b"`; sorted first when `sorted`. */
struct str words_quote(struct arena *arena, const struct words *words, bool sorted);
struct str words_join(struct arena *arena, const struct words *words, const char *between);
/* `container "a"`, `containers "a", "b"`. */
struct str words_containers(struct arena *arena, const struct words *names);
/* `pod and containers "a", "b"`, or one of the two; empty: nobody. */
struct str words_setters(struct arena *arena, bool pod, const struct words *containers);

#define security_each(check, c)                                                                    \
	for (u32 c##_i = 0; c##_i < (check)->containers_len; c##_i++)                              \
		for (const struct doc *c = (check)->containers[c##_i]; c; c = NULL)

static inline struct str security_name(const struct doc *container)
{
	return doc_str(doc_key(container, "name"));
}

bool security_is_windows(const struct security_check *check);
/* A pod with user namespaces of its own may do more, from 1.35 on. */
bool security_relaxed(const struct security_check *check);
bool security_seccomp_is_fine(struct str type);

#endif
