/* main.tsx - the frame around every page, and which page it is. */
import { useSignal } from "@preact/signals";
import { render } from "preact";
import { useEffect, useErrorBoundary } from "preact/hooks";
import { link, tryNow, wantsLogin } from "./api";
import { span } from "./format";
import { language, t } from "./i18n";
import { begin, now, status } from "./live";
import { Dialog, Icon, notice } from "./parts";
import { DashboardPage } from "./pages/dashboard";
import { LoginPage } from "./pages/login";
import { MonitorPage } from "./pages/monitor";
import { ServicePage } from "./pages/service";
import { SettingsPage } from "./pages/settings";
import { TaskPage } from "./pages/task";
import { TasksPage } from "./pages/tasks";
import { go, path } from "./router";
import { LogOut, session, startSession } from "./session";
import { theme, wear } from "./theme";
import "./style.css";

const PAGES: [string, string][] = [
        ["dashboard", "Dashboard"],
        ["tasks", "Tasks"],
        ["monitor", "Monitor"],
        ["settings", "Settings"],
];

function Page() {
        const [, page = "", ...rest] = path.value.split("/");
        const name = decodeURIComponent(rest.join("/"));
        if (page === "login" || wantsLogin.value) return <LoginPage />;
        if (page === "tasks") return name ? <TaskPage key={name} name={name} /> : <TasksPage />;
        if (page === "monitor") return <MonitorPage />;
        if (page === "settings") return <SettingsPage />;
        if (page === "dashboard" && name) return <ServicePage key={name} name={name} />;
        return <DashboardPage />;
}

/* A fault of the program itself shows what it was, and the frame stays. */
function Guarded() {
        const [error, reset] = useErrorBoundary((fault) => console.error(fault));
        const at = path.value;
        useEffect(reset, [at]);
        if (!error) return <Page />;
        return (
                <section class="card">
                        <h1>{t("This page failed")}</h1>
                        <p>{String(error)}</p>
                        <button type="button" onClick={reset}>
                                {t("Try again")}
                        </button>
                </section>
        );
}

function Freshness() {
        const { online, at } = link.value;
        const age = at ? (now.value - at) / 1000 : 0;
        const fresh = online && age < 12;
        return (
                <span class={`fresh ${fresh ? "good" : "bad"}`} title={t("when the agent answered last")}>
                        <Icon shape={fresh ? "good" : "warn"} />
                        {fresh ? t("Live") : t("{span} old", { span: span(age) })}
                </span>
        );
}

function ThemeButton() {
        const next = { auto: "light", light: "dark", dark: "auto" } as const;
        const names = { auto: t("Theme: as the system"), light: t("Theme: light"), dark: t("Theme: dark") };
        return (
                <button type="button" class="plain" aria-label={names[theme.value]} title={names[theme.value]} onClick={() => wear(next[theme.value])}>
                        <svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
                                <circle cx="8" cy="8" r="5.500" />
                                {theme.value !== "light" && <path class="filled" d={theme.value === "dark" ? "M8 2.500a5.500 5.500 0 0 1 0 11a5.500 5.500 0 0 1 0-11" : "M8 2.500a5.500 5.500 0 0 0 0 11z"} />}
                        </svg>
                </button>
        );
}

const KEYS: [string, string][] = [
        ["g d", "Dashboard"],
        ["g t", "Tasks"],
        ["g m", "Monitor"],
        ["g s", "Settings"],
        ["j / k", "next and previous row"],
        ["Enter", "open the row"],
        ["/", "search"],
        ["?", "these keys"],
        ["Esc", "close"],
];

function moveRow(step: number): void {
        const rows = [...document.querySelectorAll<HTMLElement>("[data-row]")];
        const at = rows.indexOf(document.activeElement as HTMLElement);
        rows[Math.max(0, Math.min(rows.length - 1, at + step))]?.focus();
}

function useKeys(help: () => void): void {
        useEffect(() => {
                let lead = "";
                const pressed = (event: KeyboardEvent) => {
                        const target = event.target as HTMLElement;
                        if (event.ctrlKey || event.metaKey || event.altKey) return;
                        if (/^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || document.querySelector("dialog[open]")) return;
                        const after = lead;
                        lead = "";
                        if (after === "g") {
                                const page = PAGES.find(([name]) => name[0] === event.key);
                                if (page) go(`/${page[0]}`);
                        } else if (event.key === "g") lead = "g";
                        else if (event.key === "j") moveRow(1);
                        else if (event.key === "k") moveRow(-1);
                        else if (event.key === "?") help();
                        else if (event.key === "/") document.querySelector<HTMLElement>("input[type=search]")?.focus();
                        else return;
                        event.preventDefault();
                };
                addEventListener("keydown", pressed);
                return () => removeEventListener("keydown", pressed);
        }, []);
}

function Frame() {
        const help = useSignal(false);
        const page = path.value.split("/")[1] || "dashboard";
        useKeys(() => {
                help.value = true;
        });
        useEffect(() => {
                document.documentElement.lang = language.value === "zh-Hant" ? "zh-Hant" : "en";
        }, [language.value]);
        const name = PAGES.find(([id]) => id === page)?.[1] ?? "Dashboard";
        useEffect(() => {
                document.title = `${t(name)} · ${status.value?.nodeId ?? "hivelet"}`;
        }, [name, status.value?.nodeId, language.value]);
        const bare = page === "login" || wantsLogin.value;
        return (
                <>
                        <a class="skip" href="#main" target="_self">
                                {t("Skip to the content")}
                        </a>
                        <header class="bar">
                                <a class="brand" href="/dashboard" aria-label={t("hivelet, dashboard")}>
                                        <svg viewBox="0 0 32 32" width="24" height="24" aria-hidden="true">
                                                <path class="hex" d="M16 1 29 8.500v15L16 31 3 23.500v-15z" />
                                                <path class="h" d="M10 9h3.500v5.200h5V9H22v14h-3.500v-5.800h-5V23H10z" />
                                        </svg>
                                        <span>{status.value?.nodeId ?? "hivelet"}</span>
                                </a>
                                {!bare && (
                                        <nav aria-label={t("Pages")}>
                                                {PAGES.map(([id, label]) => (
                                                        <a key={id} href={`/${id}`} aria-current={id === page ? "page" : undefined}>
                                                                <Icon shape={id} />
                                                                <span>{t(label)}</span>
                                                        </a>
                                                ))}
                                        </nav>
                                )}
                                <div class="tools">
                                        {!bare && <Freshness />}
                                        <button type="button" class="plain" aria-label={t("Keys")} title={t("Keys")} onClick={() => (help.value = true)}>
                                                ?
                                        </button>
                                        <ThemeButton />
                                        {session.value && <LogOut />}
                                </div>
                        </header>
                        {!link.value.online && (
                                <p class="offline" role="alert">
                                        <Icon shape="warn" />
                                        <span>{t("The agent does not answer. What you see is as it was {span} ago; this page tries again by itself.", { span: span((now.value - link.value.at) / 1000) })}</span>
                                        <button type="button" onClick={tryNow}>
                                                <Icon shape="again" />
                                                {t("Try now")}
                                        </button>
                                </p>
                        )}
                        <main id="main" tabIndex={-1}>
                                <Guarded />
                        </main>
                        <div class="notices" aria-live="polite">
                                {notice.value && <p class={notice.value.bad ? "bad" : "good"}>{notice.value.text}</p>}
                        </div>
                        {help.value && (
                                <Dialog title={t("Keys")} close={() => (help.value = false)}>
                                        <dl class="keys">
                                                {KEYS.map(([key, what]) => (
                                                        <div key={key}>
                                                                <dt>
                                                                        <kbd>{key}</kbd>
                                                                </dt>
                                                                <dd>{t(what)}</dd>
                                                        </div>
                                                ))}
                                        </dl>
                                        <form method="dialog">
                                                <button type="submit">{t("Close")}</button>
                                        </form>
                                </Dialog>
                        )}
                </>
        );
}

if (path.value === "/") go("/dashboard", true);
const root = document.getElementById("app");
/* Nothing is asked for before it is known that one has to log in: what is refused stands on the browser's console. */
void startSession().then(() => {
        if (!wantsLogin.value) begin();
        if (root) render(<Frame />, root);
});
