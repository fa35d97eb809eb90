/* words.ts - the agent's words for people: phases, causes, actions. What is not here is shown as the agent says it. */
import { t } from "./i18n";

export type Tone = "good" | "busy" | "warn" | "bad" | "idle";

const PHASES: Record<string, [string, Tone]> = {
        Running: ["Running", "good"],
        Ready: ["Ready", "good"],
        Completed: ["Completed", "good"],
        Online: ["Online", "good"],
        Ok: ["OK", "good"],
        Active: ["In force", "good"],
        Up: ["Up", "good"],
        Queued: ["Queued", "idle"],
        Admitted: ["Admitted", "busy"],
        Fetching: ["Fetching", "busy"],
        Collecting: ["Collecting", "busy"],
        Reporting: ["Reporting", "busy"],
        Starting: ["Starting", "busy"],
        Stopping: ["Stopping", "busy"],
        Pulling: ["Pulling", "busy"],
        Pending: ["Pending", "busy"],
        Waiting: ["Waiting", "idle"],
        Declared: ["Declared", "idle"],
        Empty: ["Empty", "idle"],
        Previous: ["Previous", "idle"],
        Creating: ["Creating", "busy"],
        Connecting: ["Connecting", "busy"],
        Looking: ["Looking", "busy"],
        LoggingIn: ["Logging in", "busy"],
        Registering: ["Registering", "busy"],
        Idle: ["Idle", "idle"],
        Scheduled: ["Scheduled", "good"],
        Suspended: ["Suspended", "idle"],
        NotReady: ["Not ready", "warn"],
        Parked: ["Parked", "warn"],
        Partitioned: ["Partitioned (MIG)", "idle"],
        Stale: ["Stale", "warn"],
        BackOff: ["Back-off", "warn"],
        TimedOut: ["Timed out", "bad"],
        Failed: ["Failed", "bad"],
        Rejected: ["Rejected", "bad"],
        Lost: ["Lost", "bad"],
        Stopped: ["Stopped", "idle"],
        Offline: ["Offline", "bad"],
        Down: ["Down", "bad"],
        Unresponsive: ["Unresponsive", "bad"],
};

const WORDS: Record<string, string> = {
        start: "start",
        stop: "stop",
        create: "create",
        remove: "remove",
        pull: "pull",
        connect: "connect",
        success: "The program ended well.",
        exitCode: "The program ended with an error.",
        oom: "The program wanted more memory than its limit, and the kernel ended it.",
        timeout: "It took longer than its time limit, and was stopped.",
        stopped: "Somebody stopped it.",
        checkpoint: "The program asked to be run again from its checkpoint.",
        nodeError: "The node could not run it: the fault is not the program's.",
        input: "Its inputs could not be got.",
        resources: "It never fitted on this node.",
        diskLimit: "It wrote more than it may.",
        rejected: "The node refused it.",
        Pressure: "The node ran short.",
        GpuLost: "It lost its GPU.",
        file: "file",
        api: "API",
        cron: "cron",
        pool: "pool",
};

const CONDITIONS: Record<string, string> = {
        Ready: "Agent ready",
        Converged: "Converged",
        EngineReachable: "Docker reachable",
        ConfigValid: "Configuration valid",
        Listening: "Listening",
        Capped: "Limits in force",
        Admitting: "Admitting tasks",
        DiskSufficient: "Disk suffices",
        Preloaded: "Images preloaded",
        GPUHealthy: "GPUs work",
        ConfirmPending: "Waiting for confirmation",
};

export const hasCondition = (type: string) => type in CONDITIONS;
export const condition = (type: string) => (CONDITIONS[type] ? t(CONDITIONS[type]) : type);
export const phase = (name: string) => t(PHASES[name]?.[0] ?? name);
export const tone = (name: string): Tone => PHASES[name]?.[1] ?? "idle";
export const word = (name: string) => t(WORDS[name] ?? name);
export const hasWord = (name: string | null) => name !== null && name in WORDS;
/* For hack/check-web: each has a translation. */
export const ALL = [...Object.values(PHASES).map(([text]) => text), ...Object.values(WORDS), ...Object.values(CONDITIONS)];
