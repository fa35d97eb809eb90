/* docker/quirks.c - see quirks.h. */
#include "docker/quirks.h"

static bool says(const char *message, const char *words) {
        return message && strcasestr(message, words);
}

/* Registries' errors pass through the engine as text. "denied" alone would match a path on a full disk. */
bool hv_docker_quirk_is_denied(const char *message) {
        return says(message, "unauthorized") || says(message, "authentication required") ||
               says(message, "no basic auth credentials") ||
               says(message, "requested access to the resource is denied");
}

/* podman answers 500 for a taken name and for an object that is in the wrong state. */
static bool is_conflict(enum hv_docker_op op, const char *message) {
        switch (op) {
        case HV_DOCKER_OP_CONTAINER_CREATE:
        case HV_DOCKER_OP_CONTAINER_RENAME:
                return says(message, "name is already in use") || says(message, "is already in use");
        case HV_DOCKER_OP_CONTAINER_KILL:
        case HV_DOCKER_OP_CONTAINER_PAUSE:
        case HV_DOCKER_OP_CONTAINER_UNPAUSE:
        case HV_DOCKER_OP_CONTAINER_START:
        case HV_DOCKER_OP_CONTAINER_STOP:
        case HV_DOCKER_OP_EXEC_CREATE:
                return says(message, "container state improper");
        case HV_DOCKER_OP_CONTAINER_REMOVE:
                return says(message, "container state improper") || says(message, "cannot remove container");
        case HV_DOCKER_OP_NETWORK_CREATE:
                return says(message, "already exists") || says(message, "already used");
        case HV_DOCKER_OP_NETWORK_REMOVE:
        case HV_DOCKER_OP_NETWORK_CONNECT:
                return says(message, "is being used") || says(message, "already connected");
        case HV_DOCKER_OP_VOLUME_REMOVE:
        case HV_DOCKER_OP_IMAGE_REMOVE:
                return says(message, "being used") || says(message, "in use");
        default:
                return false;
        }
}

unsigned hv_docker_quirk_status(enum hv_docker_op op, enum hv_docker_kind kind, unsigned status,
                                const char *message) {
        /* Docker gives 404 "pull access denied" and 500 "unauthorized" for what is a matter of logins. */
        if (op == HV_DOCKER_OP_IMAGE_PULL && status >= 400 && hv_docker_quirk_is_denied(message))
                return 401;
        if (kind != HV_DOCKER_KIND_PODMAN)
                return status;
        if (status == 500 && is_conflict(op, message))
                return 409;
        /* The route does not exist (4.3): no container will ever be found there. A version that has it names the container. */
        if (status == 404 && op == HV_DOCKER_OP_CONTAINER_UPDATE && !says(message, "no such container") &&
            !says(message, "no container with name or ID"))
                return 501;
        return status;
}
