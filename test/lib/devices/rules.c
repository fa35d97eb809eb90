/* lib/devices/rules.c - see rules.h. */
#include "lib/devices/rules.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PROGRAMS_MAX 64

static int bpf(enum bpf_cmd command, union bpf_attr *a) {
        return (int) syscall(SYS_bpf, command, a, sizeof *a);
}

/* return allow; */
static int load(bool allow) {
        const struct bpf_insn program[] = {
                { .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = allow },
                { .code = BPF_JMP | BPF_EXIT },
        };
        union bpf_attr a = { .prog_type = BPF_PROG_TYPE_CGROUP_DEVICE };

        a.insns = (__u64) (size_t) program;
        a.insn_cnt = 2;
        a.license = (__u64) (size_t) "GPL";
        return bpf(BPF_PROG_LOAD, &a);
}

static int attach(int cgroup, int program) {
        union bpf_attr a = { .target_fd = (__u32) cgroup };

        a.attach_bpf_fd = (__u32) program;
        a.attach_type = BPF_CGROUP_DEVICE;
        a.attach_flags = BPF_F_ALLOW_MULTI;
        return bpf(BPF_PROG_ATTACH, &a);
}

/* One that went meanwhile is gone. */
static void detach(int cgroup, __u32 id) {
        union bpf_attr find = { .prog_id = id }, a = { .target_fd = (__u32) cgroup };
        int program = bpf(BPF_PROG_GET_FD_BY_ID, &find);

        if (program < 0)
                return;
        a.attach_bpf_fd = (__u32) program;
        a.attach_type = BPF_CGROUP_DEVICE;
        (void) bpf(BPF_PROG_DETACH, &a);
        (void) close(program);
}

int hv_test_devices_replace(const char *path, bool allow) {
        int cgroup = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), program = -1, r = -1;
        __u32 ids[PROGRAMS_MAX];
        union bpf_attr a = { .query = { .attach_type = BPF_CGROUP_DEVICE } };

        a.query.target_fd = (__u32) cgroup;
        a.query.prog_ids = (__u64) (size_t) ids;
        a.query.prog_cnt = PROGRAMS_MAX;
        if (cgroup >= 0 && bpf(BPF_PROG_QUERY, &a) >= 0 && (program = load(allow)) >= 0)
                r = attach(cgroup, program);
        r = r < 0 ? -errno : 0;
        for (__u32 i = 0; r == 0 && i < a.query.prog_cnt; i++)
                detach(cgroup, ids[i]);
        if (program >= 0)
                (void) close(program);
        if (cgroup >= 0)
                (void) close(cgroup);
        return r;
}
