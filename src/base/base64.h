/* Bytes as text (RFC 4648): with padding as in Secrets and PEM, or in the URL alphabet as in JWTs.
 */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/str.h"

/* Length of the bytes behind standard, padded base64; false when it is none, *ret_at says where. */
MUST_USE bool base64_check(struct str text, size_t *ret_len, size_t *ret_at);
struct str base64_encode(struct arena *arena, struct str bytes);
MUST_USE bool base64_decode(struct arena *arena, struct str text, struct str *ret_bytes);

/* Without padding, and strict: each value has one spelling only. */
struct str base64url_encode(struct arena *arena, struct str bytes);
MUST_USE bool base64url_decode(struct arena *arena, struct str text, struct str *ret_bytes);

#endif
