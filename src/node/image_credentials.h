/*
 * Which user and password fit a repository: the rules of kubelet's credential keyring over pull
 * secrets (.dockerconfigjson and .dockercfg). Pure.
 */
#ifndef NODE_IMAGE_CREDENTIALS_H
#define NODE_IMAGE_CREDENTIALS_H

#include "doc/doc.h"
#include "node/image_reference.h"

struct image_login {
	struct str user, password;
	struct str identity_token; /* instead of a password, for token servers */
};

enum { LOGINS_MAX = 16 };

struct image_logins {
	struct image_login at[LOGINS_MAX];
	u32 len;
};

/* All that fit `reference`, the most specific first; keys are hosts or host/path prefixes, with *
 * in parts of the host ("*.example.com"). What is not understood is passed over. */
void image_logins_find(struct arena *arena, const struct doc *const *configs, u32 configs_len,
		       const struct image_reference *reference, struct image_logins *ret_logins);

#endif
