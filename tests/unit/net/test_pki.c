/* Certificates we make are believed where they should be and nowhere else; tokens likewise. */
#include "../unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "net/jwt.h"
#include "net/pki.h"
#include "sys/file.h"

enum { NOW = 1800000000, DAY = 86400 };

static int setup(void **state)
{
	*state = arena_new(0);
	return 0;
}

static int teardown(void **state)
{
	arena_free(*state);
	return 0;
}

static struct pki_pair make_ca(struct arena *arena)
{
	struct error error = ERROR_INIT;
	struct pki_pair ca;

	assert_int_equal(pki_ca_create(arena, STR("minke"), NOW, &ca, &error), ST_OK);
	return ca;
}

static void issues_what_its_ca_vouches_for(void **state)
{
	struct arena *arena = *state;
	struct error error = ERROR_INIT;
	struct pki_pair ca = make_ca(arena), other = make_ca(arena), pair;
	const struct str names[] = { STR("kubernetes.default.svc"), STR("10.0.0.1"), STR("::1") };
	const struct str groups[] = { STR("system:masters"), STR("team: ä") };
	const struct pki_subject subject = {
		.common_name = STR("admin"),
		.organizations = groups,
		.organizations_len = 2,
		.names = names,
		.names_len = 3,
	};
	struct pki_info info;

	assert_int_equal(pki_issue(arena, &ca, &subject, PKI_CLIENT, 30, NOW, &pair, &error),
			 ST_OK);
	assert_int_equal(pki_read(arena, pair.certificate, &info, &error), ST_OK);
	assert_str(info.subject.common_name, "admin");
	assert_int_equal(info.subject.organizations_len, 2);
	assert_str(info.subject.organizations[1], "team: ä");
	assert_str(info.issuer, "minke");
	assert_true(pki_has_names(&info, names, 3));
	assert_false(pki_has_names(&info, &STR("10.0.0.2"), 1));
	assert_false(info.is_ca);
	assert_int_equal(info.not_after_s, NOW + 30 * DAY);
	assert_false(pki_wants_renewal(&info, NOW + 19 * DAY));
	assert_true(pki_wants_renewal(&info, NOW + 21 * DAY));

	assert_int_equal(pki_verify(ca.certificate, pair.certificate, PKI_CLIENT, NOW, &error),
			 ST_OK);
	assert_int_equal(pki_verify(ca.certificate, pair.certificate, PKI_SERVER, NOW, NULL),
			 ST_UNAUTHORIZED);
	assert_int_equal(pki_verify(other.certificate, pair.certificate, PKI_CLIENT, NOW, NULL),
			 ST_UNAUTHORIZED);
	assert_int_equal(
		pki_verify(ca.certificate, pair.certificate, PKI_CLIENT, NOW + 31 * DAY, &error),
		ST_UNAUTHORIZED);
	assert_string_equal(error.message,
			    "the certificate is not trusted: certificate has expired");
}

static void refuses_odd_names(void **state)
{
	struct arena *arena = *state;
	struct error error = ERROR_INIT;
	struct pki_pair ca = make_ca(arena), pair;
	const struct pki_subject subject = { .common_name = STR("x"),
					     .names = &STR("a,email:root@x"),
					     .names_len = 1 };

	assert_int_equal(pki_issue(arena, &ca, &subject, PKI_SERVER, 1, NOW, &pair, &error),
			 ST_BAD_REQUEST);
}

static void a_leaf_never_outlives_its_ca(void **state)
{
	struct arena *arena = *state;
	struct error error = ERROR_INIT;
	struct pki_pair ca = make_ca(arena), pair;
	const struct pki_subject subject = { .common_name = STR("x") };
	struct pki_info info;

	assert_int_equal(pki_issue(arena, &ca, &subject, PKI_SERVER, 9999, NOW, &pair, &error),
			 ST_OK);
	assert_int_equal(pki_read(arena, pair.certificate, &info, &error), ST_OK);
	assert_int_equal(info.not_after_s, NOW + (i64)PKI_CA_DAYS * DAY);
}

static void signs_requests_without_what_they_smuggle(void **state)
{
	struct arena *arena = *state;
	struct error error = ERROR_INIT;
	struct pki_pair ca = make_ca(arena);
	const struct pki_subject subject = { .common_name = STR("system:node:n1"),
					     .organizations = &STR("system:nodes"),
					     .organizations_len = 1,
					     .names = &STR("n1.local"),
					     .names_len = 1 };
	struct str request, key, certificate;
	struct pki_subject read;
	struct pki_info info;

	assert_int_equal(pki_request_create(arena, &subject, &request, &key, &error), ST_OK);
	assert_int_equal(pki_request_read(arena, request, &read, &error), ST_OK);
	assert_str(read.common_name, "system:node:n1");
	assert_str(read.organizations[0], "system:nodes");
	assert_str(read.names[0], "n1.local");
	assert_int_equal(
		pki_request_sign(arena, &ca, request, PKI_SERVER, 3600, NOW, &certificate, &error),
		ST_OK);
	assert_int_equal(pki_verify(ca.certificate, certificate, PKI_SERVER, NOW, &error), ST_OK);
	assert_int_equal(pki_read(arena, certificate, &info, &error), ST_OK);
	assert_int_equal(info.not_after_s, NOW + 3600);
	assert_false(info.is_ca);

	/* One byte of the signature changed. */
	char *bent = (char *)(uintptr_t)str_copy(arena, request).at;
	char *place = strstr(bent, "-----END") - 8;

	*place = *place == 'A' ? 'B' : 'A';
	assert_int_equal(pki_request_read(arena, str_of(bent), &read, &error), ST_BAD_REQUEST);
	error_clear(&error);
	assert_int_equal(pki_request_read(arena, STR("x"), &read, &error), ST_BAD_REQUEST);
}

static void keeps_keys_from_others(void **state)
{
	struct arena *arena = *state;
	struct error error = ERROR_INIT;
	struct pki_pair ca = make_ca(arena), loaded;
	char dir[] = "/tmp/minke-pki-XXXXXX";
	struct stat entry;

	assert_non_null(mkdtemp(dir));
	const char *key = str_format(arena, "%s/ca.key", dir).at;

	assert_int_equal(pki_load(arena, dir, "ca", &loaded, &error), ST_NOT_FOUND);
	error_clear(&error);
	assert_int_equal(pki_save(dir, "ca", &ca, &error), ST_OK);
	assert_int_equal(stat(key, &entry), 0);
	assert_int_equal(entry.st_mode & 07777, 0600);
	assert_int_equal(pki_load(arena, dir, "ca", &loaded, &error), ST_OK);
	assert_true(str_eq(loaded.key, ca.key));
	assert_int_equal(chmod(key, 0644), 0);
	assert_int_equal(pki_load(arena, dir, "ca", &loaded, &error), ST_FORBIDDEN);
	error_clear(&error);
	assert_int_equal(file_remove_tree(dir, &error), ST_OK);
}

static void signs_and_verifies_tokens(void **state)
{
	struct arena *arena = *state;
	struct error error = ERROR_INIT;
	struct str pem, token, claims;
	struct jwt_key *key, *other;

	assert_int_equal(jwt_key_create(arena, &pem, &error), ST_OK);
	assert_int_equal(jwt_key_load(pem, &key, &error), ST_OK);
	assert_int_equal(jwt_key_create(arena, &pem, &error), ST_OK);
	assert_int_equal(jwt_key_load(pem, &other, &error), ST_OK);
	assert_int_equal(jwt_sign(arena, key, STR("{\"sub\":\"x\"}"), &token, &error), ST_OK);
	const struct jwt_key *both[] = { other, key };

	assert_int_equal(jwt_verify(arena, both, 2, token, &claims, &error), ST_OK);
	assert_str(claims, "{\"sub\":\"x\"}");
	assert_int_equal(jwt_verify(arena, both, 1, token, &claims, NULL), ST_UNAUTHORIZED);

	/* Without a signature, with another's claims, cut short. */
	struct str none =
		str_format(arena, "%s.%s.", base64url_encode(arena, STR("{\"alg\":\"none\"}")).at,
			   base64url_encode(arena, STR("{\"sub\":\"root\"}")).at);

	assert_int_equal(jwt_verify(arena, both, 2, none, &claims, NULL), ST_UNAUTHORIZED);
	for (size_t cut = 0; cut < token.len; cut += 7)
		assert_int_equal(jwt_verify(arena, both, 2, str_part(token, 0, cut), &claims, NULL),
				 ST_UNAUTHORIZED);
	struct str header = str_part(token, 0, (size_t)str_find_char(token, '.'));
	struct str tail = str_from(token, (size_t)str_find_last(token, '.'));
	struct str forged =
		str_format(arena, STR_FMT ".%s" STR_FMT, STR_ARG(header),
			   base64url_encode(arena, STR("{\"sub\":\"root\"}")).at, STR_ARG(tail));

	assert_int_equal(jwt_verify(arena, both, 2, forged, &claims, NULL), ST_UNAUTHORIZED);
	jwt_key_free(key);
	jwt_key_free(other);
}

/* The RSA key and thumbprint of RFC 7638, 3.1. */
static void thumbprints_as_the_rfc_does(void **state)
{
	struct error error = ERROR_INIT;
	struct jwt_key *key;

	(void)state;
	const struct str pem =
		STR("-----BEGIN PUBLIC KEY-----\n"
		    "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA0vx7agoebGcQSuuPiLJX\n"
		    "ZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tS\n"
		    "oc/BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ/2W+5JsGY4Hc5n9yBXArwl93lqt\n"
		    "7/RN5w6Cf0h4QyQ5v+65YGjQR0/FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0\n"
		    "zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt+bFTWhAI4vMQFh6WeZu0f\n"
		    "M4lFd2NcRwr3XPksINHaQ+G/xBniIqbw0Ls1jF44+csFCur+kEgU8awapJzKnqDK\n"
		    "gwIDAQAB\n"
		    "-----END PUBLIC KEY-----\n");

	assert_int_equal(jwt_key_load(pem, &key, &error), ST_OK);
	assert_str(jwt_key_id(key), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
	assert_string_equal(jwt_key_algorithm(key), "RS256");
	jwt_key_free(key);
}

static void encodes_and_digests(void **state)
{
	struct arena *arena = *state;
	struct str bytes;

	assert_str(base64url_encode(arena, STR("\xff\xfe\xfd\xfc")), "__79_A");
	assert_true(base64url_decode(arena, STR(""), &bytes));
	assert_true(base64url_decode(arena, STR("__79_A"), &bytes));
	assert_int_equal(bytes.len, 4);
	assert_false(base64url_decode(arena, STR("__79_B"), &bytes)); /* stray bits */
	assert_false(base64url_decode(arena, STR("__79_A=="), &bytes));
	assert_false(base64url_decode(arena, STR("a b"), &bytes));
	assert_str(sha256_hex(arena, STR("abc")),
		   "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_true(secret_eq(STR("a"), STR("a")));
	assert_false(secret_eq(STR("a"), STR("b")));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(issues_what_its_ca_vouches_for),
		TEST(refuses_odd_names),
		TEST(a_leaf_never_outlives_its_ca),
		TEST(signs_requests_without_what_they_smuggle),
		TEST(keeps_keys_from_others),
		TEST(signs_and_verifies_tokens),
		TEST(thumbprints_as_the_rfc_does),
		TEST(encodes_and_digests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
