/* The table of the API's routes: who may send what where, and what the description says of it (http/openapi.h).
 * Handlers: api_*.c. */
#include "http/api_task.h"

#include "base/alloc.h"
#include "http/api_web.h"
#include "http/server.h"

/* ---- what routes understand ---- */

#define BOOLEAN "{type: boolean}"
#define TEXT "{type: string}"

#define PARAMETERS(id, ...) static const struct hv_http_parameter id[] = { __VA_ARGS__, {} }

#define LIMIT(max) \
        { "limit", "{type: integer, minimum: 1, maximum: " #max "}", "items of one answer" }
#define CONTINUE \
        { "continue", TEXT, "metadata.continue of the page before" }
#define SINCE \
        { "since", TEXT, "id of an event, an instant, or a span back from now such as 10m" }
#define TAIL \
        { "tail", "{type: integer, minimum: 0, maximum: 1000}", "the last ones" }
#define LAST_EVENT_ID \
        { "Last-Event-ID", TEXT, "of a stream: what came behind it", .is_header = true }
#define ATTEMPT \
        { "attempt", "{type: integer, minimum: 1}", "of which attempt; default: the newest" }
#define LOG                                                                                       \
        { "follow", BOOLEAN, "go on with what is written later" },                                \
                { "tail", "{anyOf: [{type: integer, minimum: 0}, {const: all}]}", "last lines" }, \
                { "since", TEXT, "a span back from now such as 10m, or an instant" },             \
                { "stream", "{enum: [all, stdout, stderr]}" }, {                                  \
                "timestamps", BOOLEAN, "each line begins with its time"                           \
        }
#define PREVIOUS(what) \
        { "previous", BOOLEAN, what }

PARAMETERS(READY, { "verbose", BOOLEAN, "lists every check" },
           { "exclude", TEXT, "checks to leave out, separated by commas" });
#define WATCH \
        { "watch", BOOLEAN, "what comes of the list, as a stream" }
PARAMETERS(PAGE, LIMIT(10000), CONTINUE);
PARAMETERS(OBJECTS, LIMIT(10000), CONTINUE, WATCH, LAST_EVENT_ID);
PARAMETERS(HISTORY, { "history", BOOLEAN, "with the points of the last rounds, oldest first" });
PARAMETERS(EVENTS, { "follow", BOOLEAN, "as a stream" }, SINCE, TAIL, LAST_EVENT_ID, LIMIT(1000), CONTINUE);
PARAMETERS(OBJECT_EVENTS, SINCE, TAIL, LIMIT(1000), CONTINUE);
PARAMETERS(ORIGIN, { "field", TEXT, "path of the field, such as restart.policy or ports[0].host" });
PARAMETERS(SERVICE_LOG, { "replica", "{type: integer, minimum: 1, maximum: 1000, default: 1}" },
           PREVIOUS("only what the last run that is over wrote; not with follow"), LOG);
PARAMETERS(TASKS, { "state", TEXT, "live, ended, or states, separated by commas" },
           { "source", "{enum: [file, cron, api, pool]}" }, { "name", TEXT, "name of the Task or CronTask" },
           { "cron", TEXT, "name of the CronTask" },
           { "search", TEXT, "a part of its id or of the name of the Task, in any case" }, LIMIT(1000),
           CONTINUE, WATCH, LAST_EVENT_ID);
PARAMETERS(SUBMIT, { "id", TEXT, "id of the task; otherwise the key, or name and content, make it" },
           { "again", BOOLEAN, "a new id, whatever ran before" },
           { "file", TEXT, "how findings call the document" },
           { "Idempotency-Key", "{type: string, maxLength: 200}", "the same key is the same task",
             .is_header = true });
PARAMETERS(TASK_LOG, ATTEMPT, PREVIOUS("of the attempt before the newest; not with attempt or follow"), LOG);
PARAMETERS(RESULTS, ATTEMPT, { "format", "{enum: [json, tar, zip]}" }, LIMIT(10000), CONTINUE);
PARAMETERS(RESULT, ATTEMPT, { "Range", TEXT, "one range", .is_header = true },
           { "If-Range", TEXT, NULL, .is_header = true });
#define COPIED \
        { "path", TEXT, "absolute" }
#define REPLICA \
        { "replica", "{type: integer, minimum: 1, maximum: 1000, default: 1}" }
PARAMETERS(SERVICE_COPY_OUT, COPIED, REPLICA, { "format", "{enum: [json, tar]}" });
PARAMETERS(SERVICE_COPY_IN, { "path", TEXT, "absolute; a folder" }, REPLICA);
PARAMETERS(COPY_OUT_OF, COPIED, { "format", "{enum: [json, tar]}" });
PARAMETERS(COPY_INTO, { "path", TEXT, "absolute; a folder" });
PARAMETERS(FIT, { "file", TEXT, "how findings call the document" });
PARAMETERS(TRUST, LIMIT(1000), CONTINUE);
PARAMETERS(ROTATE, { "prepare", BOOLEAN, "make the next key and tell it; nothing uses it yet" },
           { "undo", BOOLEAN, "back to the key of before" });
PARAMETERS(PING, { "peer", TEXT, "only this one" });
PARAMETERS(DOCUMENTS, { "name", TEXT, "name of an application/yaml body, for messages" });
PARAMETERS(APPLY, { "accept-prune", TEXT, "parked revision, or the start of it" }, { "dry-run", BOOLEAN },
           { "confirm", "{type: string, examples: [10m]}",
             "on trial for this time, 10s to 24h: taken back unless it is confirmed" },
           { "name", TEXT, "name of an application/yaml body, for messages" });
PARAMETERS(ACTIVATE, { "accept-prune", TEXT,
                       "the same revision, or the start of it: it may remove as much as it does" });
PARAMETERS(PRELOAD, { "watch", BOOLEAN, "what comes of it, as a stream" });
PARAMETERS(RESTART, { "now", BOOLEAN, "all replicas at once, whatever is missing" });
PARAMETERS(CONFIRM, { "revert", BOOLEAN, "take it back" });

/* ---- handlers of every kind: the table below names each path of its own, so nothing is open by accident ---- */

#define KIND_HANDLERS(id, KIND)                                                      \
        static void get_##id(struct hv_http_request *req, void *userdata) {          \
                hv_api_get_list(req, userdata, KIND);                                \
        }                                                                            \
        static void get_##id##_one(struct hv_http_request *req, void *userdata) {    \
                hv_api_get_one(req, userdata, KIND, HV_API_WHOLE);                   \
        }                                                                            \
        static void get_##id##_status(struct hv_http_request *req, void *userdata) { \
                hv_api_get_one(req, userdata, KIND, HV_API_STATUS);                  \
        }                                                                            \
        static void get_##id##_why(struct hv_http_request *req, void *userdata) {    \
                hv_api_get_one(req, userdata, KIND, HV_API_WHY);                     \
        }                                                                            \
        static void get_##id##_origin(struct hv_http_request *req, void *userdata) { \
                hv_api_get_origin(req, userdata, KIND);                              \
        }                                                                            \
        static void get_##id##_events(struct hv_http_request *req, void *userdata) { \
                hv_api_get_object_events(req, userdata, KIND);                       \
        }                                                                            \
        static void delete_##id(struct hv_http_request *req, void *userdata) {       \
                hv_api_delete_object(req, userdata, KIND);                           \
        }

KIND_HANDLERS(service, HV_KIND_SERVICE)
KIND_HANDLERS(network, HV_KIND_NETWORK)
KIND_HANDLERS(volume, HV_KIND_VOLUME)
KIND_HANDLERS(secret, HV_KIND_SECRET)
KIND_HANDLERS(config, HV_KIND_CONFIG)
KIND_HANDLERS(image, HV_KIND_IMAGE)
KIND_HANDLERS(registry, HV_KIND_REGISTRY)
KIND_HANDLERS(crontask, HV_KIND_CRONTASK)
KIND_HANDLERS(wireguard, HV_KIND_WIREGUARD)

/* Of secrets the name is all that is shown, and no text of configs: those have no document. */
#define DOCUMENT_HANDLER(id, KIND)                                                     \
        static void get_##id##_document(struct hv_http_request *req, void *userdata) { \
                hv_api_get_document(req, userdata, KIND);                              \
        }

DOCUMENT_HANDLER(service, HV_KIND_SERVICE)
DOCUMENT_HANDLER(network, HV_KIND_NETWORK)
DOCUMENT_HANDLER(volume, HV_KIND_VOLUME)
DOCUMENT_HANDLER(image, HV_KIND_IMAGE)
DOCUMENT_HANDLER(registry, HV_KIND_REGISTRY)
DOCUMENT_HANDLER(crontask, HV_KIND_CRONTASK)
DOCUMENT_HANDLER(wireguard, HV_KIND_WIREGUARD)

/* ---- rows: tag, path, role, handler, [largest body,] answers, summary [, .body, .parameters, .details] ---- */

#define ROW(method_, tag_, path_, role_, handle_, answers_, ...)                                          \
        {                                                                                                 \
                .method = HV_HTTP_##method_, .tag = #tag_, .path = (path_), .role = HV_HTTP_ROLE_##role_, \
                .handle = (handle_), .answers = (answers_), .summary = __VA_ARGS__                        \
        }
#define GET(tag_, path_, role_, handle_, ...) ROW(GET, tag_, path_, role_, handle_, __VA_ARGS__)
#define DELETE(tag_, path_, role_, handle_, ...) ROW(DELETE, tag_, path_, role_, handle_, __VA_ARGS__)
#define POST(tag_, path_, role_, handle_, max_, ...) \
        ROW(POST, tag_, path_, role_, handle_, __VA_ARGS__, .body_max_bytes = (max_))
#define PUT(tag_, path_, role_, handle_, max_, ...) \
        ROW(PUT, tag_, path_, role_, handle_, __VA_ARGS__, .body_max_bytes = (max_))
#define JUDGE(tag_, path_, role_, handle_, ...)                                                      \
        ROW(POST, tag_, path_, role_, handle_, __VA_ARGS__, .body_max_bytes = HV_API_BODY_MAX_BYTES, \
            .flags = HV_HTTP_JUDGES)

#define WATCHED                                                                                                   \
        "With watch=1, or where Accept prefers text/event-stream, server-sent events: RESET and each object as "  \
        "ADDED, then ADDED, MODIFIED (the data is the object) and DELETED (its kind and name) as things change. " \
        "Behind Last-Event-ID only what changed since, where that is still known."

#define KIND_ROUTES(plural, id, word)                                                                        \
        GET(objects, "/api/v1/" plural, VIEWER, get_##id, "200 ObjectList text/event-stream, 304, 400, 503", \
            "list of " plural, .parameters = OBJECTS, .flags = HV_HTTP_QUIET, .details = WATCHED),           \
                GET(objects, "/api/v1/" plural "/{name}", VIEWER, get_##id##_one, "200 Object, 304, 404",    \
                    "one " word),                                                                            \
                DELETE(changes, "/api/v1/" plural "/{name}", ADMIN, delete_##id, CHANGED,                    \
                       "forget one " word " of the source api",                                              \
                       .details = "What a file declares is deleted in that file."),                          \
                GET(objects, "/api/v1/" plural "/{name}/status", VIEWER, get_##id##_status,                  \
                    "200 ObjectStatus, 304, 404", "status of one " word),                                    \
                GET(objects, "/api/v1/" plural "/{name}/why", VIEWER, get_##id##_why, "200 Why, 404",        \
                    "why one " word " is as it is"),                                                         \
                GET(objects, "/api/v1/" plural "/{name}/origin", VIEWER, get_##id##_origin,                  \
                    "200 Origin, 400, 404", "who set one field of one " word, .parameters = ORIGIN),         \
                GET(objects, "/api/v1/" plural "/{name}/events", VIEWER, get_##id##_events,                  \
                    "200 EventList, 400", "events about one " word ", one that is gone included",            \
                    .parameters = OBJECT_EVENTS)

#define DOCUMENT_ROUTE(plural, id, word)                                                \
        GET(objects, "/api/v1/" plural "/{name}/document", VIEWER, get_##id##_document, \
            "200 Declaration, 404", "one " word " as one would write it into a file",   \
            .details =                                                                  \
                    "What is shown to nobody (values of variables, texts of inputs, parameters) is left out, and named.")

#define CHANGED "200 Change, 400, 403, 404, 409, 422 Refused, 503"
#define ORDERED "200 Object, 400, 404, 409, 503"
#define SESSION "101, 400, 404, 409, 426, 503"
#define SESSION_DETAILS                                                                                            \
        "Asked for with `Connection: Upgrade` and `Upgrade: hivelet-session`. After 101 the connection carries "   \
        "frames both ways: docs/http-api.md, \"Sessions\". At most 16 at once. The audit names the first word of " \
        "the command only."
#define SECRET_MAX_BYTES ((size_t) 512 << 10)
#define EXEC_MAX_BYTES ((size_t) 128 << 10)
#define COPY_MAX_BYTES ((size_t) 16 << 30)
#define COPY_IN "204, 400, 403, 404, 409, 413, 503"
#define COPY_OUT "200 Path application/x-tar, 400, 404, 409, 503"
#define COPY_OUT_DETAILS                                                                                  \
        "A tar, named from the last component of the path on; with format=json what is at the path. The " \
        "container need not run. A download that breaks has no proper end."
#define COPY_IN_DETAILS                                                                                 \
        "The body is a tar of at most 16 GiB, which the engine unpacks in a folder that is there. The " \
        "container need not run. A folder is not replaced by a file, nor a file by a folder; what was " \
        "unpacked before an error stays."
#define TASK_CHANGED "200 Task, 403, 404, 409, 503"

static const struct hv_http_route routes[] = {
        GET(probes, "/livez", ANYONE, hv_api_get_livez, "200 text/plain", "the agent's loop turns"),
        GET(probes, "/healthz", ANYONE, hv_api_get_livez, "200 text/plain", "the same as /livez"),
        GET(probes, "/readyz", ANYONE, hv_api_get_readyz, "200 text/plain, 503 NotReady",
            "the agent does its work", .parameters = READY,
            .details =
                    "The engine answers and was looked at, and a revision is in force. Being out of sync is not "
                    "being unready."),
        GET(probes, "/health", ANYONE, hv_api_get_health, "200 Health, 503 Unhealthy",
            "health in the shape of HiveMind's worker"),
        GET(node, "/api/v1/version", VIEWER, hv_api_get_version, "200 Version, 304", "version of the agent"),
        GET(node, "/api/v1/node", VIEWER, hv_api_get_node, "200 Node, 304", "the node and its engine"),
        GET(node, "/api/v1/usage", VIEWER, hv_api_get_usage, "200 Usage, 304",
            "what the machine and its containers use", .parameters = HISTORY,
            .details = "The last samples; nobody is asked for new ones. A new one comes every "
                       "resources.monitor.interval."),
        GET(node, "/api/v1/status", VIEWER, hv_api_get_status, "200 Status, 304", "how the node is"),
        GET(node, "/api/v1/why", VIEWER, hv_api_get_why, "200 Why", "why the node is as it is",
            .details = "The node, and each object that is not as wished."),
        GET(node, "/api/v1/watch", VIEWER, hv_api_get_watch, "200 text/event-stream, 503",
            "the status now and whenever it changes, as events", .flags = HV_HTTP_QUIET,
            .details = "Server-sent events of type status; the data of each is what /api/v1/status gives."),
        GET(node, "/api/v1/events", VIEWER, hv_api_get_events, "200 EventList text/event-stream, 400, 503",
            "events, as a list or as a stream", .parameters = EVENTS, .flags = HV_HTTP_QUIET,
            .details =
                    "The newest 1000 of this run of the agent. A stream where Accept is text/event-stream or "
                    "follow=1: it begins with what comes next, or behind Last-Event-ID or since, or with the last "
                    "`tail` events."),
        GET(node, "/api/v1/sources", VIEWER, hv_api_get_sources, "200 SourceList, 304, 400, 410",
            "where desired state comes from", .parameters = PAGE),
        GET(node, "/api/v1/revisions", VIEWER, hv_api_get_revisions, "200 RevisionList, 304, 400, 410",
            "revisions of the desired state", .parameters = PAGE),
        GET(node, "/api/v1/revisions/{id}", VIEWER, hv_api_get_revision, "200 Revision, 304, 404, 409",
            "one revision, by its id or the start of it, or \"previous\""),
        GET(node, "/api/v1/sync", VIEWER, hv_api_get_sync, "200 Sync, 304",
            "whether the machine runs what the sources say, in short"),
        GET(node, "/api/v1/exposure", VIEWER, hv_api_get_exposure, "200 PortList, 304, 400, 410",
            "the ports that containers open to the outside", .parameters = PAGE,
            .details =
                    "Of the revision in force. address is null where its class of addresses has none yet."),
        KIND_ROUTES("services", service, "service"),
        DOCUMENT_ROUTE("services", service, "service"),
        GET(objects, "/api/v1/services/{name}/logs", OPERATOR, hv_api_get_logs,
            "200 text/plain, 400, 404, 503", "log of one replica", .parameters = SERVICE_LOG,
            .details =
                    "Plain text as the container writes it. A container keeps its log over restarts: previous cuts the "
                    "run out of it that came before the present start, or of what does not run the last one. Where the "
                    "agent did not start that run itself, all is shown that was written before the present one. 404 when "
                    "there was none in this container."),
        GET(objects, "/api/v1/services/{name}/stats", VIEWER, hv_api_get_service_stats, "200 Usage, 304, 404",
            "what the containers of one service use", .parameters = HISTORY),
        KIND_ROUTES("networks", network, "network"),
        DOCUMENT_ROUTE("networks", network, "network"),
        KIND_ROUTES("volumes", volume, "volume"),
        DOCUMENT_ROUTE("volumes", volume, "volume"),
        KIND_ROUTES("secrets", secret, "secret"),
        KIND_ROUTES("configs", config, "config"),
        KIND_ROUTES("images", image, "image"),
        DOCUMENT_ROUTE("images", image, "image"),
        KIND_ROUTES("registries", registry, "registry"),
        DOCUMENT_ROUTE("registries", registry, "registry"),
        GET(tasks, "/api/v1/tasks", VIEWER, hv_api_get_tasks, "200 TaskList text/event-stream, 304, 400, 503",
            "tasks, newest first, those that ended included", .parameters = TASKS, .flags = HV_HTTP_QUIET,
            .details = WATCHED
            " Of tasks those are watched that live; the last that is told of each is how it ended."),
        POST(tasks, "/api/v1/tasks", ADMIN, hv_api_post_task, HV_API_BODY_MAX_BYTES,
             "200 Task, 201 Task, 400, 403, 409, 410, 415, 422 Refused, 503, 507", "submit a task",
             .parameters = SUBMIT, .body = "Task",
             .details =
                     "The answer comes when the promise is durable, and never before: 201 with Location, or 200 when "
                     "it was promised before. The same id, or the same Idempotency-Key, with the same content is the "
                     "same task. A key stands for its task for 24 hours longer than the task is known."),
        GET(tasks, "/api/v1/tasks/{name}", VIEWER, hv_api_get_task, "200 Task, 304, 404, 503",
            "one task with its document and its attempts",
            .details = "Of its environment only the names are shown, of inline inputs only the size."),
        DELETE(tasks, "/api/v1/tasks/{name}", ADMIN, hv_api_delete_task, "200 TaskForgotten, 404, 409, 503",
               "forget a task that ended, with its results",
               .details =
                       "Under the name of a Task that was applied with POST /api/v1/apply, that object is taken "
                       "back."),
        GET(tasks, "/api/v1/tasks/{name}/status", VIEWER, hv_api_get_task_status,
            "200 TaskStatus, 304, 404, 503", "status of one task"),
        GET(tasks, "/api/v1/tasks/{name}/why", VIEWER, hv_api_get_task_why, "200 Why, 404, 503",
            "why one task is as it is"),
        GET(tasks, "/api/v1/tasks/{name}/events", VIEWER, hv_api_get_task_events, "200 EventList, 400",
            "events about one task", .parameters = OBJECT_EVENTS),
        GET(tasks, "/api/v1/tasks/{name}/logs", OPERATOR, hv_api_get_task_logs,
            "200 text/plain, 400, 404, 503", "log of one task", .parameters = TASK_LOG,
            .details =
                    "From the engine while it runs, from what was kept afterwards (then `since` and `timestamps` mean "
                    "nothing). With follow a task that does not run yet is waited for."),
        GET(tasks, "/api/v1/tasks/{name}/stats", VIEWER, hv_api_get_task_stats, "200 Usage, 304, 404, 503",
            "what one task uses now", .parameters = HISTORY),
        GET(tasks, "/api/v1/tasks/{name}/results", OPERATOR, hv_api_get_task_results,
            "200 ResultList application/x-tar application/zip, 400, 404, 410, 503",
            "files that a task left: a list, or all of them as tar or zip", .parameters = RESULTS),
        GET(tasks, "/api/v1/tasks/{name}/results/{path...}", OPERATOR, hv_api_get_task_result,
            "200 application/octet-stream, 206 application/octet-stream, 304, 404, 410, 416",
            "one file that a task left", .parameters = RESULT,
            .details = "The ETag is its SHA-256. One range is served."),
        GET(tasks, "/api/v1/tasks/{name}/receipt", VIEWER, hv_api_get_task_receipt, "200 Receipt, 404, 503",
            "the newest receipt of a task, byte for byte as it was signed", .flags = HV_HTTP_VERBATIM),
        GET(tasks, "/api/v1/receipt-key", VIEWER, hv_api_get_receipt_key, "200 ReceiptKey, 503",
            "the public key that this node signs receipts with"),
        POST(tasks, "/api/v1/tasks/{name}/stop", OPERATOR, hv_api_post_task_stop, 4096, TASK_CHANGED,
             "stop a task; one that ended already is no error", .body = "Stop",
             .details = "The answer comes when the wish is durable; the task ends within its grace time."),
        POST(tasks, "/api/v1/tasks/{name}/retry", ADMIN, hv_api_post_task_retry, 4096, TASK_CHANGED,
             "run a task that ended again, under the same id"),
        JUDGE(tasks, "/api/v1/fit", OPERATOR, hv_api_post_fit, "200 Fit, 400, 415, 422 Refused",
              "would a task fit, change nothing", .parameters = FIT, .body = "Task"),
        GET(tasks, "/api/v1/trust", VIEWER, hv_api_get_trust, "200 Trust, 304", "trust score of the node"),
        GET(tasks, "/api/v1/trust/ledger", VIEWER, hv_api_get_trust_ledger, "200 TrustLedger, 304, 400, 503",
            "every change of the trust score, newest first", .parameters = TRUST),
        GET(older, "/api/status", VIEWER, hv_api_get_legacy_status, "200 OlderStatus",
            "the node, in the shape of HiveMind's worker"),
        GET(older, "/api/tasks", VIEWER, hv_api_get_legacy_tasks, "200 OlderTasks",
            "tasks, in the shape of HiveMind's worker",
            .details = "All that live, and the newest 100 that ended."),
        GET(older, "/api/resources", VIEWER, hv_api_get_legacy_resources, "200 OlderResources",
            "what is free, in the shape of HiveMind's worker"),
        GET(older, "/api/logs", OPERATOR, hv_api_get_legacy_logs, "200 OlderLogs",
            "the newest lines of the agent's log, oldest first",
            .details = "At most 1000; the 1001st leaves the newest 500."),
        GET(older, "/api/metrics", VIEWER, hv_api_get_legacy_metrics, "200 OlderMetrics",
            "figures as JSON; for Prometheus there is /metrics"),
        GET(older, "/api/worker-info", VIEWER, hv_api_get_legacy_worker, "200 OlderWorker",
            "who this node is"),
        POST(older, "/api/login", ANYONE, hv_api_post_legacy_login, 4096, "410",
             "nothing: log in with POST /login"),
        POST(older, "/api/register-worker", VIEWER, hv_api_post_legacy_register, 4096, "410",
             "nothing: the node registers by itself"),
        POST(older, "/api/update_location", VIEWER, hv_api_post_legacy_location, 4096, "410",
             "nothing: no pool is told where a node stands"),
        GET(older, "/api/settings", VIEWER, hv_api_get_settings, "200 OlderSettings, 304",
            "the settings in force, and where each of them comes from"),
        ROW(POST, older, "/api/settings", VIEWER, hv_api_post_settings, "405",
            "nothing: settings are changed in files", .body_max_bytes = 65536, .flags = HV_HTTP_JUDGES,
            .body = "Settings",
            .details =
                    "The answer names the file, and of each field that the body names the line, variable or flag."),
        POST(older, "/api/stop_task/{name}", OPERATOR, hv_api_post_legacy_stop, 4096, "200 OlderStopped, 404",
             "stop a task, in the shape of HiveMind's worker"),
        KIND_ROUTES("crontasks", crontask, "cron task"),
        DOCUMENT_ROUTE("crontasks", crontask, "cron task"),
        POST(tasks, "/api/v1/crontasks/{name}/trigger", OPERATOR, hv_api_post_cron_trigger, 4096,
             "201 Task, 404, 409, 503", "a run of a cron task now, under the id of this minute",
             .details =
                     "The answer comes when the run is promised. Whether other runs go on makes no difference."),
        POST(tasks, "/api/v1/crontasks/{name}/suspend", OPERATOR, hv_api_post_cron_suspend, 4096,
             "200 Object, 400, 404, 503", "no runs of a cron task before it is resumed; what runs goes on",
             .body = "Order",
             .details = "The answer comes when the wish is durable. It outlives restarts and new revisions."),
        POST(tasks, "/api/v1/crontasks/{name}/resume", OPERATOR, hv_api_post_cron_resume, 4096,
             "200 Object, 400, 404, 503", "runs of a cron task again, from now on", .body = "Order",
             .details = "Times that came meanwhile are not made up for."),
        KIND_ROUTES("wireguard", wireguard, "WireGuard interface"),
        DOCUMENT_ROUTE("wireguard", wireguard, "WireGuard interface"),
        POST(changes, "/api/v1/wireguard/{name}/rotate", ADMIN, hv_api_post_wireguard_rotate, 4096,
             "200 Rotation, 400, 403, 404, 409", "another key for a WireGuard interface",
             .parameters = ROTATE,
             .details =
                     "Of a generated key the next one is made, kept, and set; the one of before is kept. Of a key from a "
                     "file or a credential what is there now is read and set. The answer comes when the interface has "
                     "it. No answer holds a private key."),
        POST(objects, "/api/v1/wireguard/{name}/ping", OPERATOR, hv_api_post_wireguard_ping, 4096,
             "200 Ping, 404, 503", "ask the peers of a WireGuard interface whether they answer",
             .parameters = PING,
             .details =
                     "Each gets an ICMP echo through the interface. The answer comes at the latest after 12 s and a "
                     "look; nothing is changed."),
        JUDGE(changes, "/api/v1/validate", OPERATOR, hv_api_post_validate, "200 Change, 400, 415",
              "judge documents, change nothing", .parameters = DOCUMENTS, .body = "Documents"),
        JUDGE(changes, "/api/v1/plan", OPERATOR, hv_api_post_plan, "200 Plan, 400, 415, 422 Refused, 503",
              "what would be done, change nothing", .parameters = DOCUMENTS, .body = "Documents",
              .details = "Without a body what the sources say now. The engine sees GET and HEAD only."),
        POST(changes, "/api/v1/apply", ADMIN, hv_api_post_apply, HV_API_BODY_MAX_BYTES, CHANGED,
             "take documents into the desired state, or read the sources again", .parameters = APPLY,
             .body = "Documents",
             .details =
                     "Answered once the revision is in force, parked, equal to the one in force, or refused; not when "
                     "the machine has converged on it (see /api/v1/watch)."),
        POST(changes, "/api/v1/confirm", ADMIN, hv_api_post_confirm, 0, CHANGED,
             "the revision on trial stays, or with ?revert goes", .parameters = CONFIRM,
             .details =
                     "404 when nothing is on trial; 409 when it was taken back already, or is not in force, and the "
                     "sentence says which."),
        POST(changes, "/api/v1/revisions/{id}/activate", ADMIN, hv_api_post_activate, 0, CHANGED,
             "go back to a kept revision, by its id or the start of it, or \"previous\"",
             .parameters = ACTIVATE,
             .details =
                     "Objects of the API are as that revision has them; files that say something else are held off until they "
                     "change, or somebody applies them (POST /api/v1/apply without a body). It outlives restarts. 409 while a "
                     "revision is on trial, and when it would remove more than the guard lets; nothing is begun then."),
        POST(changes, "/api/v1/services/{name}/update", ADMIN, hv_api_post_update, HV_API_BODY_MAX_BYTES,
             CHANGED, "another image, or other variables, for a service that the API was given",
             .body = "ServiceUpdate",
             .details =
                     "As its document with that changed, applied once more; comments in it are not kept. 409 with the code "
                     "DeclaredInFile where a file declares it, with the line to edit: sources do not override each other."),
        POST(changes, "/api/v1/services/{name}/rollback", ADMIN, hv_api_post_undo, 0, CHANGED,
             "a service that the API was given, as it was before",
             .details =
                     "The newest document of it in the kept revisions that says something else is applied once more; all else stays. "
                     "404 where none is kept, 409 with the code DeclaredInFile where a file declares it."),
        POST(changes, "/api/v1/reload", OPERATOR, hv_api_post_reload, 0, CHANGED, "read the sources again"),
        POST(orders, "/api/v1/services/{name}/restart", OPERATOR, hv_api_post_restart, 4096, ORDERED,
             "restart the containers of a service", .body = "Order", .parameters = RESTART,
             .details =
                     "One after the other: each is stopped and started when no other replica is on its way. One that ended, or waits "
                     "to be tried again, is started at once. 409 while the service is stopped by hand."),
        POST(orders, "/api/v1/services/{name}/stop", OPERATOR, hv_api_post_stop, 4096, ORDERED,
             "stop a service until somebody starts it", .body = "Order",
             .details =
                     "It outlives restarts and new revisions, and is forgotten when the service is not declared any more. "
                     "Its containers stay."),
        POST(orders, "/api/v1/services/{name}/start", OPERATOR, hv_api_post_start, 4096, ORDERED,
             "start a service that was stopped by hand, or that ended", .body = "Order"),
        POST(orders, "/api/v1/services/{name}/hold", OPERATOR, hv_api_post_hold, 4096, ORDERED,
             "do nothing to a service before it is released", .body = "Order",
             .details =
                     "It is looked at and left as it is, whatever the documents say. It outlives restarts."),
        POST(orders, "/api/v1/services/{name}/release", OPERATOR, hv_api_post_release, 4096, ORDERED,
             "bring about again what a service should be", .body = "Order"),
        POST(orders, "/api/v1/services/{name}/pause", OPERATOR, hv_api_post_pause, 4096, ORDERED,
             "make no container of a service anew because it is declared otherwise", .body = "Order",
             .details =
                     "Containers stay as they were made; what ends is started again as it is, and what is not there is made as "
                     "it is declared. It outlives restarts and new revisions."),
        POST(orders, "/api/v1/services/{name}/resume", OPERATOR, hv_api_post_resume, 4096, ORDERED,
             "make the containers of a service as it is declared now", .body = "Order"),
        POST(orders, "/api/v1/services/{name}/kill", OPERATOR, hv_api_post_kill, 4096,
             "200 Signalled, 400, 404, 503", "send a signal to the containers of a service", .body = "Signal",
             .details = "What becomes of one that ends of it is for its restart policy to say."),
        POST(sessions, "/api/v1/services/{name}/exec", ADMIN, hv_api_post_exec, EXEC_MAX_BYTES, SESSION,
             "run something in a container of a service", .body = "Exec", .details = SESSION_DETAILS),
        POST(sessions, "/api/v1/tasks/{name}/exec", ADMIN, hv_api_post_task_exec, EXEC_MAX_BYTES, SESSION,
             "run something in the container of a task", .body = "Exec", .details = SESSION_DETAILS),
        GET(copies, "/api/v1/services/{name}/archive", ADMIN, hv_api_copy_service, COPY_OUT,
            "files out of a container of a service", .parameters = SERVICE_COPY_OUT,
            .details = COPY_OUT_DETAILS),
        PUT(copies, "/api/v1/services/{name}/archive", ADMIN, hv_api_copy_service, COPY_MAX_BYTES, COPY_IN,
            "files into a container of a service", .parameters = SERVICE_COPY_IN, .body = "Archive",
            .flags = HV_HTTP_INTAKE, .details = COPY_IN_DETAILS),
        GET(copies, "/api/v1/tasks/{name}/archive", ADMIN, hv_api_copy_task, COPY_OUT,
            "files out of the container of a task", .parameters = COPY_OUT_OF, .details = COPY_OUT_DETAILS),
        PUT(copies, "/api/v1/tasks/{name}/archive", ADMIN, hv_api_copy_task, COPY_MAX_BYTES, COPY_IN,
            "files into the container of a task", .parameters = COPY_INTO, .body = "Archive",
            .flags = HV_HTTP_INTAKE, .details = COPY_IN_DETAILS),
        GET(orders, "/api/v1/cordon", VIEWER, hv_api_get_orders, "200 Orders, 304",
            "what people asked of the node by hand"),
        POST(orders, "/api/v1/cordon", OPERATOR, hv_api_post_cordon, 4096, "200 Orders, 400, 503",
             "admit no task before somebody takes it back", .body = "Order",
             .details = "Tasks that run go on; others wait. Pools are told. It outlives restarts."),
        DELETE(orders, "/api/v1/cordon", OPERATOR, hv_api_post_uncordon, "200 Orders, 503",
               "admit tasks again"),
        GET(orders, "/api/v1/drain", VIEWER, hv_api_get_orders, "200 Orders, 304",
            "the same as /api/v1/cordon"),
        POST(orders, "/api/v1/drain", OPERATOR, hv_api_post_drain, 4096, "200 Orders, 400, 503",
             "admit no task, and end those that run at a deadline", .body = "Drain",
             .details =
                     "Tasks that run may end by themselves until then, without a deadline for as long as they want. At the "
                     "deadline each is stopped, as by somebody who wants it so: nobody is blamed. Said again it has another "
                     "deadline. DELETE /api/v1/cordon ends it."),
        POST(orders, "/api/v1/shutdown", ADMIN, hv_api_post_shutdown, 4096, "202 Orders, 400, 503",
             "end the agent", .body = "Shutdown",
             .details =
                     "As SIGTERM does: containers keep running. With stopWorkloads no task is admitted from now on, those that run "
                     "may end by themselves until the deadline, then services are stopped, each when none that needs it "
                     "is left, and then the agent ends. The answer comes before that. Nothing of it is durable: an "
                     "agent that starts again brings about what is declared. 503: no engine, nothing can be stopped."),
        POST(orders, "/api/v1/node/hold", OPERATOR, hv_api_post_hold, 4096, "200 Orders, 400, 503",
             "do nothing to services, networks and volumes, and admit no task", .body = "Order"),
        POST(orders, "/api/v1/node/release", OPERATOR, hv_api_post_release, 4096, "200 Orders, 400, 503",
             "bring about again what is declared", .body = "Order"),
        GET(node, "/api/v1/node/images", VIEWER, hv_api_get_engine_images,
            "200 EngineImageList, 400, 410, 503",
            "images that the engine holds: how large, who uses them, why they stay", .parameters = PAGE,
            .details = "The engine is asked each time. What is declared of images is /api/v1/images."),
        GET(node, "/api/v1/node/secrets", OPERATOR, hv_api_get_node_secrets, "200 NodeSecretList, 400, 410",
            "secrets: where they come from, how large they are, who uses them", .parameters = PAGE,
            .details =
                    "Those that are declared, and those that lie in the state directory and are not. No value."),
        ROW(PUT, changes, "/api/v1/node/secrets/{name}", ADMIN, hv_api_put_node_secret,
            "200 SecretWritten, 400, 403, 409", "write a secret, from bytes",
            .body_max_bytes = SECRET_MAX_BYTES, .body = "Secret",
            .details =
                    "Into the state directory, with mode 0600; the answer names the file, for fromFile. Where a document "
                    "names it, it is in use when the answer comes. 409: it comes from elsewhere. No value is logged."),
        DELETE(changes, "/api/v1/node/secrets/{name}", ADMIN, hv_api_delete_node_secret,
               "200 SecretRemoved, 400, 403, 404, 409", "remove a secret that was written",
               .details = "409 while anything uses or declares it; the sentence says who."),
        GET(node, "/api/v1/preload", VIEWER, hv_api_get_preload, "200 Preloads text/event-stream, 503",
            "images that somebody asked for by hand, and how far they are", .parameters = PRELOAD,
            .flags = HV_HTTP_QUIET,
            .details =
                    "In the order in which they were asked for, the newest of those that ended among them. With watch=1, or "
                    "where Accept prefers text/event-stream, server-sent events of type preload, now and whenever it "
                    "changes; the data of each is this answer."),
        POST(changes, "/api/v1/preload", OPERATOR, hv_api_post_preload, 65536, "202 Preloads, 400, 403, 503",
             "have images pulled, before anybody needs them", .body = "Preload",
             .details =
                     "Answered once they are taken up, with these images only. No name is taken up when one of them is refused. At once, "
                     "whatever images.pull.window says, images.pull.parallel at a time. Nothing of it is durable: an agent "
                     "that ends forgets what has not come."),
        GET(node, "/api/v1/gc", VIEWER, hv_api_get_gc, "200 Collection, 503",
            "what garbage collection would remove, change nothing",
            .details =
                    "In the order in which it would go. Images share layers, so what becomes free may be less."),
        POST(changes, "/api/v1/gc", OPERATOR, hv_api_post_gc, 0, "200 Collection, 503", "collect garbage now",
             .details = "Answered when the round has ended. `bytes` is what was free again afterwards."),
};

/* Those that tell of the server itself. */
static const struct hv_http_route listener_routes[] = {
        GET(probes, "/metrics", VIEWER, hv_api_get_metrics,
            "200 text/plain application/openmetrics-text, 404", "metrics for Prometheus",
            .flags = HV_HTTP_SCRAPE,
            .details = "OpenMetrics where Accept asks for it. 404 when http.metrics.enabled is false."),
        GET(node, "/api/v1/openapi.json", VIEWER, hv_api_get_openapi_json, "200 OpenApi, 304",
            "this description, on one line", .flags = HV_HTTP_VERBATIM),
        GET(node, "/api/v1/openapi.yaml", VIEWER, hv_api_get_openapi_yaml, "200 application/yaml, 304",
            "this description, for people"),
        GET(node, "/api/v1/schema.json", VIEWER, hv_api_get_schema, "200 JsonSchema, 304",
            "the documents of the desired state as a JSON Schema, for editors", .flags = HV_HTTP_VERBATIM),
};

int hv_api_attach(struct hv_api *api, struct hv_http_server *server, struct hv_err *err) {
        struct hv_api_listener *listener = HV_NEW(struct hv_api_listener);
        int r;

        *listener = (struct hv_api_listener){ .api = api, .server = server, .next = api->listeners };
        api->listeners = listener;
        hv_http_server_heed_if_match(server, hv_api_is_current, api);
        r = hv_http_server_add_routes(server, routes, HV_ARRAY_SIZE(routes), api, err);
        if (r < 0)
                return r;
        r = hv_api_attach_web(api, server, err);
        if (r < 0)
                return r;
        return hv_http_server_add_routes(server, listener_routes, HV_ARRAY_SIZE(listener_routes), listener,
                                         err);
}
