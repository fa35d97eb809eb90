/* gpu/helper.c - see helper.h. */
#include "gpu/helper.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/fd.h"
#include "gpu/access.h"
#include "gpu/nvml.h"

#define REQUEST_MAX 8192

static void confine(void) {
        const struct rlimit none = {};

        (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void) prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        (void) prctl(PR_SET_NAME, HV_GPU_HELPER);
        (void) setrlimit(RLIMIT_CORE, &none);
        (void) signal(SIGPIPE, SIG_IGN);
}

static int answer(int fd, struct hv_buf *b) {
        hv_buf_putc(b, '\n');
        return hv_fd_write(fd, b->data, b->len);
}

static int serve(struct hv_nvml *nvml, struct hv_gpus *gpus, char *request, int out_fd) {
        _hv_cleanup_(hv_buf_done) struct hv_buf b = {};
        char *state = NULL, *word = strtok_r(request, "\t\n", &state);
        const char *cgroup, *device;

        if (hv_streq(word, "sample")) {
                hv_nvml_read(nvml, gpus);
                hv_gpus_write(gpus, &b);
        } else if (hv_streq(word, "access")) {
                cgroup = strtok_r(NULL, "\t\n", &state);
                device = strtok_r(NULL, "\t\n", &state);
                hv_buf_printf(&b, "{\"access\":%d}",
                              cgroup && device ? hv_gpu_access_within(cgroup, device) : -EINVAL);
        } else
                hv_buf_puts(&b, "{\"error\":\"expected sample or access\"}");
        return answer(out_fd, &b);
}

int hv_gpu_helper_run(int in_fd, int out_fd) {
        _hv_cleanup_(hv_nvml_freep) struct hv_nvml *nvml = hv_nvml_new();
        _hv_cleanup_free_ struct hv_gpus *gpus = HV_NEW(struct hv_gpus);
        char request[REQUEST_MAX];
        FILE *in;

        confine();
        if (getppid() == 1) /* the agent went away before it could be told of */
                return EXIT_FAILURE;
        in = fdopen(in_fd, "r");
        if (!in)
                return EXIT_FAILURE;
        while (fgets(request, sizeof request, in))
                if (serve(nvml, gpus, request, out_fd) < 0)
                        break;
        (void) fclose(in);
        return EXIT_SUCCESS;
}
