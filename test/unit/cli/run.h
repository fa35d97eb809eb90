/* run.h - the real hivectl, run beside a stage: its agent is the API of pkg/http over a scripted backend.
 *
 * Model    The child runs while the stage's loop turns, so both work in one test process without threads. On a terminal
 *          means on a real one (a pty of the width that is asked for).
 */
#pragma once

#include "../http/stage.h"
#include "base/buf.h"

struct run {
        int code;               /* exit code; 128 + signal */
        struct hv_buf out, err; /* on a terminal everything is in `out` */
};

struct run_options {
        const char *const *environment; /* "NAME=value", NULL-terminated; may be NULL */
        const char *input; /* standard input, on a terminal what is typed; NULL: /dev/null, nothing */
        unsigned columns;  /* 0: pipes; else a terminal of this width */
        bool closed_out;   /* nobody reads standard output */
        bool is_nobody;    /* run by a user who may do nothing, where this one is root */
        bool no_network;   /* in a network of its own, without any route */
        /* Called each turn: may change the stage, or end the child. 0 goes on, a signal's number sends it. */
        int (*each_turn)(struct stage *s, const struct run *so_far, void *userdata);
        void *userdata;
};

/* Runs `hivectl WORDS` (split at blanks; 'a b' in single quotes is one word) with the stage's socket in $HIVELET_SOCKET. A
 * NULL stage: nobody answers. options may be NULL. */
struct run run(struct stage *s, const char *words, const struct run_options *options);
void run_done(struct run *r);
