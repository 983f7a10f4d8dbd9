/* DATA/pki: ca, server and admin pairs, and the key that signs service-account tokens. */
#include "run/credentials.h"

#include <stdlib.h>

#include "client/kubeconfig.h"
#include "doc/json.h"
#include "node/node_server.h"
#include "sys/file.h"

enum { KEY_BYTES_MAX = 1 << 16 };

static bool has_issued(struct arena *arena, const char *dir)
{
	return file_exists(str_format(arena, "%s/server.crt", dir).at) ||
	       file_exists(str_format(arena, "%s/admin.crt", dir).at) ||
	       (file_exists(str_format(arena, "%s/ca.crt", dir).at) &&
		file_exists(str_format(arena, "%s/ca.key", dir).at));
}

static enum status load_ca(struct arena *arena, const char *dir, i64 now_s, struct pki_pair *ret_ca,
			   struct error *error)
{
	struct error none = ERROR_INIT;
	const char *names[] = { str_format(arena, "%s/ca.crt", dir).at,
				str_format(arena, "%s/ca.key", dir).at };
	enum status status = pki_load(arena, dir, "ca", ret_ca, &none);

	if (!status && pki_pair_fits(ret_ca))
		return ST_OK;
	if (status && status != ST_NOT_FOUND)
		return fail(error, status, "%s", none.message);
	/* A new authority would lock out every client that trusts the old one: never in silence.
	 * One that was cut short while it was made has issued nothing, so nobody trusts it. */
	if ((file_exists(names[0]) || file_exists(names[1])) && has_issued(arena, dir))
		return fail(error, ST_INVALID,
			    "%s and ca.key are damaged or do not belong together; put a backup in "
			    "their place, or remove both for a new authority",
			    names[0]);
	status = pki_ca_create(arena, STR("minke-ca"), now_s, ret_ca, error);
	return status ? status : pki_save(dir, "ca", ret_ca, error);
}

struct leaf {
	const char *name;
	struct pki_subject subject;
	int uses;
};

static bool still_good(struct arena *arena, const struct pki_pair *ca, const struct pki_pair *pair,
		       const struct leaf *leaf, i64 now_s)
{
	struct pki_info info;

	return pki_read(arena, pair->certificate, &info, NULL) == ST_OK &&
	       !pki_wants_renewal(&info, now_s) &&
	       pki_verify(ca->certificate, pair->certificate,
			  leaf->uses & PKI_SERVER ? PKI_SERVER : PKI_CLIENT, now_s,
			  NULL) == ST_OK &&
	       pki_has_names(&info, leaf->subject.names, leaf->subject.names_len);
}

static enum status load_leaf(struct arena *arena, const char *dir, const struct pki_pair *ca,
			     const struct leaf *leaf, i64 now_s, struct pki_pair *ret_pair,
			     struct error *error)
{
	if (pki_load(arena, dir, leaf->name, ret_pair, NULL) == ST_OK && pki_pair_fits(ret_pair) &&
	    still_good(arena, ca, ret_pair, leaf, now_s))
		return ST_OK;
	enum status status = pki_issue(arena, ca, &leaf->subject, leaf->uses, PKI_LEAF_DAYS, now_s,
				       ret_pair, error);

	return status ? status : pki_save(dir, leaf->name, ret_pair, error);
}

static enum status load_key(struct arena *arena, struct str path, struct credentials *credentials,
			    struct error *error)
{
	struct error why = ERROR_INIT;
	struct str pem;
	enum status status = file_read(arena, path.at, KEY_BYTES_MAX, &pem, &why);
	u32 at = credentials->token_keys_len;

	if (status)
		return fail(error, status, "%s", why.message);
	if (at == TOKEN_KEYS_MAX)
		return fail(error, ST_INVALID, "more than %d keys for service-account tokens",
			    TOKEN_KEYS_MAX);
	status = jwt_key_load(pem, &credentials->token_keys[at], error);
	if (status)
		return fail_within(error, STR_FMT " is damaged; put a backup in its place",
				   STR_ARG(path));
	credentials->token_keys_len++;
	return ST_OK;
}

/* service-account.key signs; service-account-*.key and .pub, of before or of a cluster that moved
 * here, are believed too. */
static enum status load_token_keys(struct arena *arena, const char *dir,
				   struct credentials *credentials, struct error *error)
{
	struct str path = str_format(arena, "%s/service-account.key", dir), pem, *names;
	enum status status = ST_OK;
	u32 len;

	if (!file_exists(path.at)) {
		status = jwt_key_create(arena, &pem, error);
		if (!status)
			status = file_write(path.at, pem, 0600, error);
	}
	if (!status)
		status = load_key(arena, path, credentials, error);
	if (!status)
		status = file_list(arena, dir, 1000, &names, &len, error);
	for (u32 i = 0; !status && i < len; i++)
		if (str_starts(names[i], STR("service-account-")) &&
		    (str_ends(names[i], STR(".key")) || str_ends(names[i], STR(".pub"))))
			status = load_key(arena,
					  str_format(arena, "%s/" STR_FMT, dir, STR_ARG(names[i])),
					  credentials, error);
	return status;
}

enum status credentials_rotate_token_key(struct str data, i64 now_s, struct error *error)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct str path = str_format(arena, STR_FMT "/pki/service-account.key", STR_ARG(data));
	struct str kept = str_format(arena, STR_FMT "/pki/service-account-%lld.key", STR_ARG(data),
				     (long long)now_s);
	struct str pem;

	if (!file_exists(path.at))
		return ST_OK;
	enum status status = file_read(arena, path.at, KEY_BYTES_MAX, &pem, error);

	if (!status)
		status = file_write(kept.at, pem, 0600, error);
	return status ? status : file_remove(path.at, error);
}

enum status credentials_load(struct arena *arena, struct str data, const struct str *names,
			     u32 names_len, i64 now_s, struct credentials *ret_credentials,
			     struct error *error)
{
	static const struct str masters[] = { STR_INIT("system:masters") };
	struct str dir = str_format(arena, STR_FMT "/pki", STR_ARG(data));
	struct leaf server = {
		"server",
		{ .common_name = STR("minke"), .names = names, .names_len = names_len },
		PKI_SERVER
	};
	struct leaf admin = { "admin",
			      { .common_name = STR("minke-admin"),
				.organizations = masters,
				.organizations_len = ARRAY_LEN(masters) },
			      PKI_CLIENT };
	/* In no group: it opens nothing but nodes. */
	struct leaf nodes = { "nodes", { .common_name = STR(NODE_SERVER_READER) }, PKI_CLIENT };
	struct credentials credentials = { 0 };
	enum status status;

	if ((status = file_mkdir_all(dir.at, 0700, error)) ||
	    (status = load_ca(arena, dir.at, now_s, &credentials.ca, error)) ||
	    (status = load_leaf(arena, dir.at, &credentials.ca, &server, now_s, &credentials.server,
				error)) ||
	    (status = load_leaf(arena, dir.at, &credentials.ca, &admin, now_s, &credentials.admin,
				error)) ||
	    (status = load_leaf(arena, dir.at, &credentials.ca, &nodes, now_s, &credentials.nodes,
				error)) ||
	    (status = load_token_keys(arena, dir.at, &credentials, error))) {
		credentials_release(&credentials);
		return status;
	}
	*ret_credentials = credentials;
	return ST_OK;
}

static void forget_keys(struct credentials *credentials)
{
	for (u32 i = 0; i < VERIFIED_MAX; i++) {
		free(credentials->verified[i].claims);
		credentials->verified[i] = (struct verified){ 0 };
	}
	for (u32 i = 0; i < credentials->token_keys_len; i++)
		jwt_key_free(credentials->token_keys[i]);
	credentials->token_keys_len = 0;
}

void credentials_release(struct credentials *credentials)
{
	forget_keys(credentials);
	*credentials = (struct credentials){ 0 };
}

void credentials_take_keys(struct credentials *credentials, struct credentials *fresh)
{
	forget_keys(credentials);
	memcpy(credentials->token_keys, fresh->token_keys, sizeof fresh->token_keys);
	credentials->token_keys_len = fresh->token_keys_len;
	fresh->token_keys_len = 0;
}

static enum status token_sign(void *self, struct arena *arena, const struct doc *claims,
			      struct str *ret_token, struct error *error)
{
	struct credentials *credentials = self;

	return jwt_sign(arena, credentials->token_keys[0], json_text(arena, claims), ret_token,
			error);
}

/* Clients show the same token with every request, and checking a signature costs more than all the
 * rest of a read: what was found good once is remembered by its digest. */
static struct verified *verified_slot(struct credentials *credentials, struct str token,
				      u8 ret_digest[32])
{
	sha256(token, ret_digest);
	return &credentials->verified[ret_digest[0] % VERIFIED_MAX];
}

static void remember(struct verified *slot, const u8 digest[32], struct str claims)
{
	char *text = claims.len <= CLAIMS_BYTES_MAX ? malloc(claims.len) : NULL;

	if (!text)
		return;
	free(slot->claims);
	memcpy(text, claims.at, claims.len);
	slot->claims = text;
	slot->claims_len = (u32)claims.len;
	memcpy(slot->digest, digest, sizeof slot->digest);
}

static enum status token_verify(void *self, struct arena *arena, struct str token,
				const struct doc **ret_claims, struct error *error)
{
	struct credentials *credentials = self;
	u8 digest[32];
	struct verified *slot = verified_slot(credentials, token, digest);
	struct str claims;

	if (slot->claims && !memcmp(slot->digest, digest, sizeof digest))
		return json_parse(arena, (struct str){ slot->claims, slot->claims_len }, ret_claims,
				  error);
	enum status status =
		jwt_verify(arena, (const struct jwt_key *const *)credentials->token_keys,
			   credentials->token_keys_len, token, &claims, error);

	if (status)
		return status;
	remember(slot, digest, claims);
	return json_parse(arena, claims, ret_claims, error);
}

static struct str token_public_keys(void *self, struct arena *arena)
{
	struct credentials *credentials = self;
	struct str keys[TOKEN_KEYS_MAX];

	for (u32 i = 0; i < credentials->token_keys_len; i++)
		keys[i] = jwt_key_jwk(arena, credentials->token_keys[i]);
	return str_format(arena, "[" STR_FMT "]",
			  STR_ARG(str_join(arena, keys, credentials->token_keys_len, STR(","))));
}

struct token_signer credentials_signer(struct credentials *credentials)
{
	return (struct token_signer){ token_sign, token_verify, token_public_keys, credentials };
}

static enum status certificate_order_sign(void *self, struct arena *arena,
					  const struct certificate_order *order,
					  struct str *ret_certificate, struct error *error)
{
	struct credentials *credentials = self;
	int uses = (order->server ? PKI_SERVER : 0) | (order->client ? PKI_CLIENT : 0) |
		   (order->encipherment ? 0 : PKI_SIGNS_ONLY);

	return pki_request_sign(arena, &credentials->ca, order->request, uses, order->seconds,
				order->now_s, ret_certificate, error);
}

struct certificate_signer credentials_certificates(struct credentials *credentials)
{
	return (struct certificate_signer){ certificate_order_sign, credentials };
}

enum status credentials_write_kubeconfig(const struct credentials *credentials, struct str url,
					 struct str path, struct error *error)
{
	struct arena *arena CLEANUP(arena_free_cleanup) = arena_new(0);
	struct kubeconfig config = {
		.context = STR("minke"),
		.server = url,
		.ca_certificate = credentials->ca.certificate,
		.certificate = credentials->admin.certificate,
		.key = credentials->admin.key,
	};

	return file_write(str_c(arena, path), kubeconfig_print(arena, &config), 0600, error);
}
