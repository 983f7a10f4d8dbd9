/* The words main() knows besides the command line's. Each returns an exit code. */
#ifndef RUN_COMMANDS_H
#define RUN_COMMANDS_H

int server_command(int argc, char **argv);
int agent_command(int argc, char **argv);
int image_command(int argc, char **argv); /* import, list, rm */

#endif
