/*
 * tidy: the house rules a program can check, run as a test. It reads the tree's own C files and
 *says, file and line, where an #include climbs a floor, a line, function or file grows too long, a
 *header has no guard, a file does not open with why it exists, or an object of a pure floor asks
 *the C library for the kernel, the clock or randomness.
 *
 *	tidy SOURCE_ROOT [OBJECT…]
 */
#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	LINE_COLUMNS_MAX = 100,
	FUNCTION_LINES_MAX = 70,
	FILE_LINES_MAX = 1000,
	TAB_COLUMNS = 8,
	LINE_BYTES_MAX = 4096,
	PATH_BYTES_MAX = 1024,
};

/* ARCHITECTURE.md's table: a floor, and the floors it may import besides itself. */
static const struct {
	const char *floor, *may;
} floors[] = {
	{ "base", "" },
	{ "doc", "base" },
	{ "sys", "base" },
	{ "schema", "base doc" },
	{ "net", "base sys doc" },
	{ "store", "base doc schema sys" },
	{ "server", "base doc schema net store" },
	{ "client", "base doc sys schema net store server" },
	{ "controllers", "base doc schema store server" },
	{ "scheduler", "base doc schema store server controllers" },
	{ "network", "base doc sys schema net client" },
	{ "node", "base doc sys schema net store server client network" },
	{ "cli", "base doc sys schema net client" },
	{ "web", "" },
	{ "run", "base doc sys schema net store server client controllers scheduler node network "
		 "cli web" },
};

/* Pure floors decide; what they may not ask of the C library. A name ends at a blank. */
static const char *const pure_floors[] = { "base",   "doc",	    "schema",
					   "server", "controllers", "scheduler" };
static const char *const impure_calls[] = {
	"open",		 "open64",	   "openat",	"read",	      "write",	 "close",
	"socket",	 "connect",	   "bind",	"fork",	      "execve",	 "execv",
	"execvp",	 "posix_spawn",	   "mount",	"umount",     "umount2", "time",
	"clock_gettime", "gettimeofday",   "getrandom", "getentropy", "rand",	 "random",
	"srand",	 "sleep",	   "usleep",	"nanosleep",  "poll",	 "select",
	"epoll_wait",	 "pthread_create", "kill",	"fopen",      "fopen64", "unlink",
	"rename",	 "mkdir",	   "stat",	"getenv",     "system",	 "popen",
};

static int complaints;

static void complain(const char *path, int line, const char *what)
{
	printf("%s:%d: %s\n", path, line, what);
	complaints++;
}

static bool has_word(const char *list, const char *word, size_t len)
{
	for (const char *p = list; (p = strstr(p, word)); p++)
		if ((p == list || p[-1] == ' ') && (p[len] == ' ' || !p[len]))
			return true;
	return false;
}

/* "src/doc/json.h" → "doc"; NULL outside the floors (sim, tests, tools, main.c) which may use all.
 */
static const char *floor_of(const char *path, const char **ret_may)
{
	const char *at = strstr(path, "src/");

	for (size_t i = 0; at && i < sizeof floors / sizeof *floors; i++) {
		size_t len = strlen(floors[i].floor);

		if (!strncmp(at + 4, floors[i].floor, len) && at[4 + len] == '/') {
			*ret_may = floors[i].may;
			return floors[i].floor;
		}
	}
	return NULL;
}

static void check_include(const char *path, int line, const char *text)
{
	const char *may, *floor = floor_of(path, &may), *name = strchr(text, '"');
	char wanted[64];

	if (!floor || !name || !strchr(name, '/'))
		return;
	size_t len = strcspn(++name, "/");

	if (len >= sizeof wanted)
		return;
	memcpy(wanted, name, len);
	wanted[len] = 0;
	if (strcmp(wanted, floor) && !has_word(may, wanted, len)) {
		char what[160];

		snprintf(what, sizeof what, "%s may not import %s", floor, wanted);
		complain(path, line, what);
	}
}

static int columns_of(const char *text)
{
	int columns = 0;

	for (; *text && *text != '\n'; text++) {
		if (*text == '\t')
			columns += TAB_COLUMNS - columns % TAB_COLUMNS;
		else if (((unsigned char)*text & 0xC0) != 0x80) /* count characters, not bytes */
			columns++;
	}
	return columns;
}

static void check_line(const char *path, int line, const char *text)
{
	size_t len = strlen(text);

	if (columns_of(text) > LINE_COLUMNS_MAX)
		complain(path, line, "longer than 100 columns");
	if (len >= 2 && (text[len - 2] == ' ' || text[len - 2] == '\t'))
		complain(path, line, "blanks at the end");
	if (!strncmp(text, "#include", 8))
		check_include(path, line, text);
	/* Words that say how something was left: a promise belongs in an issue, not in the tree. */
	static const char *const unfinished[] = { "FIXME", "XXX:", "TODO" };

	for (size_t i = 0; i < sizeof unfinished / sizeof *unfinished; i++)
		if (!strstr(path, "tidy.c") && strstr(text, unfinished[i]))
			complain(path, line, "an unfinished thought");
}

static void check_file(const char *path)
{
	FILE *file = fopen(path, "r");
	char text[LINE_BYTES_MAX];
	int line = 0, function_start = 0;
	bool guarded = false;
	size_t path_len = strlen(path);
	bool header = path_len > 2 && !strcmp(path + path_len - 2, ".h");

	if (!file) {
		complain(path, 0, "cannot be read");
		return;
	}
	while (fgets(text, sizeof text, file)) {
		line++;
		check_line(path, line, text);
		if (line == 1 && strncmp(text, "/*", 2))
			complain(path, 1, "does not open with why it exists");
		if (!strncmp(text, "#ifndef ", 8) || !strncmp(text, "#pragma once", 12))
			guarded = true;
		if (!strcmp(text, "{\n"))
			function_start = line;
		if (!strcmp(text, "}\n") && function_start) {
			if (line - function_start - 1 > FUNCTION_LINES_MAX)
				complain(path, function_start, "a function of over 70 lines");
			function_start = 0;
		}
	}
	if (line > FILE_LINES_MAX)
		complain(path, line, "a file of over 1,000 lines");
	if (header && !guarded)
		complain(path, 1, "a header without a guard");
	fclose(file);
}

static bool is_c_file(const char *name)
{
	size_t len = strlen(name);

	return len > 2 && (!strcmp(name + len - 2, ".c") || !strcmp(name + len - 2, ".h"));
}

static void check_tree(const char *path)
{
	DIR *directory = opendir(path);
	struct dirent *entry;

	if (!directory)
		return;
	while ((entry = readdir(directory))) {
		char child[PATH_BYTES_MAX];
		struct stat status;

		if (entry->d_name[0] == '.')
			continue;
		snprintf(child, sizeof child, "%s/%s", path, entry->d_name);
		if (lstat(child, &status))
			continue;
		if (S_ISDIR(status.st_mode))
			check_tree(child);
		else if (S_ISREG(status.st_mode) && is_c_file(entry->d_name))
			check_file(child);
	}
	closedir(directory);
}

/* `nm -u` of one archive: a pure floor's library must not name what only sys may call. */
static void check_object(const char *path)
{
	char command[PATH_BYTES_MAX + 32], text[LINE_BYTES_MAX], object[LINE_BYTES_MAX] = "";
	bool pure = false;

	for (size_t i = 0; i < sizeof pure_floors / sizeof *pure_floors; i++) {
		char name[64];

		snprintf(name, sizeof name, "libminke_%s.a", pure_floors[i]);
		pure |= strstr(path, name) != NULL;
	}
	if (!pure)
		return;
	snprintf(command, sizeof command, "nm -u '%s'", path);
	FILE *pipe = popen(command, "r");

	if (!pipe) {
		complain(path, 0, "nm cannot be run");
		return;
	}
	while (fgets(text, sizeof text, pipe)) {
		char symbol[256];

		if (strchr(text, ':'))
			snprintf(object, sizeof object, "%.*s", (int)strcspn(text, ":\n"), text);
		if (sscanf(text, " U %255s", symbol) != 1)
			continue;
		symbol[strcspn(symbol, "@")] = 0;
		for (size_t i = 0; i < sizeof impure_calls / sizeof *impure_calls; i++)
			if (!strcmp(symbol, impure_calls[i])) {
				char what[512];

				snprintf(what, sizeof what, "%.200s calls %s: only sys may", object,
					 symbol);
				complain(path, 0, what);
			}
	}
	pclose(pipe);
}

int main(int argc, char **argv)
{
	static const char *const folders[] = { "src", "sim", "tools", "tests" };

	if (argc < 2) {
		fprintf(stderr, "usage: tidy SOURCE_ROOT [OBJECT…]\n");
		return 2;
	}
	for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
		char path[PATH_BYTES_MAX];

		snprintf(path, sizeof path, "%s/%s", argv[1], folders[i]);
		check_tree(path);
	}
	for (int i = 2; i < argc; i++)
		check_object(argv[i]);
	if (complaints)
		printf("%d complaints\n", complaints);
	return complaints > 0;
}
