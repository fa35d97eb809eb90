#include "base/boot.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"

#define PATH "/proc/sys/kernel/random/boot_id"

int hv_boot_id(char ret[HV_BOOT_ID_SIZE], struct hv_err *err) {
        _hv_cleanup_(hv_fd_closep) int fd = open(PATH, O_RDONLY | O_CLOEXEC);
        char text[HV_BOOT_ID_SIZE] = "";

        if (fd < 0)
                return hv_err_errno(err, -errno, "cannot open " PATH);
        if (read(fd, text, HV_BOOT_ID_SIZE - 1) != HV_BOOT_ID_SIZE - 1 ||
            strspn(text, "0123456789abcdef-") != HV_BOOT_ID_SIZE - 1)
                return hv_err_set(err, -EBADMSG, PATH " holds no UUID");
        memcpy(ret, text, sizeof text);
        return 0;
}
