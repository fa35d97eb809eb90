#include "cli/pager.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"

#define WORDS_MAX 8

static void become(char *command, int in) {
        char *words[WORDS_MAX + 1], *rest = NULL;
        size_t n = 0;

        for (char *w = strtok_r(command, " ", &rest); w && n < WORDS_MAX; w = strtok_r(NULL, " ", &rest))
                words[n++] = w;
        words[n] = NULL;
        (void) dup2(in, STDIN_FILENO);
        (void) setenv("LESS", "FRX", 0);
        if (n > 0)
                (void) execvp(words[0], words);
        _exit(127);
}

pid_t hv_pager_begin(void) {
        const char *ours = getenv("HIVELET_PAGER"), *command = hv_str_empty(ours) ? getenv("PAGER") : ours;
        _hv_cleanup_free_ char *copy = NULL;
        int ends[2];
        pid_t pid;

        if (hv_str_empty(command) || hv_streq(command, "cat") || pipe2(ends, O_CLOEXEC) < 0)
                return 0;
        copy = hv_strdup(command);
        pid = fork();
        if (pid == 0)
                become(copy, ends[0]);
        if (pid > 0)
                (void) dup2(ends[1], STDOUT_FILENO);
        (void) close(ends[0]);
        (void) close(ends[1]);
        return pid > 0 ? pid : 0;
}

void hv_pager_end(pid_t pager) {
        if (pager <= 0)
                return;
        (void) fflush(stdout);
        (void) close(STDOUT_FILENO);
        (void) waitpid(pager, NULL, 0);
}
