/* router.ts - the path of the page as a signal; links inside the interface change it without loading anything. */
import { signal } from "@preact/signals";

export const path = signal(location.pathname);
export const query = signal(new URLSearchParams(location.search));

function look(): void {
        path.value = location.pathname;
        query.value = new URLSearchParams(location.search);
}

export function go(to: string, replace = false): void {
        if (replace) history.replaceState(null, "", to);
        else history.pushState(null, "", to);
        look();
        if (!replace) {
                scrollTo(0, 0);
                document.querySelector<HTMLElement>("h1")?.focus({ preventScroll: true });
        }
}

/* The page that tells most of an object. */
export function pageOf(kind: string | null, name: string | null): string | null {
        const id = encodeURIComponent(name ?? "");
        if (kind === null || name === null) return null;
        if (kind === "service") return `/dashboard/${id}`;
        if (kind === "task") return `/tasks/${id}`;
        if (kind === "crontask") return "/tasks";
        return kind === "wireguard" || kind === "image" ? "/monitor" : "/settings";
}

/* The query with these values changed; "" takes one out. */
export function withQuery(values: Record<string, string>): string {
        const next = new URLSearchParams(query.value);
        for (const [name, value] of Object.entries(values)) {
                if (value) next.set(name, value);
                else next.delete(name);
        }
        const text = next.toString();
        return text ? `${path.value}?${text}` : path.value;
}

const PAGES = /^\/(dashboard|tasks|monitor|settings|login)?(\/|$)/;

addEventListener("popstate", look);
addEventListener("click", (event) => {
        const link = (event.target as Element).closest?.("a");
        if (!link || link.origin !== location.origin || link.target || link.hasAttribute("download")) return;
        if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
        if (!PAGES.test(link.pathname) || (link.hash && link.pathname === location.pathname)) return;
        event.preventDefault();
        go(link.pathname + link.search);
});
