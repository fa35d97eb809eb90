/* service.tsx - one service: desired, actual and next of each container, its log, use and events. */
import { useState } from "preact/hooks";
import { ContainerCharts } from "../charts";
import { Copy } from "../copies";
import { EventList } from "../events";
import { relative, short } from "../format";
import { t } from "../i18n";
import { hasGpus, limitOf, now, pointsOf } from "../live";
import { LogView } from "../logview";
import type { Happening, List, Thing } from "../model";
import { ServiceOrders } from "../orders";
import { Card, Empty, Facts, Fault, State, When } from "../parts";
import { may } from "../session";
import { useAnswer } from "../use";
import { word } from "../words";

export function ServicePage({ name }: { name: string }) {
        const base = `/api/v1/services/${encodeURIComponent(name)}`;
        const { data: thing, error } = useAnswer<Thing>(base);
        const events = useAnswer<List<Happening>>(`${base}/events?tail=100`);
        const [replica, choose] = useState(1);
        const [before, lookBack] = useState(false);
        const units = thing?.status.units ?? [];
        const place = thing?.metadata.declaredAt;
        return (
                <>
                        <p class="crumbs">
                                <a href="/dashboard">{t("Dashboard")}</a>
                        </p>
                        <div class="head">
                                <h1 tabIndex={-1}>{name}</h1>
                                {thing && <State name={thing.status.phase} />}
                                <Copy kind="Service" name={name} thing={thing} />
                        </div>
                        <Fault error={error} />
                        {thing?.status.message && <p class="because">{thing.status.message}</p>}
                        {thing && <ServiceOrders service={thing} />}
                        {units.map((unit) => (
                                <Card key={unit.container} title={unit.container} side={<State name={unit.phase} />}>
                                        <div class="three">
                                                <div>
                                                        <h3>{t("Wished")}</h3>
                                                        <Facts
                                                                rows={[
                                                                        [t("Image"), unit.image],
                                                                        [t("Digest"), <code key="d">{short(unit.wantedDigest)}</code>],
                                                                        [t("Declared at"), place ? `${place.file}:${place.line}` : "–"],
                                                                ]}
                                                        />
                                                </div>
                                                <div>
                                                        <h3>{t("Actual")}</h3>
                                                        <Facts
                                                                rows={[
                                                                        [t("Ready"), unit.ready ? t("yes") : t("no")],
                                                                        [t("Digest"), <code key="d">{short(unit.digest)}</code>],
                                                                        [t("Started"), <When key="s" at={unit.startedAt} />],
                                                                        [t("Restarts"), unit.restarts],
                                                                        [t("Exit code"), unit.exitCode ?? "–"],
                                                                ]}
                                                        />
                                                </div>
                                                <div>
                                                        <h3>{t("Next")}</h3>
                                                        <p>{unit.next ? `${word(unit.next.action)} ${unit.next.at ? relative(unit.next.at, now.value) : t("now")}` : t("Nothing, until something changes.")}</p>
                                                        {unit.message && <p class="dim">{unit.message}</p>}
                                                </div>
                                        </div>
                                        {pointsOf.value[unit.container] && <ContainerCharts points={pointsOf.value[unit.container] ?? []} limit={limitOf(unit.container)} hasGpus={hasGpus(unit.container)} />}
                                </Card>
                        ))}
                        {may("operator") && units.length > 0 && (
                                <Card
                                        title={t("Log")}
                                        side={
                                                <>
                                                        {units.length > 1 && (
                                                                <label>
                                                                        {t("Container")}{" "}
                                                                        <select value={replica} onChange={(event) => choose(Number(event.currentTarget.value))}>
                                                                                {units.map((unit) => (
                                                                                        <option key={unit.replica} value={unit.replica}>
                                                                                                {unit.container}
                                                                                        </option>
                                                                                ))}
                                                                        </select>
                                                                </label>
                                                        )}
                                                        <label>
                                                                <input type="checkbox" checked={before} onChange={(event) => lookBack(event.currentTarget.checked)} />{" "}
                                                                {t("only the run before")}
                                                        </label>
                                                </>
                                        }
                                >
                                        {units.find((unit) => unit.replica === replica)?.startedAt ? (
                                                <LogView
                                                        key={`${replica}-${before}`}
                                                        path={`${base}/logs?replica=${replica}${before ? "&previous=1" : ""}`}
                                                        name={name}
                                                        follow={!before}
                                                />
                                        ) : (
                                                <Empty>{t("It was not started yet.")}</Empty>
                                        )}
                                </Card>
                        )}
                        <Card title={t("Events")}>
                                <EventList items={events.data?.items ?? []} />
                        </Card>
                </>
        );
}
