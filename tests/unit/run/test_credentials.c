/* Certificates and keys over the years: what is kept, what is renewed, what is believed. */
#include "../unit.h"

#include <stdlib.h>
#include <string.h>

#include "doc/json.h"
#include "run/credentials.h"
#include "sys/file.h"

enum { DAY_S = 86400 };
static const i64 begin_s = 1767225600;

static struct arena *arena;
static char data[] = "/tmp/minke-credentials.XXXXXX";
static struct str folder;

static int up(void **state)
{
	(void)state;
	arena = arena_new(0);
	strcpy(data + sizeof data - 7, "XXXXXX");
	assert_non_null(mkdtemp(data));
	folder = str_of(data);
	return 0;
}

static int down(void **state)
{
	(void)state;
	assert_int_equal(file_remove_tree(data, NULL), ST_OK);
	arena_free(arena);
	return 0;
}

static void load(i64 at_s, struct credentials *credentials)
{
	static const struct str names[] = { STR_INIT("localhost"), STR_INIT("127.0.0.1") };
	struct error error = ERROR_INIT;

	if (credentials_load(arena, folder, names, ARRAY_LEN(names), at_s, credentials, &error) !=
	    ST_OK)
		fail_msg("%s", error.message);
}

static i64 end_of(struct str certificate)
{
	struct pki_info info;

	assert_int_equal(pki_read(arena, certificate, &info, NULL), ST_OK);
	return info.not_after_s;
}

static void certificates_are_renewed_long_before_they_end(void **state)
{
	struct credentials first, soon, later, after;

	(void)state;
	load(begin_s, &first);
	assert_int_equal(end_of(first.server.certificate), begin_s + 365 * DAY_S);
	load(begin_s + 200 * DAY_S, &soon);
	assert_true(str_eq(first.server.certificate, soon.server.certificate));
	load(begin_s + 260 * DAY_S, &later);
	assert_false(str_eq(first.server.certificate, later.server.certificate));
	assert_false(str_eq(first.admin.certificate, later.admin.certificate));
	assert_int_equal(end_of(later.server.certificate), begin_s + (260 + 365) * DAY_S);
	/* The authority stays: who trusted us before does so now. */
	assert_true(str_eq(first.ca.certificate, later.ca.certificate));
	assert_int_equal(pki_verify(first.ca.certificate, later.server.certificate, PKI_SERVER,
				    begin_s + 500 * DAY_S, NULL),
			 ST_OK);
	/* Switched off for years: the next start makes new ones. */
	load(begin_s + 2000 * DAY_S, &after);
	assert_int_equal(end_of(after.server.certificate), begin_s + (2000 + 365) * DAY_S);
	credentials_release(&first);
	credentials_release(&soon);
	credentials_release(&later);
	credentials_release(&after);
}

static struct str sign(struct credentials *credentials, const char *who)
{
	struct token_signer signer = credentials_signer(credentials);
	const struct doc *claims = doc_set_str(arena, NULL, "sub", str_of(who));
	struct str token;

	assert_int_equal(signer.sign(signer.self, arena, claims, &token, NULL), ST_OK);
	return token;
}

static bool believed(struct credentials *credentials, struct str token)
{
	struct token_signer signer = credentials_signer(credentials);
	const struct doc *claims;

	return signer.verify(signer.self, arena, token, &claims, NULL) == ST_OK;
}

static u32 keys_told(struct credentials *credentials)
{
	struct token_signer signer = credentials_signer(credentials);
	const struct doc *keys;

	assert_int_equal(json_parse(arena, signer.public_keys(signer.self, arena), &keys, NULL),
			 ST_OK);
	doc_each_item(keys, key)
		assert_true(doc_at_str(key, "kid").len > 0);
	return doc_len(keys);
}

static void an_old_token_key_is_believed_until_it_is_removed(void **state)
{
	struct credentials before, after, at_last;

	(void)state;
	load(begin_s, &before);
	struct str old = sign(&before, "old");

	assert_true(believed(&before, old));
	assert_int_equal(keys_told(&before), 1);
	assert_int_equal(credentials_rotate_token_key(folder, begin_s, NULL), ST_OK);
	load(begin_s, &after);
	struct str fresh = sign(&after, "fresh");

	assert_true(believed(&after, old) && believed(&after, fresh));
	assert_false(believed(&before, fresh));
	assert_int_equal(keys_told(&after), 2);
	/* A running server takes the keys over. */
	credentials_take_keys(&before, &after);
	assert_true(believed(&before, fresh) && believed(&before, old));
	assert_int_equal(file_remove(str_format(arena, "%s/pki/service-account-%lld.key", data,
						(long long)begin_s)
					     .at,
				     NULL),
			 ST_OK);
	load(begin_s, &at_last);
	credentials_take_keys(&before, &at_last);
	assert_false(believed(&before, old)); /* what was found good once is forgotten too */
	assert_true(believed(&before, fresh));
	credentials_release(&before);
	credentials_release(&after);
	credentials_release(&at_last);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, up, down)
		TEST(certificates_are_renewed_long_before_they_end),
		TEST(an_old_token_key_is_believed_until_it_is_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
