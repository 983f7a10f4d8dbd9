/* The grammar of distribution/reference by hand: it is small, and regexps of it are slow. */
#include "node/image_reference.h"

enum { TAG_BYTES_MAX = 128, PATH_BYTES_MAX = 255, DIGEST_HEX = 64 };

static bool lower_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool alnum(char c)
{
	return lower_or_digit(c) || (c >= 'A' && c <= 'Z');
}

/* [a-z0-9]+ parted by one of . or _, by __, or by any number of - */
static bool component_valid(struct str s)
{
	size_t i = 0;

	while (i < s.len) {
		size_t start = i;

		while (i < s.len && lower_or_digit(s.at[i]))
			i++;
		if (i == start)
			return false;
		if (i == s.len)
			return true;
		start = i;
		while (i < s.len && s.at[i] == '-')
			i++;
		if (i > start)
			continue;
		if (s.at[i] != '.' && s.at[i] != '_')
			return false;
		i += s.at[i] == '_' && i + 1 < s.len && s.at[i + 1] == '_' ? 2 : 1;
	}
	return false;
}

static bool path_valid(struct str path)
{
	while (path.at)
		if (!component_valid(str_cut(&path, '/')))
			return false;
	return true;
}

static bool port_valid(struct str port)
{
	i64 number;

	return port.len && port.at[0] != '+' && port.at[0] != '-' && str_to_i64(port, &number);
}

/* Host names, IPv4 addresses and IPv6 ones in brackets, each with an optional port. */
static bool domain_valid(struct str domain)
{
	if (domain.len && domain.at[0] == '[') {
		i64 end = str_find_char(domain, ']');

		if (end < 2)
			return false;
		for (i64 i = 1; i < end; i++)
			if (!alnum(domain.at[i]) && domain.at[i] != ':')
				return false;
		struct str rest = str_from(domain, (size_t)end + 1);

		return !rest.len || (rest.at[0] == ':' && port_valid(str_from(rest, 1)));
	}
	struct str host = str_cut(&domain, ':');

	if (domain.at && !port_valid(domain))
		return false;
	while (host.at) {
		struct str label = str_cut(&host, '.');

		if (!label.len || !alnum(label.at[0]) || !alnum(label.at[label.len - 1]))
			return false;
		for (size_t i = 0; i < label.len; i++)
			if (!alnum(label.at[i]) && label.at[i] != '-')
				return false;
	}
	return true;
}

static bool tag_valid(struct str tag)
{
	if (!tag.len || tag.len > TAG_BYTES_MAX || (!alnum(tag.at[0]) && tag.at[0] != '_'))
		return false;
	for (size_t i = 1; i < tag.len; i++)
		if (!alnum(tag.at[i]) && tag.at[i] != '_' && tag.at[i] != '.' && tag.at[i] != '-')
			return false;
	return true;
}

static bool hex_only(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!(s.at[i] >= '0' && s.at[i] <= '9') && !(s.at[i] >= 'a' && s.at[i] <= 'f'))
			return false;
	return true;
}

bool image_digest_valid(struct str digest)
{
	struct str hex = image_digest_hex(digest);

	return str_starts(digest, STR("sha256:")) && hex.len == DIGEST_HEX && hex_only(hex);
}

struct str image_digest_hex(struct str digest)
{
	return str_from(digest, sizeof "sha256:" - 1);
}

bool image_domain_is_loopback(struct str domain)
{
	if (str_starts(domain, STR("[::1]")))
		return true;
	struct str host = str_cut(&domain, ':');

	if (str_is(host, "localhost"))
		return true;
	if (!str_starts(host, STR("127.")))
		return false;
	for (size_t i = 0; i < host.len; i++) /* 127.evil.example is a name */
		if (host.at[i] != '.' && !(host.at[i] >= '0' && host.at[i] <= '9'))
			return false;
	return true;
}

/* What stands before the first slash is a domain when it cannot be a folder of docker.io. */
static bool names_domain(struct str first)
{
	bool upper = false;

	for (size_t i = 0; i < first.len; i++)
		upper |= first.at[i] >= 'A' && first.at[i] <= 'Z';
	return upper || str_find_char(first, '.') >= 0 || str_find_char(first, ':') >= 0 ||
	       str_is(first, "localhost");
}

static enum status invalid(struct error *error, struct str text, const char *why)
{
	return fail(error, ST_BAD_REQUEST, "couldn't parse image name \"" STR_FMT "\": %s",
		    STR_ARG(text), why);
}

static enum status split(struct arena *arena, struct str text, struct image_reference *r,
			 struct error *error)
{
	i64 at = str_find_char(text, '@');
	struct str rest = at < 0 ? text : str_part(text, 0, (size_t)at);
	i64 slash = str_find_char(rest, '/');
	struct str first = slash < 0 ? STR_NONE : str_part(rest, 0, (size_t)slash);
	bool has_domain = slash >= 0 && names_domain(first);

	r->digest = at < 0 ? STR_NONE : str_from(text, (size_t)at + 1);
	r->domain = has_domain ? first : STR("docker.io");
	r->path = has_domain ? str_from(rest, (size_t)slash + 1) : rest;
	i64 colon = str_find_last(r->path, ':');

	if (colon >= 0) {
		r->tag = str_from(r->path, (size_t)colon + 1);
		r->path = str_part(r->path, 0, (size_t)colon);
		if (!tag_valid(r->tag))
			return invalid(error, text, "invalid reference format");
	}
	if (str_is(r->domain, "index.docker.io"))
		r->domain = STR("docker.io");
	if (str_is(r->domain, "docker.io") && r->path.len && str_find_char(r->path, '/') < 0)
		r->path = str_format(arena, "library/" STR_FMT, STR_ARG(r->path));
	return ST_OK;
}

static enum status check(struct arena *arena, struct str text, const struct image_reference *r,
			 struct error *error)
{
	struct str lower = str_lower(arena, r->path);

	if (!domain_valid(r->domain))
		return invalid(error, text, "invalid reference format");
	if (!path_valid(r->path)) {
		if (!path_valid(lower))
			return invalid(error, text, "invalid reference format");
		return invalid(error, text,
			       str_format(arena,
					  "invalid reference format: repository name (" STR_FMT
					  ") must be lowercase",
					  STR_ARG(r->path))
				       .at);
	}
	if (r->path.len > PATH_BYTES_MAX)
		return invalid(error, text, "repository name must not be more than 255 characters");
	if (!r->digest.at)
		return ST_OK;
	if (str_starts(r->digest, STR("sha256:")) && image_digest_hex(r->digest).len != DIGEST_HEX)
		return invalid(error, text, "invalid checksum digest length");
	if (!image_digest_valid(r->digest))
		return invalid(error, text,
			       str_find_char(r->digest, ':') > 0 ? "unsupported digest algorithm"
								 : "invalid reference format");
	return ST_OK;
}

enum status image_reference_parse(struct arena *arena, struct str text,
				  struct image_reference *ret_reference, struct error *error)
{
	struct image_reference r = { 0 };
	enum status status;

	if (!text.len || text.len > 4 * PATH_BYTES_MAX)
		return invalid(error, str_part(text, 0, PATH_BYTES_MAX),
			       "invalid reference format");
	if (text.len == DIGEST_HEX && hex_only(text))
		return invalid(error, text,
			       str_format(arena,
					  "invalid repository name (" STR_FMT
					  "), cannot specify 64-byte hexadecimal strings",
					  STR_ARG(text))
				       .at);
	text = str_copy(arena, text);
	status = split(arena, text, &r, error);
	if (status == ST_OK)
		status = check(arena, text, &r, error);
	if (status != ST_OK)
		return status;
	if (!r.tag.len && !r.digest.len)
		r.tag = STR("latest");
	r.name = str_format(arena, STR_FMT "/" STR_FMT "%s" STR_FMT "%s" STR_FMT, STR_ARG(r.domain),
			    STR_ARG(r.path), r.tag.len ? ":" : "", STR_ARG(r.tag),
			    r.digest.len ? "@" : "", STR_ARG(r.digest));
	*ret_reference = r;
	return ST_OK;
}
