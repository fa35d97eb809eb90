/* hivepool/admin_private.h - what the parts of the door share. */
#pragma once

#include <nodepool_admin.pb-c.h>

#include "hivepool/admin.h"

/* admin_read.c */
void hv_admin_on_pool(void *userdata, struct hv_rpc_server_call *call, struct hv_rpc_bytes *request);
void hv_admin_on_list(void *userdata, struct hv_rpc_server_call *call, struct hv_rpc_bytes *request);
void hv_admin_on_task(void *userdata, struct hv_rpc_server_call *call, struct hv_rpc_bytes *request);
void hv_admin_on_nodes(void *userdata, struct hv_rpc_server_call *call, struct hv_rpc_bytes *request);
void hv_admin_on_result(void *userdata, struct hv_rpc_server_call *call, struct hv_rpc_bytes *request);
void hv_admin_on_log(void *userdata, struct hv_rpc_server_call *call, struct hv_rpc_bytes *request);
void hv_admin_on_wait(void *userdata, struct hv_rpc_server_call *call, struct hv_rpc_bytes *request);
void hv_admin_on_wait_done(void *userdata, struct hv_rpc_server_call *call, bool written);
