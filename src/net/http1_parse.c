/* The strict reader of HTTP/1.1 heads and chunks. */
#include "net/http1_parse.h"

#include <strings.h>

enum {
	METHOD_BYTES_MAX = 32,
	CHUNK_DIGITS_MAX = 8,
	CHUNK_LINE_MAX = 256, /* a size with its extensions, which we read over */
	TRAILERS_BYTES_MAX = 8 << 10,
};

i64 http1_scan_head(struct http1_scan *scan, struct str bytes)
{
	while (scan->scanned < bytes.len) {
		const char *from = bytes.at + scan->scanned;
		const char *end = memchr(from, '\n', bytes.len - scan->scanned);

		if (!end) {
			scan->scanned = bytes.len;
			break;
		}
		size_t at = (size_t)(end - bytes.at), start = scan->line_start;

		if (at == start || bytes.at[at - 1] != '\r')
			return -400;
		scan->scanned = scan->line_start = at + 1;
		if (at - start == 1 && scan->lines > 0)
			return (i64)at + 1;
		if (at - start == 1)
			return -400; /* nothing may stand before the first line */
		if (scan->lines == 0 && at - start > URL_BYTES_MAX)
			return -414;
		scan->lines++;
		if (at > URL_BYTES_MAX + HEADERS_BYTES_MAX || scan->lines > HEADERS_MAX + 1)
			return -431;
	}
	if (scan->lines == 0 && bytes.len > URL_BYTES_MAX)
		return -414;
	return bytes.len > URL_BYTES_MAX + HEADERS_BYTES_MAX ? -431 : 0;
}

/* Letters, digits and the punctuation a token may have (RFC 9110, 5.6.2). */
static bool is_token_char(unsigned char c)
{
	static const u8 allowed[128] = {
		['!'] = 1,	   ['#'] = 1,	      ['$'] = 1,	 ['%'] = 1, ['&'] = 1,
		['\''] = 1,	   ['*'] = 1,	      ['+'] = 1,	 ['-'] = 1, ['.'] = 1,
		['^'] = 1,	   ['_'] = 1,	      ['`'] = 1,	 ['|'] = 1, ['~'] = 1,
		['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1,
	};

	return c < 128 && allowed[c];
}

static bool is_token(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!is_token_char((unsigned char)s.at[i]))
			return false;
	return s.len > 0;
}

static bool is_field_value(struct str s)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.at[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static bool is_visible(struct str s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.at[i] <= 0x20 || s.at[i] >= 0x7f || s.at[i] == '#')
			return false;
	return s.len > 0;
}

static bool equals_nocase(struct str s, const char *text)
{
	return s.len == strlen(text) && !strncasecmp(s.at, text, s.len);
}

bool http1_has_token(struct str value, const char *token)
{
	while (value.at)
		if (equals_nocase(str_trim(str_cut(&value, ',')), token))
			return true;
	return false;
}

/* Blanks and tabs only: anything else at the ends must show as what it is. */
static struct str trim_blanks(struct str s)
{
	while (s.len && (s.at[0] == ' ' || s.at[0] == '\t'))
		s = str_from(s, 1);
	while (s.len && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
		s.len--;
	return s;
}

/* A line without its CRLF; scanning has made sure that each has one. */
static struct str next_line(struct str *rest)
{
	struct str line = str_cut(rest, '\n');

	return str_part(line, 0, line.len - 1);
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int parse_version(struct str version, struct http1_head *head, const char **ret_why)
{
	*ret_why = "the HTTP version is not supported";
	if (str_is(version, "HTTP/1.1"))
		return 0;
	if (str_is(version, "HTTP/1.0")) {
		head->http10 = true;
		return 0;
	}
	bool formed = version.len == 8 && str_starts(version, STR("HTTP/")) &&
		      hex_value(version.at[5]) >= 0 && version.at[6] == '.';

	return formed ? 505 : 400;
}

static int parse_request_line(struct str line, struct http1_head *head, const char **ret_why)
{
	struct str rest = line, target;

	head->method = str_cut(&rest, ' ');
	*ret_why = "the request line is malformed";
	if (!rest.at || !is_token(head->method) || head->method.len > METHOD_BYTES_MAX)
		return 400;
	target = str_cut(&rest, ' ');
	if (!rest.at || !is_visible(target))
		return 400;
	/* Proxies send the whole URL; what counts is its path. */
	if (str_starts(target, STR("http://")) || str_starts(target, STR("https://"))) {
		struct str after = str_from(target, (size_t)str_find(target, STR("://")) + 3);
		i64 slash = str_find_char(after, '/');

		target = slash < 0 ? STR("/") : str_from(after, (size_t)slash);
	}
	if (target.at[0] != '/' && !(str_is(target, "*") && str_is(head->method, "OPTIONS")))
		return 400;
	head->target = head->query = target;
	head->path = str_cut(&head->query, '?');
	return parse_version(rest, head, ret_why);
}

static int parse_content_length(struct str value, struct http1_head *head, const char **ret_why)
{
	i64 length;

	*ret_why = "Content-Length is malformed or given twice";
	/* Digits alone: no sign, no list, and once. */
	if (head->content_length >= 0 || value.len == 0 || value.at[0] == '+' ||
	    value.at[0] == '-' || !str_to_i64(value, &length))
		return 400;
	head->content_length = length;
	return 0;
}

/* What the framing headers say; the others are the handler's business. */
static int apply_header(const struct http_header *header, struct http1_head *head, u32 *hosts,
			const char **ret_why)
{
	struct str name = header->name, value = header->value;

	switch (name.len) {
	case 4:
		*hosts += equals_nocase(name, "host");
		break;
	case 6:
		if (!equals_nocase(name, "expect"))
			break;
		*ret_why = "the only expectation known is 100-continue";
		if (!equals_nocase(value, "100-continue"))
			return 417;
		head->expect_continue = true;
		break;
	case 10:
		if (!equals_nocase(name, "connection"))
			break;
		if (http1_has_token(value, "close"))
			head->keep_alive = false;
		else if (head->http10 && http1_has_token(value, "keep-alive"))
			head->keep_alive = true;
		head->upgrade |= http1_has_token(value, "upgrade");
		break;
	case 14:
		if (equals_nocase(name, "content-length"))
			return parse_content_length(value, head, ret_why);
		break;
	case 17:
		if (!equals_nocase(name, "transfer-encoding"))
			break;
		*ret_why = "the only transfer encoding known is chunked, once";
		if (head->chunked || head->http10)
			return 400;
		if (!equals_nocase(value, "chunked"))
			return 501;
		head->chunked = true;
		break;
	}
	return 0;
}

static int parse_headers(struct arena *arena, struct str rest, struct http1_head *head, u32 *hosts,
			 const char **ret_why)
{
	VEC(struct http_header) headers = { 0 };

	for (struct str line; (line = next_line(&rest)).len > 0;) {
		struct http_header header = { .value = line };
		int bad;

		header.name = str_cut(&header.value, ':');
		*ret_why = "a header line is malformed";
		/* A folded line starts with a blank, which no token does. */
		if (!header.value.at || !is_token(header.name))
			return 400;
		header.value = trim_blanks(header.value);
		if (!is_field_value(header.value))
			return 400;
		*ret_why = "too many headers";
		if (headers.len == HEADERS_MAX)
			return 431;
		VEC_PUSH(arena, &headers, header);
		bad = apply_header(&header, head, hosts, ret_why);
		if (bad)
			return bad;
	}
	head->headers = headers.at;
	head->headers_len = headers.len;
	*ret_why = "Content-Length and Transfer-Encoding exclude each other";
	return head->chunked && head->content_length >= 0 ? 400 : 0;
}

int http1_parse_request(struct arena *arena, struct str text, struct http1_head *ret_head,
			const char **ret_why)
{
	struct http1_head head = { .content_length = -1 };
	struct str rest = text;
	u32 hosts = 0;
	int bad = parse_request_line(next_line(&rest), &head, ret_why);

	head.keep_alive = !head.http10;
	if (!bad)
		bad = parse_headers(arena, rest, &head, &hosts, ret_why);
	if (!bad && (hosts > 1 || (hosts == 0 && !head.http10))) {
		*ret_why = "exactly one Host header is needed";
		bad = 400;
	}
	if (!bad)
		*ret_head = head;
	return bad;
}

int http1_parse_answer(struct arena *arena, struct str text, struct http1_head *ret_head,
		       const char **ret_why)
{
	struct http1_head head = { .content_length = -1 };
	struct str rest = text, line = next_line(&rest), version;
	i64 code;
	u32 hosts = 0;

	version = str_cut(&line, ' ');
	int bad = parse_version(version, &head, ret_why);

	head.keep_alive = !head.http10;
	*ret_why = "the status line is malformed";
	if (bad || !str_to_i64(str_part(line, 0, 3), &code) || code < 100 || code > 999 ||
	    (line.len > 3 && line.at[3] != ' '))
		return 400;
	head.code = (int)code;
	bad = parse_headers(arena, rest, &head, &hosts, ret_why);
	if (!bad)
		*ret_head = head;
	return bad;
}

/* ---- chunks */

enum {
	CHUNK_SIZE,
	CHUNK_EXTENSION,
	CHUNK_SIZE_LF,
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	CHUNK_TRAILER,
	CHUNK_TRAILER_LINE,
	CHUNK_TRAILER_LF,
	CHUNK_LAST_LF,
	CHUNK_OVER,
};

static bool size_step(struct http1_chunks *chunks, char c)
{
	int digit = hex_value(c);

	if (digit >= 0) {
		chunks->left = chunks->left << 4 | (u64)digit;
		return ++chunks->digits <= CHUNK_DIGITS_MAX;
	}
	chunks->state = c == '\r' ? CHUNK_SIZE_LF : CHUNK_EXTENSION;
	return chunks->digits > 0 && (c == '\r' || c == ';');
}

/* One byte outside of data; false when it may not stand there. */
static bool chunk_step(struct http1_chunks *chunks, char c)
{
	bool plain = (unsigned char)c >= 0x20 || c == '\t';

	switch (chunks->state) {
	case CHUNK_SIZE:
		return size_step(chunks, c) && ++chunks->line_len <= CHUNK_LINE_MAX;
	case CHUNK_EXTENSION:
		if (c == '\r')
			chunks->state = CHUNK_SIZE_LF;
		return (plain || c == '\r') && ++chunks->line_len <= CHUNK_LINE_MAX;
	case CHUNK_SIZE_LF:
		chunks->state = chunks->left ? CHUNK_DATA : CHUNK_TRAILER;
		chunks->line_len = 0;
		chunks->digits = 0;
		return c == '\n';
	case CHUNK_DATA_CR:
		chunks->state = CHUNK_DATA_LF;
		return c == '\r';
	case CHUNK_DATA_LF:
		chunks->state = CHUNK_SIZE;
		return c == '\n';
	case CHUNK_TRAILER: /* at the start of a line: nothing more, or a trailer we read over */
		chunks->state = c == '\r' ? CHUNK_LAST_LF : CHUNK_TRAILER_LINE;
		return c == '\r' || is_token_char((unsigned char)c);
	case CHUNK_TRAILER_LINE:
		if (c == '\r')
			chunks->state = CHUNK_TRAILER_LF;
		return (plain || c == '\r') && ++chunks->line_len <= TRAILERS_BYTES_MAX;
	case CHUNK_TRAILER_LF:
		chunks->state = CHUNK_TRAILER;
		return c == '\n';
	case CHUNK_LAST_LF:
		chunks->state = CHUNK_OVER;
		return c == '\n';
	}
	return false;
}

enum http1_chunk_step http1_chunks_next(struct http1_chunks *chunks, struct str *bytes,
					struct str *ret_data)
{
	while (bytes->len > 0) {
		if (chunks->state == CHUNK_DATA) {
			size_t len = (size_t)MIN((u64)bytes->len, chunks->left);

			*ret_data = str_part(*bytes, 0, len);
			*bytes = str_from(*bytes, len);
			chunks->left -= len;
			if (chunks->left == 0)
				chunks->state = CHUNK_DATA_CR;
			return HTTP1_CHUNK_BYTES;
		}
		if (!chunk_step(chunks, bytes->at[0]))
			return HTTP1_CHUNK_BAD;
		*bytes = str_from(*bytes, 1);
		if (chunks->state == CHUNK_OVER)
			return HTTP1_CHUNK_END;
	}
	return HTTP1_CHUNK_MORE;
}

const char *http_reason_phrase(int code)
{
	static const struct {
		int code;
		const char *phrase;
	} phrases[] = {
		{ 100, "Continue" },
		{ 101, "Switching Protocols" },
		{ 200, "OK" },
		{ 201, "Created" },
		{ 202, "Accepted" },
		{ 204, "No Content" },
		{ 301, "Moved Permanently" },
		{ 302, "Found" },
		{ 303, "See Other" },
		{ 304, "Not Modified" },
		{ 307, "Temporary Redirect" },
		{ 400, "Bad Request" },
		{ 401, "Unauthorized" },
		{ 403, "Forbidden" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 406, "Not Acceptable" },
		{ 408, "Request Timeout" },
		{ 409, "Conflict" },
		{ 410, "Gone" },
		{ 412, "Precondition Failed" },
		{ 413, "Request Entity Too Large" },
		{ 414, "URI Too Long" },
		{ 415, "Unsupported Media Type" },
		{ 417, "Expectation Failed" },
		{ 422, "Unprocessable Entity" },
		{ 426, "Upgrade Required" },
		{ 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" },
		{ 500, "Internal Server Error" },
		{ 501, "Not Implemented" },
		{ 502, "Bad Gateway" },
		{ 503, "Service Unavailable" },
		{ 504, "Gateway Timeout" },
		{ 505, "HTTP Version Not Supported" },
		{ 507, "Insufficient Storage" },
	};

	for (size_t i = 0; i < ARRAY_LEN(phrases); i++)
		if (phrases[i].code == code)
			return phrases[i].phrase;
	return "";
}
