/*
 * Secrets lie sealed in the database, and the key in a file beside it, DIR/secrets.key (0600): a
 * copy of the database alone gives no secret away. Each line of the file is a key,
 *
 *	minke-key-1 1a2b3c4d BASE64
 *
 * the first is the one in use, the others are for what was sealed before. Private to the store.
 */
#ifndef STORE_SECRET_KEYS_H
#define STORE_SECRET_KEYS_H

#include "base/error.h"
#include "base/str.h"

struct secret_keys;

/* Reads the file, or makes it where there is none and `may_make`. ST_INVALID and ST_NOT_FOUND with
 * one clear sentence. Caller frees. */
MUST_USE enum status secret_keys_open(const char *directory, bool may_make,
				      struct secret_keys **ret_keys, struct error *error);
void secret_keys_free(struct secret_keys *keys); /* wipes them; NULL is fine */

/* Puts a new key in front; the others stay until secret_keys_settle(). */
MUST_USE enum status secret_keys_rotate(struct secret_keys *keys, struct error *error);
/* Everything is sealed with the first key now: the others go. */
MUST_USE enum status secret_keys_settle(struct secret_keys *keys, struct error *error);

/* Rows of this kind are sealed. */
bool secret_kind(struct str kind);
bool secret_is_sealed(struct str json);

/* As text that starts with the key's name; bound to the object it belongs to. */
struct str secret_seal(struct arena *arena, const struct secret_keys *keys, struct str namespace,
		       struct str name, struct str json);
/* *ret_stale: it was plain, or sealed with a key that is no longer the first. */
MUST_USE enum status secret_unseal(struct arena *arena, const struct secret_keys *keys,
				   struct str namespace, struct str name, struct str text,
				   struct str *ret_json, bool *ret_stale, struct error *error);

#endif
