/* hivepool cancel, rm, forget - what is changed by hand. */
#include <nodepool_admin.pb-c.h>

#include "client.h"

static int call(struct cli *cli, const char *method, const ProtobufCMessage *m) {
        _hv_cleanup_(hv_arena_freep) struct hv_arena *arena = hv_arena_new();
        _hv_cleanup_(client_freep) struct client *client = client_new(cli);
        Hivepool__Done *done = NULL;

        return client_call(client, method, m, &hivepool__done__descriptor, arena, &done);
}

int run_cancel(struct cli *cli) {
        Hivepool__CancelTaskRequest m = HIVEPOOL__CANCEL_TASK_REQUEST__INIT;

        m.id = cli->args[0];
        if (cli->values[OPT_REASON])
                m.reason = (char *) cli->values[OPT_REASON];
        return call(cli, "CancelTask", &m.base);
}

int run_rm(struct cli *cli) {
        Hivepool__RemoveTaskRequest m = HIVEPOOL__REMOVE_TASK_REQUEST__INIT;

        m.id = cli->args[0];
        return call(cli, "RemoveTask", &m.base);
}

int run_forget(struct cli *cli) {
        Hivepool__ForgetNodeRequest m = HIVEPOOL__FORGET_NODE_REQUEST__INIT;

        m.id = cli->args[0];
        return call(cli, "ForgetNode", &m.base);
}
