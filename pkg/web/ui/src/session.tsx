/* session.tsx - who looks: the session of this browser, and what its role allows. */
import { computed, signal } from "@preact/signals";
import { get, hangUp, Problem, send, setCsrf, wantsLogin } from "./api";
import { t } from "./i18n";
import { begin } from "./live";
import { go } from "./router";

export interface Session {
        user: string | null;
        role: "nobody" | "viewer" | "operator" | "admin";
        via: string;
        loginRequired: boolean;
        secure: boolean;
        csrfToken: string | null;
}

const ORDER = ["nobody", "viewer", "operator", "admin"];

export const who = signal<Session | null>(null);
/* Only a session can be ended: over the socket there is none. */
export const session = computed(() => (who.value?.via === "session" ? who.value : null));
export const may = (role: "operator" | "admin") => !who.value || ORDER.indexOf(who.value.role) >= ORDER.indexOf(role);

function take(found: Session): void {
        who.value = found;
        setCsrf(found.csrfToken ?? "");
        wantsLogin.value = found.loginRequired && found.role === "nobody";
}

export async function startSession(): Promise<void> {
        try {
                take(await get<Session>("/api/v1/session"));
        } catch (error) {
                if (error instanceof Problem && error.status === 404) who.value = null;
        }
}

export async function logIn(credentials: { username: string; password: string } | { token: string }): Promise<void> {
        await send("POST", "/login", JSON.stringify(credentials));
        await startSession();
        wantsLogin.value = false;
        begin();
        go("/dashboard", true);
}

export function LogOut() {
        const leave = async () => {
                hangUp();
                try {
                        await send("POST", "/logout", "");
                } finally {
                        location.assign("/login"); /* which leads back, where it failed */
                }
        };
        return (
                <button type="button" class="plain" onClick={() => void leave()}>
                        {t("Log out")}
                </button>
        );
}
