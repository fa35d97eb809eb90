#include "cli/raw_terminal.h"

#include <sys/ioctl.h>
#include <termios.h>

static struct termios before;
static int raw_fd = -1;

void hv_raw_terminal_begin(int fd) {
        static bool is_registered;
        struct termios raw;

        if (raw_fd >= 0 || tcgetattr(fd, &before) < 0)
                return;
        if (!is_registered)
                is_registered = atexit(hv_raw_terminal_end) == 0;
        raw = before;
        cfmakeraw(&raw);
        /* Not TCSAFLUSH: what was typed ahead is meant for the program. */
        if (tcsetattr(fd, TCSADRAIN, &raw) == 0)
                raw_fd = fd;
}

void hv_raw_terminal_end(void) {
        if (raw_fd >= 0)
                (void) tcsetattr(raw_fd, TCSADRAIN, &before);
        raw_fd = -1;
}

bool hv_terminal_size(int fd, unsigned *ret_rows, unsigned *ret_columns) {
        struct winsize size;

        if (ioctl(fd, TIOCGWINSZ, &size) < 0 || size.ws_row == 0 || size.ws_col == 0)
                return false;
        *ret_rows = size.ws_row;
        *ret_columns = size.ws_col;
        return true;
}
