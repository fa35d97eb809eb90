/* wireguard/program.h - the back end of WireGuard in user space: a wireguard-go an interface, and its socket. */
#pragma once

#include "wireguard/launch.h"

struct hv_wg_program;

struct hv_wg_program_setup {
        struct sd_event *event;
        const char *directory; /* of the sockets; NULL: HV_WG_UAPI_DIRECTORY */
        const char *program;   /* NULL: HV_WG_PROGRAM */
        enum hv_wg_launch_way way;
};

/* The texts are borrowed. The back end's answers must be cancelled or told before it is freed. */
struct hv_wg_program *hv_wg_program_new(const struct hv_wg_program_setup *setup);
struct hv_wg_program *hv_wg_program_free(
        struct hv_wg_program *p); /* takes NULL, gives NULL; ends no program */
HV_DEFINE_CLEANUP(struct hv_wg_program, hv_wg_program_free);

const struct hv_wg_backend *hv_wg_program_backend(const struct hv_wg_program *p); /* good as long as p */
