/* events.tsx - events as a list, newest first. */
import { t } from "./i18n";
import type { Happening } from "./model";
import { Empty, Icon, When } from "./parts";
import { pageOf } from "./router";

const LEVELS: Record<string, string> = { warning: "warn", error: "bad", err: "bad", critical: "bad", notice: "good", info: "idle" };

/* Where to read on about what it happened to. */
function Of({ item }: { item: Happening }) {
        const to = pageOf(item.kind, item.name);
        return to && <a href={to}>{item.name}</a>;
}

/* linked: they are of many objects. */
export function EventList({ items, linked }: { items: Happening[]; linked?: boolean }) {
        if (items.length === 0) return <Empty>{t("No events.")}</Empty>;
        return (
                <div class="events" role="group" tabIndex={0} aria-label={t("Events")}>
                        <ol>
                                {items.toReversed().map((item) => (
                                        <li key={item.id}>
                                                <Icon shape={LEVELS[item.level] ?? "idle"} />
                                                <When at={item.time} />
                                                <span class="tag">{item.event}</span>
                                                <span class="said">
                                                        {item.message} {linked && <Of item={item} />}
                                                </span>
                                        </li>
                                ))}
                        </ol>
                </div>
        );
}
