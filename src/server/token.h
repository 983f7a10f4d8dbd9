/* Service-account tokens: what stands in them. */
#ifndef SERVER_TOKEN_H
#define SERVER_TOKEN_H

#include "doc/doc.h"

struct server;
struct version;

#define TOKEN_LEGACY_ISSUER "kubernetes/serviceaccount"

enum { TOKEN_SKEW_S = 60 }; /* clocks may differ that much */

struct str token_issuer(const struct server *server);

/* What stands in a token that is kept in a Secret and has no end. */
const struct doc *token_legacy_claims(struct arena *arena, const struct version *account,
				      struct str secret);

#endif
