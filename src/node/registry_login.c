/*
 * Challenges (RFC 7235, and distribution's token specification): Basic takes user and password;
 * Bearer names a token server that gives, to whoever it knows, a token for this one repository.
 */
#include <stdio.h>
#include <string.h>

#include "doc/json.h"
#include "node/registry_inside.h"

static struct str encode_base64(struct arena *arena, struct str s)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *text = arena_alloc(arena, s.len / 3 * 4 + 5), *to = text;

	for (size_t i = 0; i < s.len; i += 3) {
		size_t left = s.len - i;
		u32 bits = (u32)(u8)s.at[i] << 16;

		if (left > 1)
			bits |= (u32)(u8)s.at[i + 1] << 8;
		if (left > 2)
			bits |= (u8)s.at[i + 2];
		*to++ = letters[bits >> 18];
		*to++ = letters[bits >> 12 & 63];
		*to++ = left > 1 ? letters[bits >> 6 & 63] : '=';
		*to++ = left > 2 ? letters[bits & 63] : '=';
	}
	*to = 0;
	return (struct str){ text, (size_t)(to - text) };
}

static struct str basic(struct arena *arena, const struct image_login *login)
{
	struct str pair = str_format(arena, STR_FMT ":" STR_FMT, STR_ARG(login->user),
				     STR_ARG(login->password));

	return str_format(arena, "Basic " STR_FMT, STR_ARG(encode_base64(arena, pair)));
}

/* The value of name="…" or name=… in a challenge; empty when it is not there. */
static struct str parameter(struct str challenge, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i + len + 1 < challenge.len; i++) {
		bool start = i == 0 || challenge.at[i - 1] == ' ' || challenge.at[i - 1] == ',';

		if (!start || strncasecmp(challenge.at + i, name, len) ||
		    challenge.at[i + len] != '=')
			continue;
		struct str value = str_from(challenge, i + len + 1);
		bool quoted = value.len && value.at[0] == '"';

		if (quoted)
			value = str_from(value, 1);
		i64 end = str_find_char(value, quoted ? '"' : ',');

		return end < 0 ? value : str_part(value, 0, (size_t)end);
	}
	return STR_NONE;
}

static struct str escaped(struct registry *r, struct str s)
{
	char *text = r->lib->curl_easy_escape(r->easy, s.at ? s.at : "", (int)s.len);
	struct str copy = str_copy(r->arena, str_of(text));

	r->lib->curl_free(text);
	return copy;
}

/* Passwords go to token servers over TLS only, or to one on this machine. */
static bool realm_is_safe(const struct endpoint *endpoint, struct str realm)
{
	if (str_starts(realm, STR("https://")))
		return true;
	if (!str_starts(realm, STR("http://")) || !endpoint->plain)
		return false;
	struct str host = str_from(realm, 7);

	return image_domain_is_loopback(str_cut(&host, '/'));
}

static enum status read_token(struct registry *r, const struct endpoint *endpoint, struct str realm,
			      struct str body, struct str *ret_token, struct error *error)
{
	const struct doc *d;
	struct str token = STR_NONE;

	if (json_parse(r->arena, body, &d, NULL) == ST_OK) {
		token = doc_at_str(d, "token");
		if (!token.len)
			token = doc_at_str(d, "access_token");
	}
	for (size_t i = 0; i < token.len; i++)
		if ((u8)token.at[i] <= ' ' || (u8)token.at[i] > '~')
			token.len = 0; /* it would become a header of its own choosing */
	if (!token.len)
		return fail(error, ST_UNAUTHORIZED,
			    STR_FMT ": the token server " STR_FMT " gave no token",
			    STR_ARG(endpoint->url), STR_ARG(realm));
	*ret_token = token;
	return ST_OK;
}

static enum status bearer(struct registry *r, struct endpoint *endpoint, struct str challenge,
			  const struct image_login *login, struct error *error)
{
	struct str realm = parameter(challenge, "realm"), service = parameter(challenge, "service");
	struct str scope = parameter(challenge, "scope"), token = STR_NONE;
	struct http_answer answer;
	enum status status;

	if (!scope.len)
		scope = str_format(r->arena, "repository:" STR_FMT ":pull",
				   STR_ARG(r->reference->path));
	if (!str_starts(realm, STR("https://")) && !str_starts(realm, STR("http://")))
		return fail(error, ST_UNAUTHORIZED, STR_FMT ": the registry names no token server",
			    STR_ARG(endpoint->url));
	if (login && !realm_is_safe(endpoint, realm))
		return fail(error, ST_UNAUTHORIZED,
			    STR_FMT ": the token server " STR_FMT " would get a password in plain",
			    STR_ARG(endpoint->url), STR_ARG(realm));
	struct str url = str_format(r->arena, STR_FMT "%cservice=" STR_FMT "&scope=" STR_FMT,
				    STR_ARG(realm), str_find_char(realm, '?') < 0 ? '?' : '&',
				    STR_ARG(escaped(r, service)), STR_ARG(escaped(r, scope)));
	struct endpoint anywhere = { .plain = str_starts(realm, STR("http://")) };

	status = registry_get(r, &anywhere, url, NULL, login ? basic(r->arena, login) : STR_NONE,
			      REGISTRY_TOKEN_BYTES_MAX, &answer, error);
	if (status != ST_OK)
		return status;
	if (answer.code != 200) {
		anywhere.url = realm;
		status = registry_refusal(r, &anywhere, answer.code, buffer_str(&answer.body),
					  error);
	} else {
		status = read_token(r, endpoint, realm, buffer_str(&answer.body), &token, error);
		if (status == ST_OK)
			endpoint->authorization =
				str_format(r->arena, "Bearer " STR_FMT, STR_ARG(token));
	}
	buffer_release(&answer.body);
	return status;
}

enum status registry_log_in(struct registry *r, struct endpoint *endpoint, struct str challenge,
			    u32 n, struct error *error)
{
	const struct image_login *login = n < r->logins->len ? &r->logins->at[n] : NULL;

	if (error)
		error_clear(error);
	if (!strncasecmp(challenge.at, "bearer ", MIN(challenge.len, 7ul)))
		return bearer(r, endpoint, challenge, login, error);
	if (strncasecmp(challenge.at, "basic", MIN(challenge.len, 5ul)))
		return fail(error, ST_UNAUTHORIZED,
			    STR_FMT ": the registry wants a kind of login nobody knows: " STR_FMT,
			    STR_ARG(endpoint->url), STR_ARG(str_part(challenge, 0, 60)));
	if (!login)
		return fail(error, ST_UNAUTHORIZED, STR_FMT ": no basic auth credentials%s",
			    STR_ARG(endpoint->url),
			    r->logins->len ? " that the registry accepts" : "");
	/* A plain mirror was named by the machine's owner, who knows who may listen. */
	endpoint->authorization = basic(r->arena, login);
	return ST_OK;
}
