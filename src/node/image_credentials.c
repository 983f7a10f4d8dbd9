/* kubelet's pkg/credentialprovider/keyring.go in short. */
#include "node/image_credentials.h"

#include <stdlib.h>

struct match {
	struct image_login login;
	struct str key;
};

/* "https://index.docker.io/v1/" and "registry.example:5000/team" become host and path. */
static struct str plain_key(struct str key)
{
	if (str_starts(key, STR("https://")))
		key = str_from(key, 8);
	else if (str_starts(key, STR("http://")))
		key = str_from(key, 7);
	while (key.len && key.at[key.len - 1] == '/')
		key.len--;
	/* The registry's own API prefix, as `docker login` writes it for docker.io. */
	if (str_ends(key, STR("/v1")) || str_ends(key, STR("/v2")))
		key.len -= 3;
	return key;
}

static bool docker_hub(struct str host)
{
	return str_is(host, "index.docker.io") || str_is(host, "docker.io") ||
	       str_is(host, "registry-1.docker.io") || str_is(host, "registry.hub.docker.com");
}

/* One label of a host, where * stands for any run of characters. */
static bool label_fits(struct str pattern, struct str label)
{
	size_t p = 0, i = 0, star = SIZE_MAX, mark = 0;

	while (i < label.len) {
		if (p < pattern.len && pattern.at[p] == '*') {
			star = p++;
			mark = i;
		} else if (p < pattern.len && pattern.at[p] == label.at[i]) {
			p++;
			i++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			i = ++mark;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.at[p] == '*')
		p++;
	return p == pattern.len;
}

static bool host_fits(struct str pattern, struct str host)
{
	struct str host_rest = host, pattern_rest = pattern;
	struct str host_name = str_cut(&host_rest, ':'), pattern_name = str_cut(&pattern_rest, ':');

	if (docker_hub(pattern) && docker_hub(host))
		return true;
	if (pattern_rest.at && !str_eq(pattern_rest, host_rest))
		return false; /* ports differ */
	if (host_rest.at && !pattern_rest.at)
		return false;
	while (pattern_name.at && host_name.at)
		if (!label_fits(str_cut(&pattern_name, '.'), str_cut(&host_name, '.')))
			return false;
	return !pattern_name.at && !host_name.at;
}

static bool key_fits(struct str key, const struct image_reference *reference)
{
	struct str path = plain_key(key), host = str_cut(&path, '/');

	if (!host_fits(host, reference->domain))
		return false;
	if (!path.len)
		return true;
	return str_starts(reference->path, path) &&
	       (reference->path.len == path.len || reference->path.at[path.len] == '/');
}

static i32 base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

/* base64(user:password) */
static bool decode_auth(struct arena *arena, struct str auth, struct image_login *login)
{
	char *text = arena_alloc(arena, auth.len + 1);
	size_t len = 0;
	u32 bits = 0, count = 0;

	for (size_t i = 0; i < auth.len && auth.at[i] != '='; i++) {
		i32 value = base64_value(auth.at[i]);

		if (value < 0)
			return false;
		bits = bits << 6 | (u32)value;
		if (++count % 4 != 1)
			text[len++] = (char)(bits >> (6 - 2 * ((count + 3) % 4)));
	}
	struct str whole = { text, len };
	i64 colon = str_find_char(whole, ':');

	if (colon < 0)
		return false;
	login->user = str_part(whole, 0, (size_t)colon);
	login->password = str_from(whole, (size_t)colon + 1);
	while (login->password.len && !login->password.at[login->password.len - 1])
		login->password.len--; /* some tools pad with NUL */
	return true;
}

static int longest_first(const void *a, const void *b)
{
	const struct match *x = a, *y = b;

	return x->key.len > y->key.len ? -1 : x->key.len < y->key.len;
}

void image_logins_find(struct arena *arena, const struct doc *const *configs, u32 configs_len,
		       const struct image_reference *reference, struct image_logins *ret_logins)
{
	VEC(struct match) matches = { 0 };

	for (u32 i = 0; i < configs_len; i++) {
		const struct doc *auths = doc_key(configs[i], "auths");

		if (!auths)
			auths = configs[i]; /* .dockercfg */
		for (u32 j = 0; doc_is(auths, DOC_OBJECT) && j < auths->len; j++) {
			const struct doc *entry = doc_pair_value(auths, j);
			struct match match = { .key = doc_pair_key(auths, j) };

			if (!key_fits(match.key, reference))
				continue;
			match.login.user = doc_at_str(entry, "username");
			match.login.password = doc_at_str(entry, "password");
			match.login.identity_token = doc_at_str(entry, "identitytoken");
			if (!match.login.user.len)
				(void)decode_auth(arena, doc_at_str(entry, "auth"), &match.login);
			if (match.login.user.len || match.login.identity_token.len)
				VEC_PUSH(arena, &matches, match);
		}
	}
	if (matches.len)
		qsort(matches.at, matches.len, sizeof *matches.at, longest_first);
	ret_logins->len = MIN(matches.len, (u32)LOGINS_MAX);
	for (u32 i = 0; i < ret_logins->len; i++)
		ret_logins->at[i] = matches.at[i].login;
}
