/* Bytes that nobody reads or changes without the key: AES-256-GCM, by OpenSSL. */
#ifndef SYS_SEAL_H
#define SYS_SEAL_H

#include "base/error.h"
#include "base/str.h"

enum { SEAL_KEY_BYTES = 32, SEAL_MORE_BYTES = 12 + 16 }; /* nonce and tag beside the text */

/* `bound` is not stored: the same must be given to open it (what and where it belongs to). */
struct str seal(struct arena *arena, const u8 key[SEAL_KEY_BYTES], struct str bound,
		struct str plain);
/* False when key or `bound` are others, or a bit was changed. */
MUST_USE bool seal_open(struct arena *arena, const u8 key[SEAL_KEY_BYTES], struct str bound,
			struct str sealed, struct str *ret_plain);

#endif
