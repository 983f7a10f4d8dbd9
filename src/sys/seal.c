/* nonce (12 bytes, random) | text | tag (16 bytes); NIST SP 800-38D. */
#include "sys/seal.h"

#include <openssl/evp.h>

#include "base/check.h"
#include "sys/random.h"

enum { NONCE_BYTES = 12, TAG_BYTES = 16 };

static void context_free(EVP_CIPHER_CTX **context)
{
	EVP_CIPHER_CTX_free(*context);
}

struct str seal(struct arena *arena, const u8 key[SEAL_KEY_BYTES], struct str bound,
		struct str plain)
{
	CLEANUP(context_free) EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	size_t len = plain.len + SEAL_MORE_BYTES;
	u8 *out = arena_alloc(arena, len);
	u8 *text = out + NONCE_BYTES;
	int some = 0;

	CHECK(context && plain.len < INT32_MAX && bound.len < INT32_MAX);
	random_bytes(out, NONCE_BYTES);
	bool well = EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, out) == 1 &&
		    EVP_EncryptUpdate(context, NULL, &some, (const u8 *)bound.at, (int)bound.len) ==
			    1 &&
		    EVP_EncryptUpdate(context, text, &some, (const u8 *)plain.at, (int)plain.len) ==
			    1 &&
		    EVP_EncryptFinal_ex(context, text + some, &some) == 1 &&
		    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_GET_TAG, TAG_BYTES,
					text + plain.len) == 1;

	CHECK(well); /* only a broken library fails here */
	return (struct str){ (const char *)out, len };
}

bool seal_open(struct arena *arena, const u8 key[SEAL_KEY_BYTES], struct str bound,
	       struct str sealed, struct str *ret_plain)
{
	CLEANUP(context_free) EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
	const u8 *nonce = (const u8 *)sealed.at, *text = nonce + NONCE_BYTES;
	int some = 0;

	CHECK(context);
	if (sealed.len < SEAL_MORE_BYTES || sealed.len > INT32_MAX || bound.len > INT32_MAX)
		return false;
	size_t len = sealed.len - SEAL_MORE_BYTES;
	u8 *out = arena_alloc(arena, len + 1);

	if (EVP_DecryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, nonce) != 1 ||
	    EVP_DecryptUpdate(context, NULL, &some, (const u8 *)bound.at, (int)bound.len) != 1 ||
	    EVP_DecryptUpdate(context, out, &some, text, (int)len) != 1 ||
	    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, (void *)(text + len)) !=
		    1 ||
	    EVP_DecryptFinal_ex(context, out + some, &some) != 1)
		return false;
	out[len] = 0;
	*ret_plain = (struct str){ (const char *)out, len };
	return true;
}
