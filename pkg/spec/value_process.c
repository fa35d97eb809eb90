/* spec/value_process.c - see value_process.h. */
#include "spec/value_process.h"

#include <stdio.h>
#include <strings.h>

#include "base/parse.h"
#include "base/text.h"

#define USER_NAME_MAX 32 /* useradd(8) */
#define ID_MAX INT32_MAX /* what Docker takes: moby/sys/user */

/* Numbers of x86-64 and arm64, index = number. SIGRTMIN is 34: glibc keeps 32 and 33 for itself. */
static const char *const signals[] = {
        NULL,        "SIGHUP",  "SIGINT",    "SIGQUIT", "SIGILL",   "SIGTRAP", "SIGABRT", "SIGBUS",
        "SIGFPE",    "SIGKILL", "SIGUSR1",   "SIGSEGV", "SIGUSR2",  "SIGPIPE", "SIGALRM", "SIGTERM",
        "SIGSTKFLT", "SIGCHLD", "SIGCONT",   "SIGSTOP", "SIGTSTP",  "SIGTTIN", "SIGTTOU", "SIGURG",
        "SIGXCPU",   "SIGXFSZ", "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO",   "SIGPWR",  "SIGSYS",
};

static const char *const realtime_signals[] = {
        "SIGRTMIN",    "SIGRTMIN+1",  "SIGRTMIN+2",  "SIGRTMIN+3",  "SIGRTMIN+4",  "SIGRTMIN+5",
        "SIGRTMIN+6",  "SIGRTMIN+7",  "SIGRTMIN+8",  "SIGRTMIN+9",  "SIGRTMIN+10", "SIGRTMIN+11",
        "SIGRTMIN+12", "SIGRTMIN+13", "SIGRTMIN+14", "SIGRTMIN+15", "SIGRTMAX-14", "SIGRTMAX-13",
        "SIGRTMAX-12", "SIGRTMAX-11", "SIGRTMAX-10", "SIGRTMAX-9",  "SIGRTMAX-8",  "SIGRTMAX-7",
        "SIGRTMAX-6",  "SIGRTMAX-5",  "SIGRTMAX-4",  "SIGRTMAX-3",  "SIGRTMAX-2",  "SIGRTMAX-1",
        "SIGRTMAX",
};

static const char *const capabilities[] = {
        "ALL",
        "AUDIT_CONTROL",
        "AUDIT_READ",
        "AUDIT_WRITE",
        "BLOCK_SUSPEND",
        "BPF",
        "CHECKPOINT_RESTORE",
        "CHOWN",
        "DAC_OVERRIDE",
        "DAC_READ_SEARCH",
        "FOWNER",
        "FSETID",
        "IPC_LOCK",
        "IPC_OWNER",
        "KILL",
        "LEASE",
        "LINUX_IMMUTABLE",
        "MAC_ADMIN",
        "MAC_OVERRIDE",
        "MKNOD",
        "NET_ADMIN",
        "NET_BIND_SERVICE",
        "NET_BROADCAST",
        "NET_RAW",
        "PERFMON",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYSLOG",
        "SYS_ADMIN",
        "SYS_BOOT",
        "SYS_CHROOT",
        "SYS_MODULE",
        "SYS_NICE",
        "SYS_PACCT",
        "SYS_PTRACE",
        "SYS_RAWIO",
        "SYS_RESOURCE",
        "SYS_TIME",
        "SYS_TTY_CONFIG",
        "WAKE_ALARM",
};

static const char *after(const char *text, const char *prefix) {
        size_t n = strlen(prefix);

        return strncasecmp(text, prefix, n) == 0 ? text + n : text;
}

int hv_value_signal(const char *text, const char **ret, struct hv_fault *fault) {
        const char *name = after(text, "SIG");
        struct hv_suggestion s = { .text = name };
        char quoted[HV_TEXT_QUOTE_SIZE];
        uint64_t number;

        if (hv_parse_uint(text, 1, HV_ARRAY_SIZE(signals) - 1, &number)) {
                *ret = signals[number];
                return 0;
        }
        for (size_t i = 1; i < HV_ARRAY_SIZE(signals); i++) {
                if (strcasecmp(name, signals[i] + 3) == 0) {
                        *ret = signals[i];
                        return 0;
                }
                hv_suggestion_add(&s, signals[i] + 3);
        }
        for (size_t i = 0; i < HV_ARRAY_SIZE(realtime_signals); i++)
                if (strcasecmp(name, realtime_signals[i] + 3) == 0) {
                        *ret = realtime_signals[i];
                        return 0;
                }
        (void) hv_text_quote(text, quoted);
        if (s.best)
                return hv_fault_set(fault, "E0426", "%s is not a signal; did you mean SIG%s?", quoted,
                                    s.best);
        return hv_fault_set(fault, "E0426", "%s is not a signal such as TERM, INT or HUP", quoted);
}

int hv_value_capability(const char *text, const char **ret, struct hv_fault *fault) {
        const char *name = after(text, "CAP_"), *best;
        char quoted[HV_TEXT_QUOTE_SIZE];

        for (size_t i = 0; i < HV_ARRAY_SIZE(capabilities); i++)
                if (strcasecmp(name, capabilities[i]) == 0) {
                        *ret = capabilities[i];
                        return 0;
                }
        (void) hv_text_quote(text, quoted);
        best = hv_text_suggest(name, capabilities, HV_ARRAY_SIZE(capabilities));
        if (best)
                return hv_fault_set(fault, "E0428", "%s is not a Linux capability; did you mean %s?", quoted,
                                    best);
        return hv_fault_set(fault, "E0428", "%s is not a Linux capability", quoted);
}

/* A number, or a name of POSIX's portable set that does not look like one. */
static bool is_user_or_group(const char *text, size_t n, bool *ret_number, uint32_t *ret_id) {
        char part[USER_NAME_MAX + 1];
        uint64_t id;

        if (n == 0 || n > USER_NAME_MAX)
                return false;
        memcpy(part, text, n);
        part[n] = '\0';
        *ret_number = hv_parse_uint(part, 0, ID_MAX, &id);
        if (*ret_number) {
                *ret_id = (uint32_t) id;
                return true;
        }
        if (part[0] == '-' || part[0] == '.' || part[strspn(part, "0123456789")] == '\0')
                return false;
        return strspn(part, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == n;
}

int hv_value_user(const char *text, struct hv_user *ret, struct hv_fault *fault) {
        const char *colon = strchr(text, ':');
        size_t n = colon ? (size_t) (colon - text) : strlen(text);
        char quoted[HV_TEXT_QUOTE_SIZE];
        struct hv_user u = { .has_group = colon };

        if (!is_user_or_group(text, n, &u.has_uid, &u.uid) ||
            (colon && !is_user_or_group(colon + 1, strlen(colon + 1), &u.has_gid, &u.gid)))
                return hv_fault_set(fault, "E0428",
                                    "%s is not a user: expected UID, UID:GID or a name of the image",
                                    hv_text_quote(text, quoted));
        u.is_root = u.has_uid ? u.uid == 0 : n == 4 && memcmp(text, "root", 4) == 0;
        *ret = u;
        return 0;
}
