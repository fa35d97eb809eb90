/* orders.tsx - what somebody asks of the node, of a service or of a task by hand (docs/operations.md, "By hand"): each order is confirmed, may have a
 * reason, and shows what the agent answered. Who may not give any sees none of the buttons, and what was asked all the same. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { send } from "./api";
import { t } from "./i18n";
import { status } from "./live";
import type { Given, Orders, Thing } from "./model";
import { Card, Dialog, Empty, Fault, tell, When } from "./parts";
import { may } from "./session";
import { phase } from "./words";

interface Order {
        label: string;
        instead?: string; /* those of one name take each other's place, and the focus stays there */
        title: string;
        told: string;
        method?: "DELETE";
        path: string;
        harms?: boolean;
        asks?: "deadline" | "signal" | "now" | "nothing";
        said: (answer: unknown) => string;
}

const SIGNALS = ["SIGHUP", "SIGUSR1", "SIGUSR2", "SIGTERM", "SIGINT", "SIGKILL"];

export function OrderDialog({ order, close }: { order: Order; close: () => void }) {
        const [reason, write] = useState("");
        const [deadline, until] = useState("10m");
        const [signal, choose] = useState("SIGHUP");
        const [atOnce, hurry] = useState(false);
        const [busy, work] = useState(false);
        const [error, refuse] = useState<Error | null>(null);

        const give = async (event: Event) => {
                event.preventDefault();
                const body: Record<string, string> = {};
                if (order.asks === "signal") body.signal = signal;
                else if (reason) body.reason = reason;
                if (order.asks === "deadline" && deadline) body.deadline = deadline;
                work(true);
                refuse(null);
                try {
                        const path = order.asks === "now" && atOnce ? `${order.path}?now=1` : order.path;
                        tell(order.said(await send(order.method ?? "POST", path, order.method ? undefined : JSON.stringify(body))));
                        close();
                } catch (fault) {
                        refuse(fault as Error);
                        work(false);
                }
        };
        return (
                <Dialog title={order.title} close={close}>
                        <form class="fields" onSubmit={(event) => void give(event)}>
                                <p>{order.told}</p>
                                {order.asks === "deadline" && (
                                        <label>
                                                {t("Deadline, such as 10m (empty: none)")}
                                                <input value={deadline} onInput={(event) => until(event.currentTarget.value)} />
                                        </label>
                                )}
                                {order.asks === "now" && (
                                        <label class="check">
                                                <input type="checkbox" checked={atOnce} onChange={(event) => hurry(event.currentTarget.checked)} />
                                                {t("all containers at once")}
                                        </label>
                                )}
                                {order.asks === "signal" ? (
                                        <label>
                                                {t("Signal")}
                                                <select value={signal} onChange={(event) => choose(event.currentTarget.value)}>
                                                        {SIGNALS.map((name) => (
                                                                <option key={name}>{name}</option>
                                                        ))}
                                                </select>
                                        </label>
                                ) : (
                                        !order.method && order.asks !== "nothing" && (
                                                <label>
                                                        {t("Reason (may be empty)")}
                                                        <input value={reason} maxLength={200} onInput={(event) => write(event.currentTarget.value)} />
                                                </label>
                                        )
                                )}
                                <Fault error={error} />
                                <div class="actions">
                                        <button type="submit" class={order.harms ? "danger" : "primary"} disabled={busy}>
                                                {order.label}
                                        </button>
                                        <button type="button" onClick={close}>
                                                {t("Cancel")}
                                        </button>
                                </div>
                        </form>
                </Dialog>
        );
}

function Buttons({ of, label }: { of: Order[]; label: string }) {
        const [open, show] = useState<Order | null>(null);
        if (!may("operator")) return null;
        return (
                <div class="actions" role="group" aria-label={label}>
                        {of.map((order) => (
                                <button type="button" key={order.instead ?? order.label} onClick={() => show(order)}>
                                        {order.label}
                                </button>
                        ))}
                        {open && <OrderDialog order={open} close={() => show(null)} />}
                </div>
        );
}

export function By({ given }: { given: Given }) {
        return (
                <>
                        {t("by {name}", { name: given.by })} <When at={given.since} />
                        {given.reason && `: ${given.reason}`}
                </>
        );
}

function Asked({ what, given, children }: { what: string; given: Given; children?: ComponentChildren }) {
        return (
                <p class="concern">
                        <strong>{what}</strong> <By given={given} /> {children}
                </p>
        );
}

/* ---- of a task ---- */

export const stopTask = (name: string): Order => ({
        label: t("Stop"),
        title: t("Stop {name}?", { name }),
        told: t("It ends within its grace time. What it has left so far is kept."),
        path: `/api/v1/tasks/${encodeURIComponent(name)}/stop`,
        harms: true,
        said: () => t("{name} is being stopped", { name }),
});

/* ---- of a service ---- */

const nowIs = (answer: unknown) => {
        const { metadata, status: s } = answer as Thing;
        return `${metadata.name}: ${s.message || phase(s.phase)}`;
};

function ordersFor(service: Thing, stopped: boolean, held: boolean): Order[] {
        const { name } = service.metadata;
        const path = (what: string) => `/api/v1/services/${encodeURIComponent(name)}/${what}`;
        const all: (Order | false)[] = [
                stopped && { label: t("Start"), instead: "run", title: t("Start {name}?", { name }), told: t("It runs again as it is declared."), path: path("start"), said: nowIs },
                !stopped && {
                        label: t("Restart"),
                        title: t("Restart {name}?", { name }),
                        told: t("Its containers are stopped and started, one after the other."),
                        path: path("restart"),
                        asks: "now",
                        said: nowIs,
                },
                !stopped && {
                        label: t("Stop"),
                        instead: "run",
                        title: t("Stop {name}?", { name }),
                        told: t("Its containers are stopped and stay so until somebody starts it, whatever the files say."),
                        path: path("stop"),
                        harms: true,
                        said: nowIs,
                },
                held
                        ? { label: t("Release"), instead: "hold", title: t("Release {name}?", { name }), told: t("It is brought about again what it should be."), path: path("release"), said: nowIs }
                        : { label: t("Hold"), instead: "hold", title: t("Hold {name}?", { name }), told: t("Nothing is done to it until it is released, whatever becomes of it."), path: path("hold"), said: nowIs },
                (service.status.units ?? []).some((unit) => unit.phase === "Running") && {
                        label: t("Signal"),
                        title: t("Send a signal to {name}?", { name }),
                        told: t("Each of its containers gets it at once. What becomes of one that ends of it is for its restart policy to say."),
                        path: path("kill"),
                        harms: true,
                        asks: "signal",
                        said: (answer) => t("containers that got the signal: {n}", { n: (answer as { signalled: number }).signalled }),
                },
        ];
        return all.filter((order) => order !== false);
}

export function ServiceOrders({ service }: { service: Thing }) {
        const asked = status.value?.orders?.services.find((one) => one.name === service.metadata.name);
        return (
                <>
                        {asked?.stop && <Asked what={t("Stopped")} given={asked.stop} />}
                        {asked?.hold && <Asked what={t("Held")} given={asked.hold} />}
                        <Buttons of={ordersFor(service, Boolean(asked?.stop), Boolean(asked?.hold))} label={t("Orders")} />
                </>
        );
}

/* ---- of a cron task ---- */

function ordersForCron(cron: Thing): Order[] {
        const { name } = cron.metadata;
        const path = (what: string) => `/api/v1/crontasks/${encodeURIComponent(name)}/${what}`;
        return [
                {
                        label: t("Run now"),
                        title: t("Run {name} now?", { name }),
                        told: t("A run of its own comes, whatever the schedule says."),
                        path: path("trigger"),
                        asks: "nothing",
                        said: (answer) => t("{name} is promised", { name: (answer as Thing).metadata.name }),
                },
                cron.status.suspended
                        ? { label: t("Resume"), instead: "suspend", title: t("Resume {name}?", { name }), told: t("It follows its schedule again. What came meanwhile is not made up for."), path: path("resume"), asks: "nothing", said: nowIs }
                        : { label: t("Suspend"), instead: "suspend", title: t("Suspend {name}?", { name }), told: t("No run comes of its schedule until somebody resumes it. A run that goes on is left alone."), path: path("suspend"), harms: true, said: nowIs },
        ];
}

export function CronOrders({ cron }: { cron: Thing }) {
        return <Buttons of={ordersForCron(cron)} label={t("Orders for {name}", { name: cron.metadata.name })} />;
}

/* ---- of the node ---- */

const asOrders = (answer: unknown) => {
        const { cordon, drain, hold } = answer as Orders;
        if (hold) return t("The node is held: nothing is done to services, and no task is admitted.");
        if (drain) return t("The node is drained: no task is admitted, and those that run may end.");
        if (cordon) return t("The node is cordoned: no task is admitted.");
        return t("No order stands for this node any more.");
};

function ordersForNode({ cordon, drain, hold }: Orders): Order[] {
        return [
                cordon || drain
                        ? { label: t("Uncordon"), instead: "cordon", title: t("Uncordon this node?"), told: t("Tasks are admitted again."), method: "DELETE", path: "/api/v1/cordon", said: asOrders }
                        : { label: t("Cordon"), instead: "cordon", title: t("Cordon this node?"), told: t("No task is admitted before somebody takes it back. Those that run go on."), path: "/api/v1/cordon", said: asOrders },
                {
                        label: t("Drain"),
                        title: t("Drain this node?"),
                        told: t("No task is admitted, and those that still run at the deadline are stopped. Services go on."),
                        path: "/api/v1/drain",
                        harms: true,
                        asks: "deadline",
                        said: asOrders,
                },
                hold
                        ? { label: t("Release"), instead: "hold", title: t("Release this node?"), told: t("What is declared is brought about again."), path: "/api/v1/node/release", said: asOrders }
                        : { label: t("Hold"), instead: "hold", title: t("Hold this node?"), told: t("Nothing is done to services, networks and volumes, and no task is admitted, until it is released."), path: "/api/v1/node/hold", said: asOrders },
        ];
}

export function NodeOrders() {
        const orders = status.value?.orders;
        if (!orders) return null;
        const { cordon, drain, hold, services, cronTasks } = orders;
        const isQuiet = !cordon && !drain && !hold && services.length === 0 && cronTasks.length === 0;
        return (
                <Card title={t("By hand")} id="orders">
                        {isQuiet && <Empty>{t("Nobody has asked for anything by hand.")}</Empty>}
                        {hold && <Asked what={t("Held")} given={hold} />}
                        {drain && (
                                <Asked what={t("Drained")} given={drain}>
                                        {drain.deadline && (
                                                <>
                                                        {t("until")} <When at={drain.deadline} />
                                                </>
                                        )}
                                </Asked>
                        )}
                        {cordon && !drain && <Asked what={t("Cordoned")} given={cordon} />}
                        {services.map(({ name, stop, hold: held }) => (
                                <p key={name}>
                                        <a href={`/dashboard/${encodeURIComponent(name)}`}>{name}</a>: {[stop && t("Stopped"), held && t("Held")].filter(Boolean).join(", ")}
                                </p>
                        ))}
                        {cronTasks.map(({ name, suspend }) => (
                                <p key={`cron/${name}`}>
                                        <a href="/tasks">{name}</a>: {t("Suspended")} <By given={suspend} />
                                </p>
                        ))}
                        <Buttons of={ordersForNode(orders)} label={t("Orders")} />
                </Card>
        );
}
