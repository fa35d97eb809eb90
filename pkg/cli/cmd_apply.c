/* hivectl apply, update, confirm, rollback, rollout undo, delete, reload: what changes the desired state. */
#include "cli/change.h"
#include "cli/output.h"
#include "cli/wait.h"
#include "json/write.h"

#define REVISION_SHOWN 12

static void tell(struct hv_cli *cli, const struct hv_json *j) {
        const char *outcome = hv_json_str(j, "outcome"), *revision = hv_json_str(j, "revision");
        const struct hv_json *parked = hv_json_get(j, "parked"), *objects = hv_json_get(parked, "objects"),
                             *confirm = hv_json_get(j, "confirm");
        _hv_cleanup_(hv_buf_done) struct hv_buf text = {};
        char when[HV_AGE_SIZE];

        if (!revision)
                revision = "";
        if (hv_streq(outcome, "Confirmed"))
                hv_buf_printf(&text, "confirmed: revision %.*s stays\n", REVISION_SHOWN, revision);
        else if (hv_streq(outcome, "Reverted")) {
                hv_change_list(j, cli->color, &text);
                hv_buf_printf(&text, "taken back: revision %.*s is in force again\n", REVISION_SHOWN,
                              revision);
                if (hv_json_bool(confirm, "filesHeldOff", false))
                        hv_buf_puts(&text,
                                    "the files still say what was taken back: they are held off until they "
                                    "change, or hivectl apply takes them as they are\n");
        } else if (hv_streq(outcome, "RolledBack")) {
                hv_change_list(j, cli->color, &text);
                hv_buf_printf(&text, "rolled back: revision %.*s is in force again\n", REVISION_SHOWN,
                              revision);
                if (hv_json_bool(confirm, "filesHeldOff", false))
                        hv_buf_puts(&text, "the files say something else: they are held off until they "
                                           "change, or hivectl apply takes them as they are\n");
        } else if (hv_streq(outcome, "Unchanged"))
                hv_buf_printf(&text, "unchanged: revision %.*s is in force\n", REVISION_SHOWN, revision);
        else if (hv_streq(outcome, "Parked")) {
                hv_buf_printf(&text, "parked: revision %.*s would remove %d of %d objects\n", REVISION_SHOWN,
                              revision, (int) hv_json_int(parked, "removals", 0),
                              (int) hv_json_int(parked, "existing", 0));
                for (size_t i = 0; i < hv_json_size(objects); i++)
                        hv_buf_printf(&text, "- %s\n", hv_json_as_str(hv_json_at(objects, i)));
                hv_buf_printf(&text, "to let it: hivectl apply --accept-prune %.*s\n", REVISION_SHOWN,
                              revision);
        } else {
                hv_change_list(j, cli->color, &text);
                hv_buf_printf(&text, "%s: revision %.*s\n",
                              hv_option_is_given(&cli->options, HV_OPT_DRY_RUN) ? "valid" : "in force",
                              REVISION_SHOWN, revision);
        }
        if (hv_option_is_given(&cli->options, HV_OPT_CONFIRM) && hv_json_str(confirm, "deadline"))
                hv_buf_printf(&text, "on trial until %s: without hivectl confirm, revision %.*s comes back\n",
                              hv_output_instant(hv_json_str(confirm, "deadline"), when), REVISION_SHOWN,
                              hv_json_str(confirm, "goesBackTo"));
        hv_cli_note_orders(cli, hv_json_get(j, "orders"));
        (void) fputs(hv_buf_str(&text), stdout); /* names are DNS labels, so nothing needs escaping */
}

/* What the verdict means for the exit code, and the wait that may follow it. */
static int conclude(struct hv_cli *cli, const struct hv_json *j) {
        const struct hv_cli_options *o = &cli->options;
        struct hv_wait wait = {
                .revision = hv_json_str(j, "revision"),
                .timeout_us = hv_option_is_given(o, HV_OPT_TIMEOUT) ? o->timeout_us : 0,
        };

        if (hv_streq(hv_json_str(j, "outcome"), "Parked"))
                return HV_EXIT_PENDING;
        if (!hv_option_is_given(o, HV_OPT_WAIT) || hv_option_is_given(o, HV_OPT_DRY_RUN))
                return HV_EXIT_OK;
        return hv_cli_wait(cli, &wait);
}

/* Takes `j`, the answer (NULL: none), whose request ended with `r`. */
static int finish(struct hv_cli *cli, int r, struct hv_json *j) {
        enum hv_output_format format = hv_cli_output(cli, HV_OUTPUT_TABLE);
        _hv_cleanup_(hv_json_freep) struct hv_json *answer = j;
        bool as_document = hv_output_is_document(format);

        if (as_document && answer)
                hv_output_document(cli, answer, format);
        if (answer && (r != HV_EXIT_OK || !as_document))
                hv_change_findings(cli, answer);
        if (r != HV_EXIT_OK)
                return r;
        if (!as_document && !hv_option_is_given(&cli->options, HV_OPT_QUIET))
                tell(cli, answer);
        (void) fflush(stdout);
        return conclude(cli, answer);
}

int hv_cmd_apply(struct hv_cli *cli) {
        const struct hv_cli_options *o = &cli->options;
        _hv_cleanup_(hv_buf_done) struct hv_buf body = {}, path = {};
        struct hv_json *j = NULL;
        int r = hv_change_body(cli, &body);

        if (r != HV_EXIT_OK)
                return r;
        hv_buf_puts(&path, "/api/v1/apply");
        if (o->accept_prune) {
                hv_buf_puts(&path, "?accept-prune=");
                hv_cli_escape_path(&path, o->accept_prune);
        }
        if (hv_option_is_given(o, HV_OPT_DRY_RUN))
                hv_buf_puts(&path, o->accept_prune ? "&dry-run=1" : "?dry-run=1");
        if (o->confirm) {
                hv_buf_puts(&path, strchr(hv_buf_str(&path), '?') ? "&confirm=" : "?confirm=");
                hv_cli_escape_path(&path, o->confirm);
        }
        r = hv_cli_post(cli, hv_buf_str(&path), body.len > 0 ? &body : NULL, &j);
        return finish(cli, r, j);
}

int hv_cmd_confirm(struct hv_cli *cli) {
        bool revert = hv_option_is_given(&cli->options, HV_OPT_REVERT);
        struct hv_json *j = NULL;
        int r = hv_cli_post(cli, revert ? "/api/v1/confirm?revert=1" : "/api/v1/confirm", NULL, &j);

        return finish(cli, r, j);
}

int hv_cmd_rollback(struct hv_cli *cli) {
        const struct hv_cli_options *o = &cli->options;
        _hv_cleanup_(hv_buf_done) struct hv_buf path = {};
        struct hv_json *j = NULL;
        int r;

        hv_buf_puts(&path, "/api/v1/revisions/");
        hv_cli_escape_path(&path, o->n_args > 0 ? o->args[0] : "previous");
        hv_buf_puts(&path, "/activate");
        if (o->accept_prune) {
                hv_buf_puts(&path, "?accept-prune=");
                hv_cli_escape_path(&path, o->accept_prune);
        }
        r = hv_cli_post(cli, hv_buf_str(&path), NULL, &j);
        return finish(cli, r, j);
}

/* ---- one service ---- */

static int change_service(struct hv_cli *cli, const char *verb, const char *what, const struct hv_buf *body) {
        _hv_cleanup_(hv_buf_done) struct hv_buf path = {};
        _hv_cleanup_free_ char *name = NULL;
        struct hv_json *j = NULL;
        int r = hv_cli_service(cli, verb, &name);

        if (r != HV_EXIT_OK)
                return r;
        hv_buf_puts(&path, "/api/v1/services/");
        hv_cli_escape_path(&path, name);
        hv_buf_printf(&path, "/%s", what);
        r = hv_cli_post(cli, hv_buf_str(&path), body, &j);
        return finish(cli, r, j);
}

int hv_cmd_rollout_undo(struct hv_cli *cli) {
        return change_service(cli, "rollout undo", "rollback", NULL);
}

int hv_cmd_update(struct hv_cli *cli) {
        const struct hv_cli_options *o = &cli->options;
        _hv_cleanup_(hv_buf_done) struct hv_buf body = {};
        struct hv_json_writer w = { .buf = &body };

        if (!o->image && o->n_env == 0)
                return hv_cli_usage(
                        cli, "what shall be other? For example: hivectl update web --image nginx:1.28");
        hv_json_begin_object(&w, NULL);
        if (o->image)
                hv_json_put_str(&w, "image", o->image);
        hv_json_begin_array(&w, "env");
        for (size_t i = 0; i < o->n_env; i++) {
                size_t n = strcspn(o->env[i], "=");

                if (n == 0 || !o->env[i][n])
                        return hv_cli_usage(cli, "--env: expected NAME=VALUE");
                hv_json_begin_object(&w, NULL);
                hv_json_put_strn(&w, "name", o->env[i], n);
                hv_json_put_str(&w, "value", o->env[i] + n + 1);
                hv_json_end(&w);
        }
        hv_json_end(&w);
        hv_json_end(&w);
        return change_service(cli, "update", "update", &body);
}

int hv_cmd_reload(struct hv_cli *cli) {
        struct hv_json *j = NULL;
        int r = hv_cli_post(cli, "/api/v1/reload", NULL, &j);

        return finish(cli, r, j);
}

int hv_cmd_delete(struct hv_cli *cli) {
        const struct hv_cli_options *o = &cli->options;
        _hv_cleanup_(hv_buf_done) struct hv_buf path = {};
        struct hv_cli_object object;
        struct hv_json *j = NULL;
        int r;

        if (o->n_args == 0)
                return hv_cli_usage(cli, "what is to be deleted? For example: hivectl delete service/web");
        r = hv_cli_object(cli, o->args[0], o->n_args > 1 ? o->args[1] : NULL, &object);
        if (r != HV_EXIT_OK)
                return r;
        if (!object.name)
                return hv_cli_usage(cli, "which %s? One object is deleted at a time, by its name",
                                    hv_kind_label(object.kind));
        hv_buf_printf(&path, "/api/v1/%s/", hv_cli_folder(object.kind));
        hv_cli_escape_path(&path, object.name);
        r = hv_cli_delete(cli, hv_buf_str(&path), &j);
        return finish(cli, r, j);
}
