/* dashboard.tsx - is this node converged; if not, why; and what happens next. */
import { useState } from "preact/hooks";
import { send } from "../api";
import { NodeCharts } from "../charts";
import { duration, percent, relative, seconds, span } from "../format";
import { isLike } from "../fuzzy";
import { t } from "../i18n";
import { now, status } from "../live";
import type { List, Task, Thing, Unit } from "../model";
import { NodeOrders } from "../orders";
import { Card, Empty, Fault, Icon, State, Table, useAct, When } from "../parts";
import { go, pageOf, query, withQuery } from "../router";
import { may } from "../session";
import { useAnswer } from "../use";
import { condition, type Tone, word } from "../words";

interface Step {
        at: string | null;
        what: string;
        object: string;
        href: string;
}

interface Plan {
        wanted: string;
        actual: string;
        next: string | null;
        at: string | null;
}

/* Desired, actual and next of one object, in a few words. */
export function planOf(thing: Thing): Plan {
        const { status: s } = thing;
        const worst = s.units?.find((unit) => !unit.inSync) ?? s.units?.[0];
        const image = String(thing.spec.image ?? "");
        return {
                wanted:
                        thing.kind === "Service"
                                ? `${thing.spec.replicas} × ${image}`
                                : thing.kind === "CronTask"
                                        ? (s.schedule ?? "")
                                        : t("it exists"),
                actual: s.message || (worst?.message ?? ""),
                next: worst?.next ? word(worst.next.action) : null,
                at: worst?.next?.at ?? s.next ?? null,
        };
}

const linkTo = (thing: Thing) => pageOf(thing.kind.toLowerCase(), thing.metadata.name) ?? undefined;

function Verdict() {
        const s = status.value;
        if (!s) return <Card title={t("This node")}>{<Empty>{t("Asking the agent …")}</Empty>}</Card>;
        const bad = s.engine.state !== "Ready" || s.refused;
        const kind: Tone = s.converged ? "good" : bad ? "bad" : "warn";
        const title = s.converged
                ? t("This node runs what it should.")
                : !s.observed
                        ? t("This node was not looked at yet.")
                        : t("This node does not run what it should.");
        const concerns = s.conditions.filter((c) => (c.status === "True") === (c.type === "ConfirmPending") && c.type !== "Converged");
        return (
                <section class={`verdict ${kind}`} aria-labelledby="verdict">
                        <div class="seal">
                                <Icon shape={kind} />
                        </div>
                        <div>
                                <h2 id="verdict" aria-live="polite">
                                        {title}
                                </h2>
                                <p>
                                        {t("{good} of {all} containers are as wished", { good: s.units.inSync, all: s.units.total })}
                                        {" · "}
                                        {t("tasks: {running} running, {queued} queued", { running: s.tasks.running, queued: s.tasks.queued })}
                                        {s.outOfSyncSince && (
                                                <>
                                                        {" · "}
                                                        {t("not as wished for {span}", { span: span(seconds(s.outOfSyncSince, now.value) ?? 0) })}
                                                </>
                                        )}
                                </p>
                                <p class="dim">
                                        {t("revision")} <code title={s.revision ?? ""}>{s.revision?.slice(0, 8) ?? "–"}</code> · {s.engine.name} {s.engine.version}
                                </p>
                                {concerns.map((c) => (
                                        <p key={c.type} class="concern">
                                                <Icon shape="warn" />
                                                <strong>{condition(c.type)}</strong> {c.message}
                                        </p>
                                ))}
                                {s.errors.map((e) => (
                                        <p key={e.message} class="concern">
                                                <Icon shape="bad" />
                                                <strong>{e.code}</strong> {e.file}:{e.line}: {e.message}
                                        </p>
                                ))}
                                {s.parked && (
                                        <p class="concern">
                                                <Icon shape="warn" />
                                                {s.parked.message}{" "}
                                                <code>hivectl apply --accept-prune {s.parked.revision.slice(0, 8)}</code>
                                        </p>
                                )}
                        </div>
                </section>
        );
}

function Why({ services }: { services: Thing[] }) {
        const bad = services.filter((s) => s.status.inSync === false);
        return (
                <Card title={t("Why")} id="why">
                        {bad.length === 0 ? (
                                <Empty>{t("Nothing stands in the way.")}</Empty>
                        ) : (
                                <ul class="reasons">
                                        {bad.map((s) => (
                                                <li key={s.kind + s.metadata.name}>
                                                        <a data-row href={linkTo(s)}>
                                                                {s.metadata.name}
                                                        </a>{" "}
                                                        <State name={s.status.phase} as={s.status.phase === "Declared" ? "idle" : undefined} />
                                                        <p>{s.status.message}</p>
                                                </li>
                                        ))}
                                </ul>
                        )}
                </Card>
        );
}

const STEPS_SHOWN = 8;

function NextSteps({ services, crons }: { services: Thing[]; crons: Thing[] }) {
        const steps: Step[] = [];
        const units = services.flatMap((s) => (s.status.units ?? []).map((unit): [Thing, Unit] => [s, unit]));
        for (const [s, unit] of units)
                if (unit.next)
                        steps.push({ at: unit.next.at, what: word(unit.next.action), object: unit.container, href: linkTo(s) ?? "" });
        for (const cron of crons)
                if (cron.status.next) steps.push({ at: cron.status.next, what: t("run"), object: cron.metadata.name, href: "/tasks" });
        const confirm = status.value?.confirm;
        if (confirm?.deadline && confirm.state === "Pending")
                steps.push({ at: confirm.deadline, what: t("take back"), object: confirm.revision.slice(0, 8), href: "/settings" });
        steps.sort((a, b) => (a.at ?? "").localeCompare(b.at ?? ""));
        return (
                <Card title={t("What happens next")} id="next">
                        {steps.length === 0 ? (
                                <Empty>{t("Nothing, until something changes.")}</Empty>
                        ) : (
                                <ol class="steps">
                                        {steps.slice(0, STEPS_SHOWN).map((step) => (
                                                <li key={step.object + step.what}>
                                                        <span class="when">{step.at ? relative(step.at, now.value) : t("now")}</span>
                                                        <Icon shape="next" />
                                                        <span>
                                                                {step.what} <a href={step.href}>{step.object}</a>
                                                        </span>
                                                </li>
                                        ))}
                                        {steps.length > STEPS_SHOWN && <li class="dim">{t("and {n} more", { n: steps.length - STEPS_SHOWN })}</li>}
                                </ol>
                        )}
                </Card>
        );
}

interface Planned {
        steps: { action: string; object: string; name: string; why: string }[];
}

/* What the agent would do now, step by step; it looks at the engine for this, and so it does when it is asked to. */
function PlanNow() {
        const [plan, show] = useState<Planned | null>(null);
        const [busy, run] = useAct();
        if (!may("operator")) return null;
        const ask = () =>
                run(async () => {
                        const found = await send<Planned>("POST", "/api/v1/plan");
                        show(found);
                        return t("steps that are planned: {n}", { n: found.steps.length });
                });
        return (
                <>
                        <p class="actions">
                                <button type="button" disabled={busy} onClick={() => void ask()}>
                                        {t("Plan in full")}
                                </button>
                        </p>
                        {plan && plan.steps.length > 0 && (
                                <Table label={t("Plan")} head={[t("Next"), t("Object"), t("Why")]}>
                                        {plan.steps.map((step) => (
                                                <tr key={step.action + step.object}>
                                                        <td>{word(step.action)}</td>
                                                        <th scope="row">{step.object}</th>
                                                        <td class="wrap">{step.why}</td>
                                                </tr>
                                        ))}
                                </Table>
                        )}
                        {plan?.steps.length === 0 && <Empty>{t("Nothing, until something changes.")}</Empty>}
                </>
        );
}

/* What is looked for stands in the address: it can be sent to somebody. */
function Objects({ things }: { things: Thing[] }) {
        const wanted = query.value.get("search") ?? "";
        const isOff = query.value.get("state") === "off";
        const list = things.filter((one) => (!isOff || one.status.inSync === false) && isLike(`${one.metadata.name} ${one.kind} ${one.spec.image ?? ""}`, wanted));
        return (
                <Card title={t("Wished, actual, next")} id="objects" class="whole" side={<span class="dim">{t("{n} of {all}", { n: list.length, all: things.length })}</span>}>
                        <div class="toolbar">
                                <input
                                        type="search"
                                        aria-label={t("Search in the objects")}
                                        placeholder={t("Search in the objects")}
                                        value={wanted}
                                        onInput={(event) => go(withQuery({ search: event.currentTarget.value }), true)}
                                />
                                <label>
                                        <input type="checkbox" checked={isOff} onChange={(event) => go(withQuery({ state: event.currentTarget.checked ? "off" : "" }), true)} /> {t("only what is not as wished")}
                                </label>
                        </div>
                        {list.length === 0 ? (
                                <Empty>{things.length === 0 ? t("Nothing is declared.") : t("No such objects.")}</Empty>
                        ) : (
                                <Table label={t("Objects")} head={[t("Object"), t("State"), t("Wished"), t("Actual"), t("Next")]}>
                                        {list.map((thing) => {
                                                const plan = planOf(thing);
                                                return (
                                                        <tr key={thing.kind + thing.metadata.name}>
                                                                <th scope="row">
                                                                        <a data-row href={linkTo(thing)}>
                                                                                {thing.metadata.name}
                                                                        </a>
                                                                        <span class="dim kind">{thing.kind}</span>
                                                                </th>
                                                                <td>
                                                                        <State name={thing.status.phase} />
                                                                </td>
                                                                <td class="wrap">{plan.wanted}</td>
                                                                <td class="wrap">{plan.actual || (thing.status.inSync ? t("as wished") : "–")}</td>
                                                                <td>
                                                                        {plan.next ?? (plan.at ? t("run") : "–")} {plan.at && <When at={plan.at} />}
                                                                </td>
                                                        </tr>
                                                );
                                        })}
                                </Table>
                        )}
                        <PlanNow />
                </Card>
        );
}

const ENDED_LOOKED_AT = 500;

function Statistics() {
        const { data, error } = useAnswer<List<Task>>(`/api/v1/tasks?state=ended&limit=${ENDED_LOOKED_AT}`);
        const ended = data?.items ?? [];
        const done = ended.filter((task) => task.status.phase === "Completed");
        const stopped = ended.filter((task) => task.status.phase === "Stopped").length;
        const judged = ended.length - stopped;
        const times = done.map((task) => seconds(task.status.startedAt, task.status.endedAt)).filter((time): time is number => time !== null);
        const mean = times.length ? times.reduce((sum, time) => sum + time, 0) / times.length : null;
        const s = status.value;
        return (
                <Card title={t("Tasks")} id="statistics" side={<a href="/tasks">{t("All tasks")}</a>}>
                        <Fault error={error} />
                        <dl class="figures">
                                <div>
                                        <dt>{t("Success rate")}</dt>
                                        <dd>{judged ? percent((100 * done.length) / judged) : "–"}</dd>
                                </div>
                                <div>
                                        <dt>{t("Mean time")}</dt>
                                        <dd>{mean === null ? "–" : duration(mean)}</dd>
                                </div>
                                <div>
                                        <dt>{t("Running")}</dt>
                                        <dd>{s?.tasks.running ?? "–"}</dd>
                                </div>
                                <div>
                                        <dt>{t("Queued")}</dt>
                                        <dd>{s?.tasks.queued ?? "–"}</dd>
                                </div>
                                <div>
                                        <dt>{t("Completed")}</dt>
                                        <dd>{done.length}</dd>
                                </div>
                                <div>
                                        <dt>{t("Failed")}</dt>
                                        <dd>{judged - done.length}</dd>
                                </div>
                        </dl>
                        {data?.metadata?.continue && <p class="dim">{t("of the newest {n} that ended", { n: ENDED_LOOKED_AT })}</p>}
                </Card>
        );
}

export function DashboardPage() {
        const services = useAnswer<List<Thing>>("/api/v1/services");
        const networks = useAnswer<List<Thing>>("/api/v1/networks");
        const volumes = useAnswer<List<Thing>>("/api/v1/volumes");
        const tunnels = useAnswer<List<Thing>>("/api/v1/wireguard");
        const crons = useAnswer<List<Thing>>("/api/v1/crontasks");
        const all = [services, crons, networks, volumes, tunnels].flatMap((answer) => answer.data?.items ?? []);
        return (
                <>
                        <h1 tabIndex={-1}>{t("Dashboard")}</h1>
                        <Verdict />
                        <Fault error={services.error} />
                        <div class="grid">
                                <Why services={all} />
                                <NextSteps services={services.data?.items ?? []} crons={crons.data?.items ?? []} />
                                <Statistics />
                        </div>
                        <Objects things={all} />
                        <NodeOrders />
                        <Card title={t("Resources")} id="resources" side={<a href="/monitor">{t("More")}</a>}>
                                <NodeCharts />
                        </Card>
                </>
        );
}
