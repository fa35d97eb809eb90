/* docker/container_parse.h - what engines say about containers. Private to the module; pure. 0, or -EBADMSG when the
 * document is not of this kind at all. */
#pragma once

#include "docker/container.h"
#include "json/json.h"

int hv_docker_parse_containers(const struct hv_json *j, struct hv_docker_result *result);
int hv_docker_parse_container(const struct hv_json *j, struct hv_docker_result *result);
int hv_docker_parse_created(const struct hv_json *j, struct hv_docker_result *result); /* of networks too */
int hv_docker_parse_exit(const struct hv_json *j, struct hv_docker_result *result);
int hv_docker_parse_usage(const struct hv_json *j, struct hv_docker_result *result);
