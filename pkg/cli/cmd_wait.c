/* hivectl wait: returns when the node, or one object, is as wished. */
#include "cli/wait.h"

int hv_cmd_wait(struct hv_cli *cli) {
        const struct hv_cli_options *o = &cli->options;
        struct hv_cli_object object = {};
        struct hv_wait wait = {
                .ready = hv_streq(o->wait_for, "ready"),
                .timeout_us = hv_option_is_given(o, HV_OPT_TIMEOUT) ? o->timeout_us : 0,
        };
        int r;

        if (o->n_args > 0) {
                r = hv_cli_object(cli, o->args[0], o->n_args > 1 ? o->args[1] : NULL, &object);
                if (r != HV_EXIT_OK)
                        return r;
                if (!object.name)
                        return hv_cli_usage(cli, "which %s? For example: hivectl wait %s/NAME",
                                            hv_kind_label(object.kind), hv_kind_label(object.kind));
                wait.object = &object;
        }
        return hv_cli_wait(cli, &wait);
}
