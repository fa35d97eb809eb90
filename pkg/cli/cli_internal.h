/* cli/cli_internal.h - what the verbs of hivectl share: one run of the program. */
#pragma once

#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"
#include "cli/exit_code.h"
#include "cli/option.h"
#include "cli/verb.h"
#include "spec/kind.h"
#include "json/json.h"

#define HV_CLI_SOCKET_DEFAULT "/run/hivelet/hivelet.sock"
#define HV_CLI_TIMEOUT_DEFAULT_US (30 * UINT64_C(1000000)) /* of one request */

struct hv_client;
struct hv_client_answer;
struct hv_client_config;
struct hv_columns;

struct hv_cli {
        struct hv_cli_options options;
        const struct hv_verb *verb;
        bool out_is_tty, err_is_tty;
        bool color; /* of standard output */
        bool error_color;
        unsigned width;                  /* of the terminal, columns */
        struct hv_client *client;        /* made on first use */
        bool without_session;            /* of the host: a login shows none */
        struct hv_client_config *config; /* what the user's own file says */
        bool has_token;                  /* of that file: it is shown */
        struct hv_columns *columns;      /* of --output; NULL: others */
        bool has_headings;               /* of them: shown already */
};

/* "hivectl: TEXT" on standard error; returns `code`. */
int hv_cli_fail(struct hv_cli *cli, int code, const char *fmt, ...) _hv_printf_(3, 4);
/* A remark on standard error, unless --quiet. */
void hv_cli_note(struct hv_cli *cli, const char *fmt, ...) _hv_printf_(2, 3);
/* "hivectl: TEXT" and how to get help; HV_EXIT_USAGE. */
int hv_cli_usage(struct hv_cli *cli, const char *fmt, ...) _hv_printf_(2, 3);

/* The value of --output, or `otherwise` where it was not given. */
enum hv_output_format hv_cli_output(const struct hv_cli *cli, enum hv_output_format otherwise);

/* One request to the agent. *ret (may be NULL) is the body as JSON. Any trouble was told on standard error
 * already: the result is HV_EXIT_OK or the exit code. */
int hv_cli_get(struct hv_cli *cli, const char *path, struct hv_json **ret);
int hv_cli_post(struct hv_cli *cli, const char *path, const struct hv_buf *json_body, struct hv_json **ret);
int hv_cli_post_yaml(struct hv_cli *cli, const char *path, const struct hv_buf *yaml_body,
                     struct hv_json **ret);
int hv_cli_put(struct hv_cli *cli, const char *path, const struct hv_buf *body, const char *content_type,
               struct hv_json **ret);
int hv_cli_delete(struct hv_cli *cli, const char *path, struct hv_json **ret);
/* The agent's address (--host, $HIVELET_HOST); NULL: its socket. */
const char *hv_cli_host(const struct hv_cli *cli);
int hv_cli_connect(struct hv_cli *cli); /* makes cli->client; HV_EXIT_OK or an exit code */
/* What a refusal of the agent means for the exit code; told on standard error. */
int hv_cli_problem(struct hv_cli *cli, unsigned status, const struct hv_json *problem);
/* The end of a stream that was to go on: refused, broken, or `ended` in words where the agent closed it. */
int hv_cli_stream_end(struct hv_cli *cli, const struct hv_client_answer *answer, const struct hv_err *err,
                      const char *ended);

/* The verb that the arguments begin with; NULL: none. */
const struct hv_verb *hv_cli_verb(const struct hv_cli *cli);
bool hv_cli_is_family(const char *word);     /* "task", of "task ls" and others */
int hv_cli_no_such_verb(struct hv_cli *cli); /* says that the words name none, and what may have been meant */

/* ---- objects on the command line ---- */

struct hv_cli_object {
        enum hv_kind kind;
        const char *name; /* NULL: all of the kind */
        unsigned replica; /* of "web/2" in logs; 0: not said */
};

/* "service/web", "svc/web"; the second word of "svc web" is `name`. HV_EXIT_OK or HV_EXIT_USAGE, told. */
int hv_cli_object(struct hv_cli *cli, const char *word, const char *name, struct hv_cli_object *ret);

/* "web", "web/2", "service/web", "service/web/2", "task/ID": what has a container. As above; `word` is written into. cmd_exec.c */
int hv_cli_container(struct hv_cli *cli, char *word, struct hv_cli_object *ret);

/* Folder of the API that holds a kind: "services". */
const char *hv_cli_folder(enum hv_kind kind);
/* Appends a path segment, percent-encoded. */
void hv_cli_escape_path(struct hv_buf *buf, const char *segment);

/* The service that the arguments name ("web", "svc/web", "svc web"); the caller frees it. HV_EXIT_OK or HV_EXIT_USAGE, told. */
int hv_cli_service(struct hv_cli *cli, const char *verb, char **ret);

/* The body of an order: --reason. */
void hv_cli_put_reason(struct hv_cli *cli, struct hv_buf *body);
/* What people asked for by hand, as remarks: it explains why a change does nothing. */
void hv_cli_note_orders(struct hv_cli *cli, const struct hv_json *orders);

/* The answer of .../why, in lines. */
void hv_why_text(const struct hv_json *j, struct hv_buf *buf); /* cmd_why.c */

/* One line of standard input, without its end; from a terminal it is asked for, and not shown. HV_EXIT_OK, or told. */
#define HV_CLI_LINE_MAX 2048
int hv_cli_read_hidden(struct hv_cli *cli, const char *question, char ret[HV_CLI_LINE_MAX]);

/* ---- verbs, by file ---- */

int hv_cmd_login(struct hv_cli *cli); /* cmd_access.c */
int hv_cmd_logout(struct hv_cli *cli);
int hv_cmd_whoami(struct hv_cli *cli);
int hv_cmd_session_ls(struct hv_cli *cli);
int hv_cmd_session_revoke(struct hv_cli *cli);
int hv_cmd_token_ls(struct hv_cli *cli);
int hv_cmd_token_create(struct hv_cli *cli);
int hv_cmd_token_revoke(struct hv_cli *cli);
int hv_cmd_user_hash(struct hv_cli *cli);
int hv_cmd_apply(struct hv_cli *cli); /* cmd_apply.c */
int hv_cmd_delete(struct hv_cli *cli);
int hv_cmd_confirm(struct hv_cli *cli);
int hv_cmd_rollback(struct hv_cli *cli);
int hv_cmd_rollout_undo(struct hv_cli *cli);
int hv_cmd_update(struct hv_cli *cli);
int hv_cmd_reload(struct hv_cli *cli);
int hv_cmd_convert(struct hv_cli *cli); /* cmd_convert.c */
int hv_cmd_gc(struct hv_cli *cli);      /* cmd_gc.c */
int hv_cmd_cordon(struct hv_cli *cli);  /* cmd_order.c */
int hv_cmd_uncordon(struct hv_cli *cli);
int hv_cmd_drain(struct hv_cli *cli);
int hv_cmd_hold(struct hv_cli *cli);
int hv_cmd_release(struct hv_cli *cli);
int hv_cmd_stop(struct hv_cli *cli);
int hv_cmd_start(struct hv_cli *cli);
int hv_cmd_restart(struct hv_cli *cli);
int hv_cmd_kill(struct hv_cli *cli);
int hv_cmd_rollout_pause(struct hv_cli *cli);
int hv_cmd_rollout_resume(struct hv_cli *cli);
int hv_cmd_rollout_status(struct hv_cli *cli); /* cmd_rollout.c */
int hv_cmd_shutdown(struct hv_cli *cli);       /* cmd_shutdown.c */
int hv_cmd_secret_ls(struct hv_cli *cli);      /* cmd_secret.c */
int hv_cmd_secret_set(struct hv_cli *cli);
int hv_cmd_secret_rm(struct hv_cli *cli);
int hv_cmd_plan(struct hv_cli *cli);     /* cmd_plan.c */
int hv_cmd_validate(struct hv_cli *cli); /* cmd_validate.c */
int hv_cmd_bundle(struct hv_cli *cli);   /* cmd_bundle.c */
int hv_cmd_doctor(struct hv_cli *cli);   /* cmd_doctor.c */
int hv_cmd_get(struct hv_cli *cli);      /* cmd_get.c */
int hv_cmd_images(struct hv_cli *cli);   /* cmd_images.c */
int hv_cmd_ports(struct hv_cli *cli);    /* cmd_ports.c */
int hv_cmd_preload(struct hv_cli *cli);  /* cmd_preload.c */
/* What was asked for and is not there, as remarks. */
void hv_cli_note_preloads(struct hv_cli *cli);
int hv_cmd_sources(struct hv_cli *cli); /* cmd_lists.c */
int hv_cmd_revisions(struct hv_cli *cli);
int hv_cmd_settings(struct hv_cli *cli);       /* cmd_settings.c */
int hv_cmd_history(struct hv_cli *cli);        /* cmd_history.c */
int hv_cmd_describe(struct hv_cli *cli);       /* cmd_describe.c */
int hv_cmd_status(struct hv_cli *cli);         /* cmd_status.c */
int hv_cmd_top(struct hv_cli *cli);            /* cmd_top.c */
int hv_cmd_why(struct hv_cli *cli);            /* cmd_why.c */
int hv_cmd_wait(struct hv_cli *cli);           /* cmd_wait.c */
int hv_cmd_receipt_verify(struct hv_cli *cli); /* cmd_receipt.c */
int hv_cmd_receipt_key(struct hv_cli *cli);
int hv_cmd_events(struct hv_cli *cli);     /* cmd_events.c */
int hv_cmd_logs(struct hv_cli *cli);       /* cmd_logs.c */
int hv_cmd_exec(struct hv_cli *cli);       /* cmd_exec.c */
int hv_cmd_cp(struct hv_cli *cli);         /* cmd_cp.c */
int hv_cmd_explain(struct hv_cli *cli);    /* cmd_explain.c */
int hv_cmd_schema(struct hv_cli *cli);     /* cmd_schema.c */
int hv_cmd_completion(struct hv_cli *cli); /* cmd_completion.c */
int hv_cmd_complete(struct hv_cli *cli);
int hv_cmd_run(struct hv_cli *cli);     /* cmd_run.c */
int hv_cmd_task_ls(struct hv_cli *cli); /* cmd_task.c */
int hv_cmd_task_show(struct hv_cli *cli);
int hv_cmd_task_stop(struct hv_cli *cli);
int hv_cmd_task_retry(struct hv_cli *cli);
int hv_cmd_task_rm(struct hv_cli *cli);
int hv_cmd_task_receipt(struct hv_cli *cli);
int hv_cmd_cron_ls(struct hv_cli *cli); /* cmd_cron.c */
int hv_cmd_cron_trigger(struct hv_cli *cli);
int hv_cmd_cron_suspend(struct hv_cli *cli);
int hv_cmd_cron_resume(struct hv_cli *cli);
int hv_cmd_fit(struct hv_cli *cli); /* cmd_fit.c */
int hv_cmd_trust(struct hv_cli *cli);
int hv_cmd_task_logs(struct hv_cli *cli);    /* cmd_logs.c */
int hv_cmd_task_results(struct hv_cli *cli); /* cmd_results.c */
int hv_cmd_wg_show(struct hv_cli *cli);      /* cmd_wg.c */
int hv_cmd_wg_rotate(struct hv_cli *cli);    /* cmd_wg_act.c */
int hv_cmd_wg_ping(struct hv_cli *cli);
int hv_cmd_wg_genkey(struct hv_cli *cli);
int hv_cmd_wg_pubkey(struct hv_cli *cli);
int hv_cmd_version(struct hv_cli *cli); /* cmd_version.c */
int hv_cmd_help(struct hv_cli *cli);    /* help.c */
