/* stage.h - a scripted agent behind the real API: the tests of pkg/http's API and of hivectl.
 *
 * Model    The desired state is a real one, loaded from YAML; what is seen of it is written here, row by row, and a test
 *          changes it as it likes (stage_changed() tells the API). Changes, plans and logs answer with what the test
 *          has put into the stage, at once or, with `later`, in a later turn of the loop.
 */
#pragma once

#include <systemd/sd-event.h>

#include "auth/auth.h"
#include "base/arena.h"
#include "base/buf.h"
#include "http/access.h"
#include "http/api.h"
#include "http/server.h"
#include "reconcile/status.h"

#define STAGE_NOW_US (3600 * HV_USEC_PER_SEC)
/* The stage's wall clock is behind the machine's, so that ages are minutes and the same in every run. */
#define STAGE_BEHIND_US (150 * HV_USEC_PER_SEC)

struct stage {
        sd_event *event;
        struct hv_api *api;
        struct hv_http_server *server;
        struct hv_auth *auth;
        struct hv_http_access *access;
        char dir[40], socket[64];

        unsigned n_snapshots; /* that were asked for */

        /* What a snapshot shows. */
        struct hv_desired *desired;
        struct hv_desired *former; /* what is shown may still be of it; NULL: none */
        struct hv_unit_status units[16];
        struct hv_object_status objects[8];
        struct hv_cron_status cron; /* of nightly */
        struct hv_status status;
        struct hv_orders orders;
        const char *listen_error;
        struct hv_api_trial trial;
        const char *log_dir;                    /* NULL: none */
        const char *work_dir, *engine_endpoint; /* NULL: the stage's folder; no engine that one could reach */
        struct hv_api_pool pool;                /* none, before a test says so */
        const struct hv_api_tunnel *tunnel;     /* NULL: none */
        struct hv_api_source sources[2];
        struct hv_api_revision revisions[3];
        bool refused;
        struct hv_diags *diags;
        uint64_t wall_us;                  /* of STAGE_NOW_US */
        const struct hv_gpus *gpus;        /* NULL: nobody told of any */
        const struct hv_api_image *images; /* NULL: redis, which is there */
        size_t n_images;

        struct hv_api_preloads preloads; /* asked for by hand */

        struct hv_host_sample host; /* and what it uses */
        struct hv_monitor_container containers[2];
        struct hv_history *history;
        struct hv_monitor_view usage;

        /* Tasks: none, and no ledger, before stage_tasks(). */
        struct hv_ledger *ledger; /* a real one */
        struct hv_task_status live[4];
        size_t n_live;
        char results[64];
        enum hv_api_task_outcome task_outcome;
        const char *
                task_id; /* of which the backend speaks when it is done; NULL: of the one it was asked about */
        struct hv_api_fit fit;
        struct hv_api_pinged pinged[3];
        size_t n_pinged;

        /* What the backend answers. */
        enum hv_api_outcome outcome;
        struct hv_err err; /* code 0: none */
        struct hv_api_step steps[4];
        size_t n_steps;
        bool later;
        const char *log_text; /* of every replica */
        bool log_stays_open;  /* with follow: until the test ends it */
        bool log_is_silent;   /* it says nothing, and goes on */
        size_t log_room;      /* 0: as much as comes; else how often the text is sent in one go */

        /* What the backend was asked. */
        unsigned n_changes, n_plans, n_logs_opened, n_logs_closed, n_logs_resumed;
        char last_change[4096];
        struct hv_api_log_options last_log;
        struct hv_api_log *open_log;
        unsigned n_sessions, n_sessions_closed, n_sessions_resumed;
        char last_exec[256];
        struct hv_api_session *open_session; /* the newest */
        struct hv_buf session_said;          /* what the client sent: text, <end>, <24x80> */
        size_t session_room;
        unsigned n_copies, n_copies_closed, n_copies_resumed;
        char last_copy[256];
        struct hv_api_copy *open_copy; /* the newest */
        struct hv_buf copied;          /* what the client sent, and <end> */
        size_t copy_room;
        sd_event_source *deferred;
        struct hv_api_call *waiting; /* with `later` */
        bool waiting_is_plan;
};

/* Four services (web has two replicas), two networks, a volume and one of each of the other kinds; everything is in sync.
 */
struct stage *stage_new(void);
struct stage *stage_free(struct stage *s);
HV_DEFINE_CLEANUP(struct stage, stage_free);

void stage_changed(struct stage *s);
struct hv_unit_status *stage_unit(struct stage *s, const char *container);
/* A replica that is in the way: its pull fails, and the next try is in 12 s. */
void stage_break_web(struct stage *s);
void stage_lose_engine(struct stage *s);
void stage_lose_port(struct stage *s);
void stage_run_short(struct stage *s);
void stage_cap(struct stage *s); /* the slice of all workloads is capped as wished */
void stage_be_busy(struct stage *s);
void stage_fill_disk(struct stage *s);
void stage_miss_image(struct stage *s); /* one of images.preload cannot be pulled, another one waits */
void stage_lose_caps(struct stage *s);  /* the slice of all workloads cannot be capped */
void stage_try_out(struct stage *s);    /* a revision is on trial for 10 more minutes */
void stage_roll_back(struct stage *s);  /* somebody went back to the revision before */
void stage_take_back(struct stage *s);  /* it was not confirmed, and the files still say it */
/* The clocks of logins, sessions and tokens go on by so much at once. */
void stage_go_on(uint64_t us);
void stage_park(struct stage *s);
/* The newest files hold two mistakes. */
void stage_refuse(struct stage *s);
/* Settings of a file, a variable and a flag, in place of its own state. */
void stage_settings(struct stage *s);
/* Of the open session: what its process writes (false: held back), how much input it takes from now on, its end. */
bool stage_say(struct stage *s, bool is_error_output, const char *text, size_t len);
void stage_make_room(struct stage *s, size_t room);
void stage_end_session(struct stage *s, const struct hv_api_session_end *end);
/* Of the open copy: what comes out of the container (false: held back), how much goes into it from now on, its end. */
bool stage_copy_out(struct stage *s, const char *data, size_t len);
void stage_make_room_for_copy(struct stage *s, size_t room);
void stage_end_copy(struct stage *s, const struct hv_err *err);
/* A record of the agent's log, as the agent hands it over. */
void stage_event(struct stage *s, const char *kind, const char *name, const char *message);
void stage_end_log(struct stage *s, int error);
/* Two live tasks (train-1 runs, big-1 waits for memory), and three that ended: sieve-0a1b2c3d completed and left a log and two
 * files, resize-7 failed at its second attempt, nightly-202611210315 took too long. */
void stage_tasks(struct stage *s);
