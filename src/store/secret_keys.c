/* The keys of the Secrets, their file, and the form of a sealed row: "sealed:KEY:BASE64". */
#include "store/secret_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/check.h"
#include "sys/file.h"
#include "sys/random.h"
#include "sys/seal.h"

enum { KEYS_MAX = 8, KEY_FILE_MAX = 4096, KEY_NAME_BYTES = 8 };

struct secret_key {
	char name[KEY_NAME_BYTES + 1];
	u8 key[SEAL_KEY_BYTES];
};

struct secret_keys {
	char *path;
	struct secret_key at[KEYS_MAX];
	u32 len;
};

static const struct str mark = STR_INIT("sealed:"), word = STR_INIT("minke-key-1");

bool secret_kind(struct str kind)
{
	return str_is(kind, "secrets");
}

bool secret_is_sealed(struct str json)
{
	return str_starts(json, mark);
}

/* ---- the file */

static bool read_key(struct arena *arena, struct str line, struct secret_key *ret_key)
{
	struct str first = str_cut(&line, ' '), name = str_cut(&line, ' '), bytes;

	if (!str_eq(first, word) || name.len != KEY_NAME_BYTES ||
	    !base64_decode(arena, str_trim(line), &bytes) || bytes.len != SEAL_KEY_BYTES)
		return false;
	memcpy(ret_key->name, name.at, KEY_NAME_BYTES);
	memcpy(ret_key->key, bytes.at, SEAL_KEY_BYTES);
	return true;
}

static enum status read_keys(struct secret_keys *keys, struct str text, struct error *error)
{
	CLEANUP(arena_free_cleanup) struct arena *arena = arena_new(0);
	bool well = true;

	while (text.at && well) {
		struct str line = str_trim(str_cut(&text, '\n'));

		if (!line.len)
			continue;
		well = keys->len < KEYS_MAX && read_key(arena, line, &keys->at[keys->len]);
		keys->len += well;
	}
	if (!well || !keys->len)
		return fail(error, ST_INVALID,
			    "%s is damaged: put a backup in its place, for without it the Secrets "
			    "cannot be read",
			    keys->path);
	return ST_OK;
}

static enum status write_keys(const struct secret_keys *keys, struct error *error)
{
	CLEANUP(arena_free_cleanup) struct arena *arena = arena_new(0);
	struct str text = { "", 0 };

	for (u32 i = 0; i < keys->len; i++) {
		struct str bytes = { (const char *)keys->at[i].key, SEAL_KEY_BYTES };

		text = str_format(arena, STR_FMT STR_FMT " %s " STR_FMT "\n", STR_ARG(text),
				  STR_ARG(word), keys->at[i].name,
				  STR_ARG(base64_encode(arena, bytes)));
	}
	return file_write(keys->path, text, 0600, error);
}

static void add_key(struct secret_keys *keys)
{
	struct secret_key *key = &keys->at[0];
	u32 name;

	memmove(keys->at + 1, keys->at, keys->len * sizeof *keys->at);
	keys->len++;
	random_bytes(&name, sizeof name);
	random_bytes(key->key, sizeof key->key);
	snprintf(key->name, sizeof key->name, "%08x", name);
}

enum status secret_keys_open(const char *directory, bool may_make, struct secret_keys **ret_keys,
			     struct error *error)
{
	CLEANUP(arena_free_cleanup) struct arena *arena = arena_new(0);
	struct secret_keys *keys = calloc(1, sizeof *keys);
	struct error why = ERROR_INIT;
	struct str text;

	CHECK(keys);
	keys->path = malloc(strlen(directory) + sizeof "/secrets.key");
	CHECK(keys->path);
	sprintf(keys->path, "%s/secrets.key", directory);
	enum status status = file_read(arena, keys->path, KEY_FILE_MAX, &text, &why);

	if (status == ST_OK) {
		status = read_keys(keys, text, error);
	} else if (status == ST_NOT_FOUND && may_make) {
		add_key(keys);
		status = write_keys(keys, error);
	} else if (status == ST_NOT_FOUND) {
		status = fail(error, ST_NOT_FOUND,
			      "%s is missing: put a backup in its place, for without it the "
			      "Secrets cannot be read",
			      keys->path);
	} else {
		status = fail(error, status, "%s", why.message);
	}
	if (status != ST_OK) {
		secret_keys_free(keys);
		return status;
	}
	*ret_keys = keys;
	return ST_OK;
}

void secret_keys_free(struct secret_keys *keys)
{
	if (!keys)
		return;
	explicit_bzero(keys->at, sizeof keys->at);
	free(keys->path);
	free(keys);
}

enum status secret_keys_rotate(struct secret_keys *keys, struct error *error)
{
	if (keys->len == KEYS_MAX)
		return fail(error, ST_CONFLICT, "%s holds %d keys already", keys->path, KEYS_MAX);
	add_key(keys);
	return write_keys(keys, error);
}

enum status secret_keys_settle(struct secret_keys *keys, struct error *error)
{
	if (keys->len == 1)
		return ST_OK;
	explicit_bzero(keys->at + 1, (keys->len - 1) * sizeof *keys->at);
	keys->len = 1;
	return write_keys(keys, error);
}

/* ---- rows */

/* A sealed row cannot be passed off as another object's. */
static struct str bound_to(struct arena *arena, struct str namespace, struct str name)
{
	return str_format(arena, "secrets/" STR_FMT "/" STR_FMT, STR_ARG(namespace), STR_ARG(name));
}

struct str secret_seal(struct arena *arena, const struct secret_keys *keys, struct str namespace,
		       struct str name, struct str json)
{
	struct str bytes = seal(arena, keys->at[0].key, bound_to(arena, namespace, name), json);

	return str_format(arena, STR_FMT "%s:" STR_FMT, STR_ARG(mark), keys->at[0].name,
			  STR_ARG(base64_encode(arena, bytes)));
}

enum status secret_unseal(struct arena *arena, const struct secret_keys *keys, struct str namespace,
			  struct str name, struct str text, struct str *ret_json, bool *ret_stale,
			  struct error *error)
{
	struct str rest = str_from(text, mark.len), key = str_cut(&rest, ':'), bytes;

	*ret_stale = true;
	*ret_json = text;
	if (!secret_is_sealed(text))
		return ST_OK; /* from before there were keys */
	for (u32 i = 0; i < keys->len; i++) {
		if (!str_is(key, keys->at[i].name))
			continue;
		*ret_stale = i > 0;
		if (base64_decode(arena, rest, &bytes) &&
		    seal_open(arena, keys->at[i].key, bound_to(arena, namespace, name), bytes,
			      ret_json))
			return ST_OK;
	}
	return fail(error, ST_INVALID,
		    "%s is not the key that the Secrets were sealed with (" STR_FMT
		    "): put a backup in its place",
		    keys->path, STR_ARG(key));
}
