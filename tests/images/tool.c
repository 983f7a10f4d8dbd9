/*
 * What containers of the tests run: one static program that behaves well or badly on request, so
 * that no test depends on how a distribution's programs happen to behave.
 *
 *	tool web [PORT]      answers every HTTP request with VERSION and the host's name
 *	tool echo [PORT]     sends back what it gets
 *	tool oom             takes memory until it is killed
 *	tool crash [SECONDS] ends with exit code 3 after so long
 *	tool stubborn        does not end when asked to (SIGTERM)
 *	tool sleep           ends at once when asked to
 */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHUNK_BYTES = 1 << 20, BACKLOG = 64 };

static int listen_on(int port)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons((unsigned short)port) };

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
	if (bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, BACKLOG)) {
		perror("listening");
		exit(1);
	}
	printf("listening on %d\n", port);
	fflush(stdout);
	return fd;
}

static void answer(int fd)
{
	const char *version = getenv("VERSION");
	char request[4096], host[256] = "?", body[512], reply[1024];

	if (read(fd, request, sizeof request) <= 0)
		return;
	gethostname(host, sizeof host - 1);
	snprintf(body, sizeof body, "version %s host %s\n", version ? version : "none", host);
	int len = snprintf(reply, sizeof reply,
			   "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n"
			   "Connection: close\r\n\r\n%s",
			   strlen(body), body);

	if (write(fd, reply, (size_t)len) != len)
		perror("answering");
}

static void send_back(int fd)
{
	char bytes[4096];
	ssize_t len;

	while ((len = read(fd, bytes, sizeof bytes)) > 0)
		if (write(fd, bytes, (size_t)len) != len)
			return;
}

static void serve(int port, void (*one)(int fd))
{
	int listener = listen_on(port);

	signal(SIGCHLD, SIG_IGN);
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			continue;
		if (fork() == 0) {
			one(fd);
			_exit(0);
		}
		close(fd);
	}
}

static void take_memory(void)
{
	for (;;) {
		char *chunk = malloc(CHUNK_BYTES);

		if (!chunk)
			_exit(4);
		memset(chunk, 1, CHUNK_BYTES); /* only what is touched counts */
	}
}

static void end(int number)
{
	(void)number;
	_exit(0); /* process 1 dies of no signal it has not asked for */
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "sleep";
	int number = argc > 2 ? atoi(argv[2]) : 0;

	signal(SIGTERM, strcmp(word, "stubborn") ? end : SIG_IGN);
	printf("%s starts\n", word);
	fflush(stdout);
	if (!strcmp(word, "web"))
		serve(number ? number : 8080, answer);
	if (!strcmp(word, "echo"))
		serve(number ? number : 7, send_back);
	if (!strcmp(word, "oom"))
		take_memory();
	if (!strcmp(word, "crash")) {
		sleep((unsigned)number);
		fprintf(stderr, "crashing as asked\n");
		return 3;
	}
	for (;;)
		pause();
}
