/* Where the program starts: the first word says which part of minke is wanted. */
#include <string.h>

#include "cli/cli.h"
#include "node/images.h"
#include "run/commands.h"

static const struct {
	const char *word;
	int (*run)(int argc, char **argv);
} words[] = {
	{ "server", server_command },
	{ "agent", agent_command },
	{ "image", image_command },
};

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "image-worker")) /* only ever started by ourselves */
		return image_worker_main();
	for (size_t i = 0; argc > 1 && i < sizeof words / sizeof *words; i++)
		if (!strcmp(argv[1], words[i].word))
			return words[i].run(argc - 1, argv + 1);
	return cli_main(argc, argv);
}
