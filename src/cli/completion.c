/* minke completion: a script that lets bash or zsh finish commands, kinds and names. */
#include "cli/cli.h"

static const char bash[] =
	"# bash completion for minke: source <(minke completion bash)\n"
	"_minke() {\n"
	"  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
	"  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
	"    COMPREPLY=($(compgen -W \"$(minke --help | sed -nE 's/^  ([a-z-]+) .*/\\1/p')\" -- "
	"\"$word\"))\n"
	"  elif [ \"$before\" = -n ] || [ \"$before\" = --namespace ]; then\n"
	"    COMPREPLY=($(compgen -W \"$(minke get namespaces -o name 2>/dev/null | cut -d/ -f2)\" "
	"-- \"$word\"))\n"
	"  elif [[ $word == -* ]]; then\n"
	"    COMPREPLY=($(compgen -W \"$(minke \"${COMP_WORDS[1]}\" --help 2>/dev/null | grep -oE "
	"-- '--[a-z-]+')\" -- \"$word\"))\n"
	"  elif [ \"$COMP_CWORD\" -eq 2 ]; then\n"
	"    COMPREPLY=($(compgen -W \"$(minke api-resources -o name 2>/dev/null)\" -- "
	"\"$word\"))\n"
	"  else\n"
	"    COMPREPLY=($(compgen -W \"$(minke get \"${COMP_WORDS[2]}\" -o name 2>/dev/null | cut "
	"-d/ -f2)\" -- \"$word\"))\n"
	"  fi\n"
	"}\n"
	"complete -F _minke minke\n";

static enum status completion_run(struct cli *cli, struct error *error)
{
	struct str shell = cli->arguments.len ? cli->arguments.words[0] : STR_NONE;

	if (str_is(shell, "zsh"))
		cli_printf("autoload -U +X bashcompinit && bashcompinit\n");
	else if (!str_is(shell, "bash"))
		return fail(error, ST_BAD_REQUEST,
			    "error: Unsupported shell type \"" STR_FMT "\": bash and zsh are known",
			    STR_ARG(shell));
	cli_print(str_of(bash));
	return ST_OK;
}

const struct command command_completion = {
	.name = "completion",
	.usage = "completion bash|zsh",
	.summary = "a script that finishes what one types",
	.run = completion_run,
};
