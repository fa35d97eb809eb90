/* model.ts - what the API answers, as far as the pages look at it (api/openapi.yaml). */

export interface Place {
        source: string;
        file: string | null;
        line: number;
        column: number;
}

export interface Next {
        action: string;
        at: string | null; /* now */
}

export interface Unit {
        replica: number;
        container: string;
        phase: string;
        inSync: boolean;
        ready: boolean;
        reason: string;
        message: string;
        next: Next | null;
        since: string | null;
        startedAt: string | null;
        restarts: number;
        image: string;
        digest: string | null;
        wantedDigest: string | null;
        exitCode: number | null;
        oomKilled: boolean;
}

export interface Peer {
        name: string;
        publicKey: string;
        endpoint: string | null;
        handshakeAt: string | null;
        receivedBytes: number;
        sentBytes: number;
        fault: string | null;
}

export interface ObjectStatus {
        actedOn: boolean;
        phase: string;
        inSync: boolean | null;
        reason: string | null;
        message: string;
        replicas?: number;
        replicasReady?: number;
        restarts?: number;
        units?: Unit[];
        /* of a cron task */
        schedule?: string;
        timeZone?: string;
        next?: string | null;
        suspended?: boolean;
        suspension?: Given | null;
        peers?: Peer[];
        publicKey?: string;
        listenPort?: number;
        backend?: string;
}

export interface Thing {
        apiVersion: string;
        kind: string;
        metadata: { name: string; declaredAt: Place | null };
        spec: Record<string, unknown>;
        status: ObjectStatus;
}

export interface List<T> {
        items: T[];
        metadata?: { continue?: string | null; complete?: boolean };
}

export interface Condition {
        type: string;
        status: "True" | "False" | "Unknown";
        reason: string;
        message: string;
        lastTransitionTime: string;
}

export interface Finding {
        severity: string;
        code: string;
        file: string | null;
        line: number;
        path: string;
        message: string;
        hint?: string | null;
}

export interface Pool {
        address: string;
        dialect: string;
        state: string;
        message: string | null;
        since: string | null;
        answeredAt: string | null;
        nextTryAt: string | null;
        assignments: number;
        delivered: number;
        refused: number;
        outbox: { results: number; bytes: number; maxBytes: number };
}

/* What somebody asked for by hand. */
export interface Given {
        by: string;
        reason: string | null;
        since: string | null;
}

export interface Orders {
        drain: (Given & { deadline: string | null }) | null;
        cordon: Given | null;
        hold: Given | null;
        services: { name: string; stop: Given | null; hold: Given | null }[];
        cronTasks: { name: string; suspend: Given }[];
        restarts: number;
}

export interface Status {
        nodeId: string;
        summary: string;
        converged: boolean;
        observed: boolean;
        refused: boolean;
        outOfSyncSince: string | null;
        revision: string | null;
        parked: { revision: string; message: string | null; removals: number; objects: string[] } | null;
        confirm: { state: string; revision: string; deadline: string | null; why: string | null } | null;
        engine: { state: string; message: string | null; name: string; version: string; endpoint: string };
        pool: Pool | null;
        units: { total: number; inSync: number; pulling: number; backOff: number; orphans: number };
        tasks: { queued: number; running: number };
        orders?: Orders;
        conditions: Condition[];
        errors: Finding[];
        warnings: Finding[];
        loadedAt: string | null;
        startedAt: string | null;
}

export interface TaskStatus {
        phase: string;
        ended: boolean;
        reason: string | null;
        message: string;
        cause: string | null;
        exitCode: number | null;
        attempt: number;
        acceptedAt: string | null;
        startedAt: string | null;
        endedAt: string | null;
        nextAt: string | null;
        stop: { by: string | null; reason: string | null; at?: string } | null;
        container: string | null;
        image: string | null;
        resources: { cpu: number; memory: number; disk: number; gpus: number } | null;
}

export interface Attempt {
        attempt: number;
        begunAt: string | null;
        startedAt: string | null;
        finishedAt: string | null;
        endedAt: string | null;
        cause: string | null;
        /* why the node itself stopped it */
        reason: string | null;
        message: string | null;
        exitCode: number | null;
        oomKilled: boolean;
        log: { bytes: number; truncated: boolean } | null;
        outputs: { files: number; bytes: number } | null;
        usage: { cpuMicroseconds: number | null; memoryPeakBytes: number | null } | null;
}

export interface Task {
        apiVersion: string;
        kind: string;
        metadata: { name: string; task: string; source: string; cronTask: string | null };
        spec?: Record<string, unknown> | null;
        status: TaskStatus;
        attempts?: Attempt[];
        paths?: { workspace: string | null; results: string | null };
}

export interface Point {
        at: string;
        /* of a GPU: time in which it computed */
        cpuPercent: number | null;
        memory: number | null;
        diskPercent?: number | null;
        receivedPerSecond?: number | null;
        sentPerSecond?: number | null;
        /* of a container, from and to disks */
        readPerSecond?: number | null;
        writtenPerSecond?: number | null;
        /* of a GPU */
        temperature?: number | null;
        /* of trust */
        score?: number | null;
        /* of a container that has GPUs: of all of them, where one is 100 */
        gpuPercent?: number | null;
        gpuMemory?: number | null;
}

export interface Disk {
        use: string;
        path: string;
        total: number;
        available: number;
        percent: number;
}

export interface Traffic {
        received: number;
        sent: number;
        receivedPerSecond: number | null;
        sentPerSecond: number | null;
}

export interface NodeUsage {
        sampledAt: string;
        cpu: { percent: number | null; count: number; model: string | null };
        load: Record<string, number>;
        processes: number;
        memory: { total: number; available: number; used: number; percent: number };
        disks: Disk[];
        network: Traffic;
        temperatureCelsius: number | null;
        history?: Point[];
}

export interface ContainerUsage {
        container: string;
        kind: string;
        name: string;
        sampledAt: string;
        cpu: { percent: number | null };
        memory: { workingSet: number | null; limit: number | null; percent: number | null };
        io: { readPerSecond: number | null; writtenPerSecond: number | null };
        network: Traffic | null;
        gpus: ContainerGpu[];
        history?: Point[];
}

export interface ContainerGpu {
        uuid: string;
        assigned: boolean;
        use: number | null;
        memory: { total: number | null; used: number | null };
        processes: number;
}

export interface GpuUsage {
        uuid: string;
        name: string;
        state: "works" | "mig" | "lost";
        use: number | null;
        memory: { total: number; used: number | null };
        temperatureCelsius: number | null;
        processes: { pid: number; memory: number | null }[];
        history?: { at: string; use: number | null; memory: number | null; temperatureCelsius: number | null }[];
}

export interface Usage {
        host: NodeUsage | null;
        containers: ContainerUsage[];
        gpus?: GpuUsage[];
}

export interface Happening {
        id: string;
        time: string;
        event: string;
        level: string;
        kind: string | null;
        name: string | null;
        message: string;
}
