/* Service-account tokens: what stands in them. */
#ifndef SERVER_TOKEN_H
#define SERVER_TOKEN_H

#include "base/str.h"

struct server;

enum { TOKEN_SKEW_S = 60 }; /* clocks may differ that much */

struct str token_issuer(const struct server *server);

#endif
