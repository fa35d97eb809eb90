/* lib/devices/hook.c - stands in for NVIDIA's hook of a runtime, for cgroups of version 2: with the state of a container on standard
 * input it lets every device through to it. As the real one, it puts a program of its own in the place of the runtime's and systemd's,
 * behind their backs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/devices/rules.h"

static int fail(const char *what, int r) {
        fprintf(stderr, "hook: %s: %s\n", what, strerror(-r));
        return EXIT_FAILURE;
}

int main(void) {
        char state[65536], name[64], line[4096], path[4096 + 32];
        size_t n = fread(state, 1, sizeof state - 1, stdin);
        const char *pid;
        FILE *f;
        int r;

        state[n] = '\0';
        pid = strstr(state, "\"pid\":");
        (void) snprintf(name, sizeof name, "/proc/%d/cgroup", pid ? atoi(pid + strlen("\"pid\":")) : 0);
        f = fopen(name, "re");
        while (f && fgets(line, sizeof line, f)) {
                if (strncmp(line, "0::", 3) != 0)
                        continue;
                line[strcspn(line, "\n")] = '\0';
                (void) snprintf(path, sizeof path, "/sys/fs/cgroup%s", line + 3);
                r = hv_test_devices_replace(path, true);
                return r < 0 ? fail(path, r) : EXIT_SUCCESS;
        }
        return fail(name, 0);
}
