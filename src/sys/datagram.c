/* A socket and a watch on it; a round reads a bounded number, so that nobody starves the loop. */
#include "sys/datagram.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "sys/loop.h"

enum { ROUND_MAX = 64 };

struct datagram {
	int fd;
	struct fd_watch *watch;
	void (*received)(void *self, struct datagram_from from, struct str bytes);
	void *self;
	bool reading, freed;
};

static struct sockaddr_in socket_of(struct datagram_from at)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(at.port),
				     .sin_addr.s_addr = htonl(at.address) };
}

static void ready(void *self, int events)
{
	struct datagram *datagram = self;
	char room[DATAGRAM_BYTES_MAX];
	struct sockaddr_in from;

	(void)events;
	datagram->reading = true;
	for (int i = 0; i < ROUND_MAX && !datagram->freed; i++) {
		socklen_t size = sizeof from;
		ssize_t got = recvfrom(datagram->fd, room, sizeof room, 0, (void *)&from, &size);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			break;
		datagram->received(
			datagram->self,
			(struct datagram_from){ ntohl(from.sin_addr.s_addr), ntohs(from.sin_port) },
			(struct str){ room, (size_t)got });
	}
	datagram->reading = false;
	if (datagram->freed)
		free(datagram);
}

enum status datagram_open(struct loop *loop, u32 address, u16 port,
			  void (*received)(void *self, struct datagram_from from, struct str bytes),
			  void *self, struct datagram **ret_datagram, struct error *error)
{
	struct sockaddr_in at = socket_of((struct datagram_from){ address, port });
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (void *)&at, sizeof at)) {
		int number = errno;

		if (fd >= 0)
			close(fd);
		return fail(error, number == EADDRINUSE ? ST_CONFLICT : ST_INTERNAL,
			    "listening on UDP port %u: %s", port, strerror(number));
	}
	struct datagram *datagram = calloc(1, sizeof *datagram);

	CHECK(datagram);
	*datagram = (struct datagram){ .fd = fd, .received = received, .self = self };
	datagram->watch = fd_watch_new(loop, fd, ready, datagram);
	enum status status = fd_watch_set(datagram->watch, FD_READABLE, error);

	if (status != ST_OK) {
		datagram_free(datagram);
		return status;
	}
	*ret_datagram = datagram;
	return ST_OK;
}

bool datagram_send(struct datagram *datagram, struct datagram_from to, struct str bytes)
{
	struct sockaddr_in at = socket_of(to);

	return sendto(datagram->fd, bytes.at, bytes.len, MSG_NOSIGNAL, (void *)&at, sizeof at) ==
	       (ssize_t)bytes.len;
}

void datagram_free(struct datagram *datagram)
{
	if (!datagram || datagram->freed)
		return;
	fd_watch_free(datagram->watch);
	close(datagram->fd);
	datagram->freed = true;
	if (!datagram->reading)
		free(datagram);
}
