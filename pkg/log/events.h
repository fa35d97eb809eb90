/* log/events.h - the records that programs and people look for by name.
 *
 * One line an event: enum id, stable name (field HIVELET_EVENT), level, MESSAGE_ID (128 random bits, a
 * UUID of version 4; never changed, never given to another event), meaning. api/hivelet.catalog explains
 * each to operators; a test holds both against each other. Names equal the reason codes where they mean
 * the same.
 */
#pragma once

#include <syslog.h>

#include "base/macros.h"

/* clang-format off */
#define HV_EVENT_TABLE(X) \
        X(AGENT_STARTED,       "AgentStarted",        LOG_NOTICE,  "bb74750a5a7947b4ba6fd87ea7dce167", \
           "the agent has started and begins to load its state") \
        X(AGENT_READY,         "AgentReady",          LOG_NOTICE,  "629b8bbe6fe344cd83232f2523e3d630", \
           "the first full observation is done and the agent acts") \
        X(AGENT_STOPPING,      "AgentStopping",       LOG_NOTICE,  "32689a62282045e6a83e680352703558", \
           "the agent stops; containers keep running") \
        X(RELOAD_STARTED,      "ReloadStarted",       LOG_INFO,    "abb01784a0084b9e907549ebaf92d16d", \
           "the sources are read again on request") \
        X(REVISION_ACTIVATED,  "RevisionActivated",   LOG_NOTICE,  "cc3ec69f048f488091c01aca2fb12280", \
           "a new revision of the desired state is in force") \
        X(REVISION_REJECTED,   "RevisionRejected",    LOG_ERR,     "405382e3c46348c7bf6893f201eea605", \
           "a revision was refused; the last good one stays in force") \
        X(PRUNE_BLOCKED,       "PruneBlocked",        LOG_WARNING, "60e77b0336aa4c089a81ef158cc7f89c", \
           "a revision would remove more than safety.maxPrune and waits for consent") \
        X(SOURCE_STALE,        "SourceStale",         LOG_WARNING, "4db44b04586844a0b8aaa0043ac40ba0", \
           "a source of the desired state cannot be read") \
        X(SOURCE_RECOVERED,    "SourceRecovered",     LOG_NOTICE,  "35587bc081d64b98a03dc984a85eeeb8", \
           "a source of the desired state can be read again") \
        X(SYNCED,              "Synced",              LOG_NOTICE,  "02c869debe814faaba5d57b35eaa6707", \
           "the machine runs what the desired state says") \
        X(OUT_OF_SYNC,         "OutOfSync",           LOG_INFO,    "914d586a13cf434981aba3bf227a5cbc", \
           "the machine differs from the desired state and work is planned") \
        X(ENGINE_UP,           "DockerUp",            LOG_NOTICE,  "8c964c9befa5411ca6d3275a41cfd76d", \
           "the container engine answers") \
        X(ENGINE_DOWN,         "DockerDown",          LOG_ERR,     "a57f71423b67473c85e0446a31b5ed81", \
           "the container engine cannot be reached") \
        X(ENGINE_UNRESPONSIVE, "DockerUnresponsive",  LOG_ERR,     "63888791c8f44f88b6a84a9f0e94eea1", \
           "the container engine takes connections but does not answer in time") \
        X(IMAGE_PULLED,        "ImagePulled",         LOG_INFO,    "7cb5423358f248d7aacb5ca002e2cfd7", \
           "an image was pulled") \
        X(IMAGE_PULL_FAILED,   "PullFailed",          LOG_ERR,     "608359f190d441d1af2d3fe101e7bdf1", \
           "an image could not be pulled; it is tried again after a delay") \
        X(CONTAINER_CREATED,   "ContainerCreated",    LOG_INFO,    "fddbdda30b914973b283a3444b407293", \
           "a container was created") \
        X(CONTAINER_STARTED,   "ContainerStarted",    LOG_NOTICE,  "8a3ba41057744e91ae98f1ca08f027de", \
           "a container was started") \
        X(CONTAINER_STOPPED,   "ContainerStopped",    LOG_NOTICE,  "c5fae49b3eaf4b7997c72e19617a64f2", \
           "a container was stopped by the agent") \
        X(CONTAINER_REMOVED,   "ContainerRemoved",    LOG_NOTICE,  "29c3936e61d54a64aa6732d8d51733bb", \
           "a container was removed by the agent") \
        X(CONTAINER_UPDATED,   "ContainerUpdated",    LOG_INFO,    "1747b59721ac453a8be5d574fd5e1904", \
           "a container's limits were changed while it runs") \
        X(CONTAINER_EXITED,    "ContainerExited",     LOG_WARNING, "d1e91ff43a2745d28d4364ad2ff4be0d", \
           "a container ended that should run") \
        X(CONTAINER_OOM,       "OOMKilled",           LOG_ERR,     "156ff87d9d4d425799a93d95a20ae8f6", \
           "the kernel killed a container's process because its memory limit was reached") \
        X(CONTAINER_OOM_CHILD, "OOMKilledChild",      LOG_WARNING, "f62f0086001d4f37b69d01e7b4c226c7", \
           "the kernel killed a process of a container for want of memory, and the container runs on") \
        X(CREATE_FAILED,       "CreateFailed",        LOG_ERR,     "d08c9a9462364ace840b3a2856b38062", \
           "a container, network or volume could not be created") \
        X(START_FAILED,        "StartFailed",         LOG_ERR,     "c5b8bc2bfef9496daf8e809e52f590a9", \
           "a container could not be started") \
        X(ACTION_FAILED,       "ActionFailed",        LOG_ERR,     "ecc727dc13f146be9a3ef5e3c2df4ac8", \
           "another action on the container engine failed") \
        X(BACK_OFF,            "BackOff",             LOG_WARNING, "3d526b2ad0e8459cbe97f55c234df31e", \
           "an object failed repeatedly; the next attempt waits") \
        X(NAME_CONFLICT,       "NameConflict",        LOG_ERR,     "83e3fc91a50a4e318fbbf757a3bd4a5e", \
           "an object that is not hivelet's has the name that hivelet needs") \
        X(NETWORK_CREATED,     "NetworkCreated",      LOG_INFO,    "83969df6dc384994b11b637d6e9aee79", \
           "a network was created") \
        X(NETWORK_REMOVED,     "NetworkRemoved",      LOG_INFO,    "4c7e3fb0b2ff4b2e9e9b3b1019e06648", \
           "a network was removed") \
        X(VOLUME_CREATED,      "VolumeCreated",       LOG_INFO,    "833de9a5451a4190928440f59c0d101f", \
           "a volume was created") \
        X(VOLUME_REMOVED,      "VolumeRemoved",       LOG_NOTICE,  "7416622fd5244f8fa4a94df3f427b8cf", \
           "a volume was removed with its data") \
        X(DEPENDENCY_WAIT,     "WaitingDependency",   LOG_INFO,    "00598e43312c44eca42895d8f8b2929d", \
           "an object waits for another one that it depends on") \
        X(API_DENIED,          "ApiDenied",           LOG_WARNING, "1696238b194e45c897d7de566b872099", \
           "a request to the API was refused for lack of permission") \
        X(API_CLIENT_DROPPED,  "ApiClientDropped",    LOG_INFO,    "d2784fcb868e44328d74afd4471d0e59", \
           "a client of the API was disconnected by the agent") \
        X(INVARIANT_VIOLATED,  "InvariantViolated",   LOG_CRIT,    "086f19decfac46c59a84089951ed2024", \
           "an internal check failed; this is a bug in hivelet") \
        X(TASK_ACCEPTED,        "TaskAccepted",        LOG_NOTICE,  "50f5e10381b141a988302d21c5618752", \
           "a task was accepted: from now on its result is owed") \
        X(TASK_ADMITTED,        "TaskAdmitted",        LOG_INFO,    "c07c97129f814b6583b06e8828aa40b5", \
           "a task's turn has come: its resources are booked") \
        X(TASK_STOPPING,        "TaskStopping",        LOG_NOTICE,  "8f83cedac96f4cb294d958467d0ad6ea", \
           "somebody asked for a task to be stopped") \
        X(TASK_RETRY,           "TaskRetry",           LOG_WARNING, "1ccb6d7eaa1a49378128301ca239e544", \
           "an attempt of a task failed and another one follows") \
        X(TASK_ENDED,           "TaskEnded",           LOG_NOTICE,  "68f2394016814434b60793ee00dd4d89", \
           "a task has ended and its result is durable") \
        X(TRUST_CHANGED,        "TrustChanged",        LOG_INFO,    "fd85b3d9de0a46cabe3dd798aea0b8ad", \
           "the node's trust score changed") \
        X(LEDGER_FAILED,        "LedgerFailed",        LOG_ERR,     "f5ea4d4b02bb4c729ca1351149f81da3", \
           "a promise or a result could not be made durable") \
        X(CRON_SKIPPED,         "CronSkipped",         LOG_NOTICE,  "abae34aff1a64f9fbcd6c117a7d4d74d", \
           "a scheduled time of a cron task made no run") \
        X(CONFIRM_PENDING,      "ConfirmPending",      LOG_NOTICE,  "4399c094a76a4ffda992ddf6c08360ac", \
           "a revision is on trial and is taken back unless somebody confirms it") \
        X(CONFIRMED,            "Confirmed",           LOG_NOTICE,  "214621bea6504a42817d16afe810f735", \
           "a revision that was on trial stays") \
        X(REVERTED,             "Reverted",            LOG_WARNING, "9557cb072fb545b48acb25aa5e087bed", \
           "a revision that was on trial is taken back") \
        X(ROLLED_BACK,          "RolledBack",          LOG_NOTICE,  "f3c696b6ef8c47bcb78bd62346722fd5", \
           "somebody went back to a revision of before") \
        X(GC_REMOVED,           "GarbageCollected",    LOG_NOTICE,  "351801336a42436686ed5486ed8b08ba", \
           "garbage collection removed an image or an ended container") \
        X(GC_STUCK,             "GarbageCollectionStuck", LOG_WARNING, "0a14eed201ef42e5ab285fbde5e69e08", \
           "the engine's disk stays above gc.disk.low though all was collected that may be") \
        X(IMAGE_LOADED,         "ImageLoaded",         LOG_NOTICE,  "db983793f9b14c8b872afaee9e2d3901", \
           "an archive of images.archives was loaded") \
        X(CAPPED,               "Capped",              LOG_NOTICE,  "4d1f6a27c3b94e0ba5c86e19d7f20b35", \
           "what all workloads together may take was set on their slice") \
        X(PRESSURE,             "Pressure",            LOG_WARNING, "b8e05c7d91f2463a8c1d40e7362fa95b", \
           "the machine runs short and no task is admitted, or it does not any more") \
        X(ORDER,                "Order",               LOG_NOTICE,  "6226fdd1bf9c4fcca38f12ef0ccb8766", \
           "somebody asked something of the node by hand: cordon, hold, stop, start, restart, pause") \
        X(EXEC,                 "Exec",                LOG_NOTICE,  "9a8f8834a19a4be2b6acaf5ff7249337", \
           "somebody runs something in a container by hand") \
        X(COPY,                 "Copy",                LOG_NOTICE,  "c7f3d4b09a5e4c1b8f6a2e51d07b93ac", \
           "somebody copies files out of a container or into one by hand") \
        X(LOGGED_IN,            "LoggedIn",             LOG_NOTICE,  "3ceaaf308142c8ea91d93080f9b439fc", \
           "somebody logged in") \
        X(LOGGED_OUT,           "LoggedOut",            LOG_NOTICE,  "9dfb369bab13dfae627655daa05f1119", \
           "a session was ended by somebody") \
        X(LOGIN_FAILED,         "LoginFailed",          LOG_WARNING, "6301bbfca0c5154e0ff9bb510944fe0c", \
           "a login failed, or has to wait after too many that failed") \
        X(TOKEN_CREATED,        "TokenCreated",         LOG_NOTICE,  "6fced11d2bd8a1e6047a8387cdde8d51", \
           "a token for the API was created") \
        X(TOKEN_REVOKED,        "TokenRevoked",         LOG_NOTICE,  "3a124c647e02ff05b7c1dce27f7695f5", \
           "a token for the API was revoked") \
        X(API_CHANGE,           "ApiChange",            LOG_NOTICE,  "66080f174c96d8e25cbd0ba3a1a6bcde", \
           "somebody asked the API for a change") \
        X(CERTIFICATE_LOADED,   "CertificateLoaded",    LOG_NOTICE,  "b120a366f0bbe9cf42f2dc05873f9bd0", \
           "the certificate of http.tls was loaded") \
        X(CERTIFICATE_REFUSED,  "CertificateRefused",   LOG_ERR,     "78b7d0ac84773ce0ce4cda11b43c589b", \
           "a new certificate of http.tls cannot be taken; the old one stays") \
        X(LOG_FILES_FAILED,     "LogFilesFailed",       LOG_ERR,     "67243fe3398248049ae67d52afe02287", \
           "the files of logging.dir cannot be written; it is tried again") \
        X(LOG_FILES_BACK,       "LogFilesBack",         LOG_NOTICE,  "5a8a1e8b96054295b0db9081336188f9", \
           "the files of logging.dir are written again")
/* clang-format on */

enum hv_event {
        HV_EVENT_NONE = 0,
#define HV_EVENT_ENUM(id, name, level, message_id, meaning) HV_EVENT_##id,
        HV_EVENT_TABLE(HV_EVENT_ENUM)
#undef HV_EVENT_ENUM
                HV_EVENT_COUNT,
};

const char *hv_event_name(enum hv_event event);       /* NULL for HV_EVENT_NONE and what is out of range */
const char *hv_event_message_id(enum hv_event event); /* 32 hex digits; NULL likewise */
const char *hv_event_meaning(enum hv_event event);    /* one line; NULL likewise */
int hv_event_level(enum hv_event event);              /* LOG_*; LOG_INFO likewise */
enum hv_event hv_event_from_name(const char *name);   /* HV_EVENT_NONE when unknown */
