/* login.tsx - name and password, or a token. */
import { useState } from "preact/hooks";
import { t } from "../i18n";
import { logIn, who } from "../session";
import { Fault } from "../parts";

export function LoginPage() {
        const [withToken, choose] = useState(false);
        const [error, fail] = useState<Error | null>(null);
        const [busy, work] = useState(false);

        const submit = async (event: SubmitEvent) => {
                event.preventDefault();
                const form = new FormData(event.target as HTMLFormElement);
                const field = (name: string) => String(form.get(name) ?? "");
                work(true);
                fail(null);
                try {
                        await logIn(withToken ? { token: field("token").trim() } : { username: field("username"), password: field("password") });
                } catch (fault) {
                        fail(fault as Error);
                }
                work(false);
        };

        return (
                <section class="card login">
                        <h1 tabIndex={-1}>{t("Log in")}</h1>
                        <p class="dim">{t("This node asks who you are.")}</p>
                        <form onSubmit={(event) => void submit(event)}>
                                {withToken ? (
                                        <label>
                                                {t("Token")}
                                                <input name="token" type="password" autocomplete="off" required />
                                        </label>
                                ) : (
                                        <>
                                                <label>
                                                        {t("Name")}
                                                        <input name="username" autocomplete="username" autocapitalize="none" required />
                                                </label>
                                                <label>
                                                        {t("Password")}
                                                        <input name="password" type="password" autocomplete="current-password" required />
                                                </label>
                                        </>
                                )}
                                <Fault error={error} />
                                <div class="actions">
                                        <button type="submit" class="primary" disabled={busy}>
                                                {t("Log in")}
                                        </button>
                                        <button type="button" onClick={() => choose(!withToken)}>
                                                {withToken ? t("With name and password") : t("With a token")}
                                        </button>
                                </div>
                        </form>
                        {who.value && !who.value.secure && <p class="dim">{t("This connection is not encrypted: use it on this machine only.")}</p>}
                        {who.value && !who.value.loginRequired && (
                                <p class="dim">
                                        {t("Nobody needs to log in here:")} <a href="/dashboard">{t("go on")}</a>
                                </p>
                        )}
                </section>
        );
}
