/* cli/doctor.h - what `hivectl doctor` looks at, and what it found.
 *
 *     gather: agent (when one answers), files of the desired state -> struct hv_doctor
 *     hv_doctor_*(d), each adds lines -> checkup -> text or JSON -> exit code
 *
 * Model    Each check stands alone, so one that fails hides no other; what cannot be judged is skipped, and why is said. Of an
 *          agent elsewhere (--host) only what it tells itself is judged. Nothing is changed.
 * Texts    a line says what was found; its fix is what to do, commands as they are typed. No secret is read.
 */
#pragma once

#include <netinet/in.h>
#include <time.h>

#include "base/vec.h"
#include "cli/cli_internal.h"
#include "spec/desired.h"
#include "spec/diag.h"

struct timex;

enum hv_check_state {
        HV_CHECK_OK,
        HV_CHECK_SKIP, /* not to be judged here */
        HV_CHECK_WARN, /* works, and is not as it should be */
        HV_CHECK_FAIL,
};
const char *hv_check_state_name(enum hv_check_state state); /* "ok", "skip", "warn", "fail" */

struct hv_check_line {
        const char *name; /* static: "pool.port" */
        enum hv_check_state state;
        char *found, *fix; /* fix: NULL where there is nothing to mend */
};

struct hv_doctor {
        struct hv_cli *cli;
        bool is_local; /* the agent is one of this machine: so what is looked at here is its */

        /* What the agent says; NULL: it does not answer, and `silence` says why. */
        struct hv_json *version, *status, *node, *sources, *tunnels, *why;
        int silence; /* -errno of hv_client_call() */
        struct hv_err why_silent;

        /* What the files say. */
        struct hv_diags *diags;
        struct hv_desired *desired; /* NULL: there is none, or it has errors */
        bool has_files;             /* they could be read */
        struct hv_err why_no_files;

        HV_VEC(struct hv_check_line) lines;
};

/* Looks at everything. HV_EXIT_OK, or an exit code where the way to the agent cannot even be named; told. */
int hv_doctor_examine(struct hv_cli *cli, struct hv_doctor *ret); /* cmd_doctor.c */
void hv_doctor_done(struct hv_doctor *d);

/* The fix, which may be NULL, is copied as it is; the rest is what was found. */
void hv_doctor_say(struct hv_doctor *d, const char *name, enum hv_check_state state, const char *fix,
                   const char *fmt, ...) _hv_printf_(5, 6);
enum hv_check_state hv_doctor_worst(const struct hv_doctor *d);
void hv_doctor_text(const struct hv_doctor *d, bool color, bool is_tty, struct hv_buf *ret);
void hv_doctor_json(const struct hv_doctor *d, struct hv_buf *ret);

/* The condition of the node's status of this type; NULL: none. */
const struct hv_json *hv_doctor_condition(const struct hv_doctor *d, const char *type);
/* The directory that the agent keeps its state in, and the one where tasks work: what the agent says, else what the files say,
 * else where they are by themselves. `work` is the caller's. */
const char *hv_doctor_state_dir(const struct hv_doctor *d);
char *hv_doctor_work_dir(const struct hv_doctor *d);
const char *hv_doctor_log_dir(const struct hv_doctor *d); /* of log files, likewise; NULL: there are none */

/* ---- the checks, by file ---- */

void hv_doctor_agent(struct hv_doctor *d); /* doctor_agent.c: socket, version, what the node says of itself */
void hv_doctor_unit(struct hv_doctor *d);
void hv_doctor_config(struct hv_doctor *d);
void hv_doctor_node(struct hv_doctor *d);
void hv_doctor_engine(struct hv_doctor *d); /* doctor_engine.c */
void hv_doctor_pool(struct hv_doctor *d);   /* doctor_pool.c: name, route, port, TLS, token */
/* doctor_tunnel.c; net: the kernel's list of interfaces, sockets: where those of user space have theirs */
void hv_doctor_tunnels(struct hv_doctor *d, const char *net, const char *sockets);
void hv_doctor_machine(struct hv_doctor *d); /* doctor_machine.c: work directory, disk, clock, cgroups */

/* What systemd and the kernel say is judged apart from the asking. */
struct hv_doctor_unit {
        const char *load, *active, *sub, *file, *result; /* states, as systemd has them; NULL: not told */
};
void hv_doctor_judge_unit(struct hv_doctor *d, const struct hv_doctor_unit *u);
/* error: errno of adjtimex(); 0: t is filled in. */
void hv_doctor_judge_clock(struct hv_doctor *d, time_t now, const struct timex *t, int error);

/* Where a packet to this address would leave from: 0 and the source address, or -errno of the kernel's routing. */
int hv_doctor_source_address(const struct sockaddr *to, socklen_t len, struct sockaddr_storage *ret);
