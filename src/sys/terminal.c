/* termios, and nothing else. */
#include "sys/terminal.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static struct termios saved;
static int saved_fd = -1;

bool terminal_is(int fd)
{
	return isatty(fd);
}

bool terminal_size(int fd, u32 *ret_width, u32 *ret_height)
{
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size) != 0)
		return false;
	*ret_width = size.ws_col;
	*ret_height = size.ws_row;
	return true;
}

void terminal_restore(void)
{
	if (saved_fd >= 0)
		tcsetattr(saved_fd, TCSADRAIN, &saved);
	saved_fd = -1;
}

bool terminal_raw(int fd)
{
	struct termios raw;

	if (tcgetattr(fd, &saved) != 0)
		return false;
	raw = saved;
	cfmakeraw(&raw);
	if (tcsetattr(fd, TCSADRAIN, &raw) != 0)
		return false;
	if (saved_fd < 0)
		atexit(terminal_restore); /* a terminal left raw is the worst of manners */
	saved_fd = fd;
	return true;
}
