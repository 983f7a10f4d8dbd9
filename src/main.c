/* Where the program starts: the first word says which part of minke is wanted. */
#include <stdio.h>

int main(int argc, char **argv)
{
	(void)argv;
	fprintf(stderr, "minke: nothing is wired yet (%d words)\n", argc);
	return 1;
}
