/*
 * From exec to the first 200 of /readyz on an empty data directory, several times; and the same of
 * a program that does nothing, so that the machine's own share can be seen.
 *
 *	bench_start MINKE DIRECTORY PORT [RUNS [none|real]]
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { RUNS_MAX = 50, TIMEOUT_MS = 5000 };

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static int connected(int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons((unsigned short)port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), at_once = 1;

	/* Or else Nagle's algorithm and a delayed ACK add 40 ms that are not the server's. */
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &at_once, sizeof at_once);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	close(fd);
	return -1;
}

static int is_ready(SSL_CTX *context, int port)
{
	static const char request[] = "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n";
	char answer[256] = "";
	int fd = connected(port), ready = 0;

	if (fd < 0)
		return 0;
	SSL *ssl = SSL_new(context);

	SSL_set_fd(ssl, fd);
	if (SSL_connect(ssl) == 1 && SSL_write(ssl, request, sizeof request - 1) > 0 &&
	    SSL_read(ssl, answer, sizeof answer - 1) > 0)
		ready = strncmp(answer, "HTTP/1.1 200", 12) == 0;
	SSL_free(ssl);
	close(fd);
	return ready;
}

static pid_t start(char *const argv[])
{
	posix_spawn_file_actions_t actions;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	if (posix_spawn(&pid, argv[0], &actions, NULL, argv, environ) != 0) {
		perror(argv[0]);
		exit(1);
	}
	posix_spawn_file_actions_destroy(&actions);
	return pid;
}

static double run_server(SSL_CTX *context, char *minke, const char *folder, int port, char *node,
			 int run)
{
	char data[512], listen[64];
	char *argv[] = {
		minke, "server", "--node", node, "--data", data, "--listen", listen, NULL
	};
	double began, end;

	snprintf(data, sizeof data, "%s/start-%d", folder, run);
	snprintf(listen, sizeof listen, "127.0.0.1:%d", port);
	began = now_ms();
	pid_t pid = start(argv);

	do {
		end = now_ms();
		if (is_ready(context, port)) {
			end = now_ms();
			break;
		}
		usleep(200);
	} while (end - began < TIMEOUT_MS);
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	return end - began;
}

static double run_true(void)
{
	char *argv[] = { "/bin/true", NULL };
	double began = now_ms();

	waitpid(start(argv), NULL, 0);
	return now_ms() - began;
}

int main(int argc, char **argv)
{
	double server[RUNS_MAX], nothing[RUNS_MAX];
	int runs = argc > 4 ? atoi(argv[4]) : 11;
	char none[] = "none", *node = argc > 5 ? argv[5] : none;

	if (argc < 4 || runs < 1 || runs > RUNS_MAX) {
		fprintf(stderr, "usage: bench_start MINKE DIRECTORY PORT [RUNS [none|real]]\n");
		return 2;
	}
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	for (int i = 0; i < runs; i++) {
		nothing[i] = run_true();
		server[i] = run_server(context, argv[1], argv[2], atoi(argv[3]), node, i);
	}
	SSL_CTX_free(context);
	qsort(server, (size_t)runs, sizeof *server, by_size);
	qsort(nothing, (size_t)runs, sizeof *nothing, by_size);
	printf("start, node %s: exec to /readyz 200 in %.1f ms (least %.1f, most %.1f); exec of "
	       "/bin/true "
	       "%.1f ms; target < 50 ms\n",
	       node, server[runs / 2], server[0], server[runs - 1], nothing[runs / 2]);
	return 0;
}
