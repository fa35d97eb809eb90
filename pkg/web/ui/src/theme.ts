/* theme.ts - dark, light, or as the system is. */
import { effect, signal } from "@preact/signals";

export type Theme = "auto" | "light" | "dark";

const KEY = "hivelet.theme";
const saved = new URLSearchParams(location.search).get("theme") ?? localStorage.getItem(KEY) ?? document.documentElement.dataset.theme; // the last is of http.ui.theme
const system = matchMedia("(prefers-color-scheme: dark)");
const systemIsDark = signal(system.matches);

export const theme = signal<Theme>(saved === "light" || saved === "dark" ? saved : "auto");
export const isDark = () => (theme.value === "auto" ? systemIsDark.value : theme.value === "dark");

system.addEventListener("change", () => {
        systemIsDark.value = system.matches;
});

effect(() => {
        if (theme.value === "auto") delete document.documentElement.dataset.theme;
        else document.documentElement.dataset.theme = theme.value;
});

export function wear(next: Theme): void {
        theme.value = next;
        localStorage.setItem(KEY, next);
}
