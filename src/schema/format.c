/* Hand-written matchers in place of upstream's regular expressions, which its sentences still name.
 */
#include "schema/format.h"

#include <arpa/inet.h>

#include "base/limits.h"

#define EXAMPLES_LABEL "(e.g. 'my-name',  or '123-abc', regex used for validation is "
#define LABEL_REGEX "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
#define NAME_REGEX "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
#define SUBDOMAIN_SENTENCE                                                                         \
	"a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' "  \
	"or '.', and must start and end with an alphanumeric character (e.g. 'example.com', "      \
	"regex used for validation is '" LABEL_REGEX "(\\." LABEL_REGEX ")*')"
#define NAME_SENTENCE                                                                              \
	"must consist of alphanumeric characters, '-', '_' or '.', and must start and end with "   \
	"an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for "  \
	"validation is '" NAME_REGEX "')"

static void add(struct format_faults *faults, struct str sentence)
{
	if (faults->len < FORMAT_FAULTS_MAX)
		faults->at[faults->len++] = sentence;
}

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	return is_lower(c) || is_digit(c) || (c >= 'A' && c <= 'Z');
}

/* Every byte alphanumeric or one of `others`; first and last alphanumeric; not empty. */
static bool is_word(struct str s, const char *others, bool upper)
{
	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.at[i];
		bool plain = is_alnum(c) && (upper || !(c >= 'A' && c <= 'Z'));
		bool edge = i == 0 || i == s.len - 1;

		if (!plain && (edge || c == 0 || !strchr(others, c)))
			return false;
	}
	return true;
}

static bool is_label(struct str s)
{
	return is_word(s, "-", false);
}

static bool is_subdomain(struct str s)
{
	if (s.len == 0)
		return false;
	for (struct str rest = s; rest.at;)
		if (!is_label(str_cut(&rest, '.')))
			return false;
	return true;
}

static void check_label(struct str s, struct format_faults *faults)
{
	if (s.len > LABEL_BYTES_MAX)
		add(faults, STR("must be no more than 63 bytes"));
	if (is_label(s))
		return;
	if (is_subdomain(s))
		add(faults, STR("must not contain dots"));
	else
		add(faults, STR("a lowercase RFC 1123 label must consist of lower case "
				"alphanumeric characters or '-', and must start and end with an "
				"alphanumeric character " EXAMPLES_LABEL "'" LABEL_REGEX "')"));
}

static void check_1035_label(struct str s, struct format_faults *faults)
{
	if (s.len > LABEL_BYTES_MAX)
		add(faults, STR("must be no more than 63 bytes"));
	if (!is_label(s) || !is_lower(s.at[0]))
		add(faults, STR("a DNS-1035 label must consist of lower case alphanumeric "
				"characters or '-', start with an alphabetic character, and end "
				"with an alphanumeric character (e.g. 'my-name',  or 'abc-123', "
				"regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"));
}

static void check_subdomain(struct str s, struct format_faults *faults)
{
	if (s.len > NAME_BYTES_MAX)
		add(faults, STR("must be no more than 253 bytes"));
	if (!is_subdomain(s))
		add(faults, STR(SUBDOMAIN_SENTENCE));
}

static void check_qualified_name(struct str s, struct format_faults *faults)
{
	i64 slash = str_find_char(s, '/');
	struct str name = str_from(s, (size_t)(slash + 1));

	if (slash >= 0 && str_find_char(name, '/') >= 0) {
		add(faults, STR("a qualified name " NAME_SENTENCE " with an optional DNS "
				"subdomain prefix and '/' (e.g. 'example.com/MyName')"));
		return;
	}
	if (slash == 0)
		add(faults, STR("prefix part must be non-empty"));
	if (slash > NAME_BYTES_MAX)
		add(faults, STR("prefix part must be no more than 253 bytes"));
	if (slash > 0 && !is_subdomain(str_part(s, 0, (size_t)slash)))
		add(faults, STR("prefix part " SUBDOMAIN_SENTENCE));
	if (name.len == 0)
		add(faults, STR("name part must be non-empty"));
	else if (name.len > LABEL_BYTES_MAX)
		add(faults, STR("name part must be no more than 63 bytes"));
	if (!is_word(name, "-_.", true))
		add(faults, STR("name part " NAME_SENTENCE));
}

static void check_label_value(struct str s, struct format_faults *faults)
{
	if (s.len > LABEL_BYTES_MAX)
		add(faults, STR("must be no more than 63 bytes"));
	if (s.len && !is_word(s, "-_.", true))
		add(faults, STR("a valid label must be an empty string or consist of alphanumeric "
				"characters, '-', '_' or '.', and must start and end with an "
				"alphanumeric character (e.g. 'MyValue',  or 'my_value',  or "
				"'12345', regex used for validation is '(" NAME_REGEX ")?')"));
}

static void check_port_name(struct str s, struct format_faults *faults)
{
	bool letter = false, only = true;

	for (size_t i = 0; i < s.len; i++) {
		letter |= is_lower(s.at[i]);
		only &= is_lower(s.at[i]) || is_digit(s.at[i]) || s.at[i] == '-';
	}
	if (s.len > 15)
		add(faults, STR("must be no more than 15 characters"));
	if (!only || s.len == 0)
		add(faults, STR("must contain only alpha-numeric characters (a-z, 0-9), and "
				"hyphens (-)"));
	if (!letter)
		add(faults, STR("must contain at least one letter (a-z)"));
	if (str_find(s, STR("--")) >= 0)
		add(faults, STR("must not contain consecutive hyphens"));
	if (s.len && (s.at[0] == '-' || s.at[s.len - 1] == '-'))
		add(faults, STR("must not begin or end with a hyphen"));
}

static bool is_address(struct str s, bool *ret_v4)
{
	char text[INET6_ADDRSTRLEN + 1];
	u8 bytes[16];

	if (s.len == 0 || s.len >= sizeof text)
		return false;
	memcpy(text, s.at, s.len);
	text[s.len] = 0;
	*ret_v4 = inet_pton(AF_INET, text, bytes) == 1;
	return *ret_v4 || inet_pton(AF_INET6, text, bytes) == 1;
}

static bool is_cidr(struct str s)
{
	i64 slash = str_find_char(s, '/'), bits;
	bool v4;

	return slash > 0 && is_address(str_part(s, 0, (size_t)slash), &v4) &&
	       str_to_i64(str_from(s, (size_t)slash + 1), &bits) && bits >= 0 &&
	       bits <= (v4 ? 32 : 128);
}

static bool has_dots(struct str path)
{
	for (struct str rest = path; rest.at;)
		if (str_is(str_cut(&rest, '/'), ".."))
			return true;
	return false;
}

static void check_env_name(struct str s, struct format_faults *faults)
{
	if (s.len == 0)
		add(faults, STR("environment variable name must be non-empty"));
	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] >= ' ' && s.at[i] <= '~' && s.at[i] != '=')
			continue;
		add(faults, STR("a valid environment variable name must consist only of printable "
				"ASCII characters other than '='"));
		return;
	}
}

static bool all_of(struct str s, const char *others)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_alnum(s.at[i]) && (s.at[i] == 0 || !strchr(others, s.at[i])))
			return false;
	return s.len > 0;
}

static void check_config_key(struct str s, struct format_faults *faults)
{
	if (s.len > NAME_BYTES_MAX)
		add(faults, STR("must be no more than 253 bytes"));
	if (!all_of(s, "-._"))
		add(faults, STR("a valid config key must consist of alphanumeric characters, '-', "
				"'_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', "
				"regex used for validation is '[-._a-zA-Z0-9]+')"));
	if (str_is(s, "."))
		add(faults, STR("must not be '.'"));
	else if (str_is(s, ".."))
		add(faults, STR("must not be '..'"));
	else if (str_starts(s, STR("..")))
		add(faults, STR("must not start with '..'"));
}

static void check_path_segment(struct str s, struct format_faults *faults)
{
	if (str_is(s, "."))
		add(faults, STR("may not be '.'"));
	if (str_is(s, ".."))
		add(faults, STR("may not be '..'"));
	if (str_find_char(s, '/') >= 0)
		add(faults, STR("may not contain '/'"));
	if (str_find_char(s, '%') >= 0)
		add(faults, STR("may not contain '%'"));
}

static void check_percent(struct str s, struct format_faults *faults)
{
	bool digits = s.len > 1 && s.at[s.len - 1] == '%';

	for (size_t i = 0; i + 1 < s.len; i++)
		digits &= is_digit(s.at[i]);
	if (!digits)
		add(faults, STR("a valid percent string must be a numeric string followed by an "
				"ending '%' (e.g. '1%',  or '93%', regex used for validation is "
				"'[0-9]+%')"));
}

static void check_path(enum api_format format, struct str s, struct format_faults *faults)
{
	bool absolute = s.len && s.at[0] == '/';

	if (format == API_FORMAT_ABSOLUTE_PATH && !absolute)
		add(faults, STR("must be an absolute path"));
	if (format == API_FORMAT_RELATIVE_PATH && absolute)
		add(faults, STR("must be a relative path"));
	if (format != API_FORMAT_ABSOLUTE_PATH && has_dots(s))
		add(faults, STR("must not contain '..'"));
}

void format_check(enum api_format format, struct str s, struct format_faults *faults)
{
	bool v4;

	switch (format) {
	case API_FORMAT_DNS_LABEL:
		return check_label(s, faults);
	case API_FORMAT_DNS_1035_LABEL:
		return check_1035_label(s, faults);
	case API_FORMAT_DNS_SUBDOMAIN:
		return check_subdomain(s, faults);
	case API_FORMAT_PATH_SEGMENT:
		return check_path_segment(s, faults);
	case API_FORMAT_QUALIFIED_NAME:
	case API_FORMAT_LABEL_KEY:
		return check_qualified_name(s, faults);
	case API_FORMAT_LABEL_VALUE:
	case API_FORMAT_LABELS:
		return check_label_value(s, faults);
	case API_FORMAT_PORT_NAME:
	case API_FORMAT_PORT_OR_NAME:
		return check_port_name(s, faults);
	case API_FORMAT_PATH:
	case API_FORMAT_ABSOLUTE_PATH:
	case API_FORMAT_RELATIVE_PATH:
		return check_path(format, s, faults);
	case API_FORMAT_ENV_NAME:
		return check_env_name(s, faults);
	case API_FORMAT_CONFIG_KEY:
		return check_config_key(s, faults);
	case API_FORMAT_PERCENT_OR_COUNT:
		return check_percent(s, faults);
	case API_FORMAT_IP:
		if (!is_address(s, &v4))
			add(faults, STR("must be a valid IP address, (e.g. 10.9.8.7 or "
					"2001:db8::ffff)"));
		return;
	case API_FORMAT_CIDR:
		if (!is_cidr(s))
			add(faults, STR("must be a valid CIDR value, (e.g. 10.9.8.0/24 or "
					"2001:db8::/64)"));
		return;
	case API_FORMAT_HTTP_HEADER:
		if (!all_of(s, "-"))
			add(faults, STR("a valid HTTP header must consist of alphanumeric "
					"characters or '-' (e.g. 'X-Header-Name', regex used for "
					"validation is '[-A-Za-z0-9]+')"));
		return;
	default:
		return;
	}
}

void format_check_int(enum api_format format, i64 value, struct format_faults *faults)
{
	switch (format) {
	case API_FORMAT_PORT:
	case API_FORMAT_PORT_OR_NAME:
		if (value < 1 || value > 65535)
			add(faults, STR("must be between 1 and 65535, inclusive"));
		return;
	case API_FORMAT_NON_NEGATIVE:
	case API_FORMAT_PERCENT_OR_COUNT:
		if (value < 0)
			add(faults, STR("must be greater than or equal to 0"));
		return;
	case API_FORMAT_POSITIVE:
		if (value <= 0)
			add(faults, STR("must be greater than 0"));
		return;
	default:
		return;
	}
}

bool format_is(enum api_format format, struct str value)
{
	struct format_faults faults = { .len = 0 };

	format_check(format, value, &faults);
	return faults.len == 0;
}
