/*
 * What the controllers of certificates and tokens need and a view of objects cannot give: reading a
 * request, asking RBAC about who made it, and signing. Reading and asking are pure. Signing is a
 * deed (it draws a serial number and uses the authority's key): it stands behind a table that the
 * wiring fills, and a simulator or a test fills with its own.
 */
#ifndef SERVER_CERTIFICATES_H
#define SERVER_CERTIFICATES_H

#include "doc/doc.h"
#include "server/server.h"

struct certificates; /* the server's; lives as long as it */

struct certificates *server_certificates(struct server *server);

/* What a request (spec.request, base64 of PEM) asks for. */
struct certificate_wish {
	struct str common_name;
	const struct str *organizations;
	u32 organizations_len;
	u32 names, addresses, emails, uris; /* how many alternative names of each sort */
	const struct str *alternatives;	    /* the names, then the addresses, as text */
};

/* ST_BAD_REQUEST: it is no PKCS #10 request in PEM form, or not signed by its own key. */
MUST_USE enum status certificate_read(struct arena *arena, struct str request,
				      struct certificate_wish *ret_wish, struct error *error);

/* When a certificate (status.certificate) ends, wall seconds; 0 when it cannot be read. */
i64 certificate_end_s(struct arena *arena, struct str certificate);

/* May whoever made this request (its spec) create certificatesigningrequests/SUBRESOURCE? */
bool certificate_requestor_may(struct certificates *certificates, struct arena *arena,
			       const struct doc *spec, const char *subresource);

/* Signs for `seconds` from now; the result is what status.certificate holds. ST_UNAVAILABLE when
 * there is no authority. */
MUST_USE enum status certificate_sign(struct certificates *certificates, struct arena *arena,
				      const struct certificate_order *order,
				      struct str *ret_certificate, struct error *error);

/* Signs the token without an end that a Secret of that name keeps for its account. */
struct version;
MUST_USE enum status token_for_secret(struct certificates *certificates, struct arena *arena,
				      const struct version *account, struct str secret,
				      struct str *ret_token, struct error *error);

#endif
