/* fuzz_kernel.c - the kernel's text files, as they might be and as they never are. A container that is root may mount things over
 * what it shows of itself, and files grow from one kernel to the next. */
#include "fuzz.h"

#include <string.h>

#include "base/alloc.h"
#include "cgroup/figures.h"
#include "host/figures.h"

static void check_pressure(const struct hv_pressure *p) {
        FUZZ_CHECK(p->some_percent >= 0 && p->some_percent <= 101 && p->full_percent >= 0 &&
                   p->full_percent <= 101);
}

static void read_cgroup(const char *text) {
        const struct hv_cgroup_file *file;

        for (size_t i = 0; (file = hv_cgroup_file_at(i)); i++) {
                struct hv_cgroup_figures f = {};

                (void) file->parse(text, &f);
                FUZZ_CHECK(hv_cgroup_working_set(&f) <= f.memory_bytes);
                FUZZ_CHECK(f.memory_limit_bytes < UINT64_C(1) << 62);
                check_pressure(&f.cpu_pressure);
                check_pressure(&f.io_pressure);
        }
}

static void read_path(const char *text) {
        static const char *const controllers[] = { "", "memory", "cpuacct", "name=systemd" };

        for (size_t i = 0; i < HV_ARRAY_SIZE(controllers); i++) {
                _hv_cleanup_free_ char *path = hv_cgroup_path_of_process(text, controllers[i], NULL);
                _hv_cleanup_free_ char *mine = hv_cgroup_path_of_process(text, controllers[i], "4f3a");

                FUZZ_CHECK(!path || *path == '/');
                FUZZ_CHECK(!mine || (*mine == '/' && strstr(mine, "4f3a")));
        }
}

static void read_host(const char *text) {
        struct hv_interface_counters c;
        struct hv_cpu_ticks t, zero = {};
        char model[HV_CPU_MODEL_SIZE];
        struct hv_host_memory m;
        struct hv_host_load l;
        const char *at = text;
        double percent;
        unsigned mhz;

        if (hv_host_cpu_ticks(text, &t) && hv_host_cpu_percent(&zero, &t, &percent))
                FUZZ_CHECK(percent >= 0 && percent <= 100);
        if (hv_host_memory(text, &m))
                FUZZ_CHECK(hv_host_memory_percent(&m) >= 0 && hv_host_memory_percent(&m) <= 100);
        if (hv_host_load(text, &l))
                FUZZ_CHECK(l.of_1_min >= 0);
        hv_host_cpu_model(text, model, &mhz);
        FUZZ_CHECK(strlen(model) < sizeof model);
        while (hv_kernel_interface(&at, &c))
                FUZZ_CHECK(*c.name && strlen(c.name) < sizeof c.name && at <= text + strlen(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        _hv_cleanup_free_ char *text = hv_strndup((const char *) data, size);

        read_cgroup(text);
        read_path(text);
        read_host(text);
        return 0;
}
