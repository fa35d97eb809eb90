/* wg_probe.c NAME - keeps a tunnel of this name until it is as wanted, says what that took, and leaves. */
#include <stdio.h>
#include <systemd/sd-event.h>

#include "wireguard/program.h"
#include "wireguard/tunnel.h"

static void looked(void *userdata, const struct hv_wg_status *status) {
        if (status->state == HV_WG_STATE_IN_SYNC)
                (void) printf("in sync after %zu changes, by %s\n", status->n_changes, status->backend);
        else
                (void) fprintf(stderr, "%s\n", status->error->msg);
        (void) sd_event_exit(userdata, status->state == HV_WG_STATE_IN_SYNC ? 0 : 1);
}

static void notice(void *userdata, int index, const char *name) {
        (void) userdata;
        (void) index;
        (void) name;
}

static void want(const char *name, struct hv_wg_interface *ret) {
        unsigned char key[HV_WG_KEY_SIZE] = { [31] = 64 };
        struct hv_wg_address *a;

        *ret = (struct hv_wg_interface){ .kind = HV_WG_LINK_TUN,
                                         .alias = "hivelet:probe",
                                         .listen_port = 51820 };
        (void) snprintf(ret->name, sizeof ret->name, "%s", name);
        ret->private_key = hv_secret_new(key, sizeof key);
        ret->private_seal = hv_wg_seal(key);
        a = hv_vec_add(&ret->addresses);
        a->is_ours = true;
        (void) hv_value_address_cidr("10.98.0.1/24", &a->cidr, NULL);
}

int main(int argc, char **argv) {
        const struct hv_wg_backend *backends[1];
        struct hv_wg_tunnel_setup setup = { .backends = backends, .n_backends = 1, .looked = looked };
        struct hv_wg_program_setup program_setup = {};
        _hv_cleanup_(hv_wg_tunnel_freep) struct hv_wg_tunnel *tunnel = NULL;
        _hv_cleanup_(hv_wg_program_freep) struct hv_wg_program *program = NULL;
        _hv_cleanup_(hv_wg_links_freep) struct hv_wg_links *links = NULL;
        struct hv_wg_interface wanted;
        struct hv_err err = {};
        sd_event *event = NULL;
        int r;

        if (argc != 2)
                return 64;
        r = sd_event_default(&event);
        if (r >= 0)
                r = hv_wg_links_new(event, notice, NULL, &links, &err);
        program_setup.event = setup.event = setup.userdata = event;
        program = hv_wg_program_new(&program_setup);
        backends[0] = hv_wg_program_backend(program);
        setup.links = links;
        if (r >= 0)
                r = hv_wg_tunnel_new(&setup, argv[1], &tunnel, &err);
        if (r < 0) {
                (void) fprintf(stderr, "%s\n", err.msg);
                return 1;
        }
        want(argv[1], &wanted);
        hv_wg_tunnel_want(tunnel, &wanted);
        r = sd_event_loop(event);
        tunnel = hv_wg_tunnel_free(tunnel);
        sd_event_unref(event);
        return r;
}
