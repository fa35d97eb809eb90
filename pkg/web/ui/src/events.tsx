/* events.tsx - events as a list, newest first. */
import { t } from "./i18n";
import type { Happening } from "./model";
import { Empty, Icon, When } from "./parts";

const LEVELS: Record<string, string> = { warning: "warn", error: "bad", err: "bad", critical: "bad", notice: "good", info: "idle" };

export function EventList({ items }: { items: Happening[] }) {
        if (items.length === 0) return <Empty>{t("No events.")}</Empty>;
        return (
                <div class="events" role="group" tabIndex={0} aria-label={t("Events")}>
                        <ol>
                                {items.toReversed().map((item) => (
                                        <li key={item.id}>
                                                <Icon shape={LEVELS[item.level] ?? "idle"} />
                                                <When at={item.time} />
                                                <span class="tag">{item.event}</span>
                                                <span class="said">{item.message}</span>
                                        </li>
                                ))}
                        </ol>
                </div>
        );
}
