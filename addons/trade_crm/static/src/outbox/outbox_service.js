import { reactive } from "@odoo/owl";
import { browser } from "@web/core/browser/browser";
import { ConnectionLostError, RPCError } from "@web/core/network/rpc";
import { registry } from "@web/core/registry";
import { user } from "@web/core/user";
import { Mutex } from "@web/core/utils/concurrency";
import { session } from "@web/session";
import { OutboxStore } from "./outbox_store";

const ENTRIES = "entries";
const DRAFTS = "drafts";
const RETRY_DELAY = 30000;
const LONGEST_CALL = 60000;
// Trying again later may help: nobody has looked at what was sent.
const PASSING = ["odoo.http.SessionExpiredException", "odoo.exceptions.ConcurrencyError"];

export function makeToken() {
    return crypto.randomUUID?.() ?? `${Date.now()}-${Math.random().toString(36).slice(2)}`;
}

function isPassing(error) {
    return error instanceof ConnectionLostError || (error instanceof RPCError && PASSING.includes(error.exceptionName));
}

/**
 * What is typed on a phone, until the server has it.
 *
 * An entry is a call that may be made any number of times: {model, method, args, title}, further
 * `group`, within which nothing is sent after something that was refused, and `draft`, with which
 * the page can be opened again. Drafts are what is being typed, by key.
 */
export const outboxService = {
    dependencies: ["notification", "orm"],
    start(env, { notification, orm }) {
        const store = new OutboxStore(`trade_crm.outbox.${session.db}.${user.userId}`, [ENTRIES, DRAFTS]);
        const state = reactive({ entries: [], sending: false });
        const mutex = new Mutex();
        const ready = store
            .all(ENTRIES)
            .then((found) => state.entries.push(...found.sort((one, other) => one.at - other.at)));

        async function call({ model, method, args, kwargs }) {
            const request = orm.silent.call(model, method, args, kwargs);
            const patience = new Promise((resolve, reject) =>
                browser.setTimeout(() => reject(new ConnectionLostError(method)), LONGEST_CALL),
            );
            return Promise.race([request, patience]);
        }

        async function forget(entry) {
            state.entries = state.entries.filter(({ id }) => id !== entry.id);
            await store.remove(ENTRIES, entry.id);
        }

        /** {result}, {waiting: true} or {error} */
        async function attempt(entry) {
            try {
                const result = await call(entry);
                await forget(entry);
                return { result };
            } catch (error) {
                if (isPassing(error)) {
                    return { waiting: true };
                }
                const kept = state.entries.find(({ id }) => id === entry.id);
                if (kept) {
                    kept.error = error.data?.message || error.message || String(error);
                    await store.put(ENTRIES, entry.id, kept);
                }
                return { error };
            }
        }

        /** Send in order; returns the outcome of the entry with this id. */
        function flush(wanted) {
            return mutex.exec(async () => {
                await ready;
                state.sending = true;
                const refused = new Set();
                let outcome = { waiting: true };
                try {
                    for (const entry of [...state.entries]) {
                        if (entry.error || refused.has(entry.group)) {
                            refused.add(entry.group || entry.id);
                            continue;
                        }
                        const done = await attempt(entry);
                        if (entry.id === wanted) {
                            outcome = done;
                        } else if (done.result?.refusal) {
                            // It has arrived, and nobody is on the page that would say so.
                            notification.add(`${entry.title}: ${done.result.refusal}`, {
                                type: "warning",
                                sticky: true,
                            });
                        }
                        if (done.waiting) {
                            break;
                        }
                        if (done.error && entry.group) {
                            refused.add(entry.group);
                        }
                    }
                } finally {
                    state.sending = false;
                }
                return outcome;
            });
        }

        /**
         * Keep an entry, and what belongs to it, and send them in this order.
         *
         * @returns {Promise<{result?: any, waiting?: boolean}>} of the first; waiting: it is sent when the
         *  connection is back
         * @throws what the server says to the first; none is kept any longer, and the page still has them
         */
        async function send(...entries) {
            await ready;
            const kept = [];
            let isStored = true;
            for (const entry of entries) {
                // In the companies of now, whichever are chosen when it gets through.
                const kwargs = { context: { ...user.context } };
                const at = Date.now() + kept.length / 1000;
                kept.push({ id: makeToken(), at, error: false, kwargs, ...entry });
                isStored = (await store.put(ENTRIES, kept.at(-1).id, kept.at(-1))) && isStored;
            }
            state.entries.push(...kept);
            const outcome = await flush(kept[0].id);
            if (outcome.error || (outcome.waiting && !isStored)) {
                await Promise.all(kept.map(forget));
                throw outcome.error || new ConnectionLostError(kept[0].method);
            }
            return outcome;
        }

        function retry() {
            for (const entry of state.entries) {
                entry.error = false;
            }
            return flush();
        }

        browser.addEventListener("online", () => flush());
        browser.setInterval(() => state.entries.some(({ error }) => !error) && flush(), RETRY_DELAY);
        ready.then(() => state.entries.length && flush());

        return {
            state,
            send,
            retry,
            forget,
            /** Whether something that was typed on the page of this draft is still to be sent. */
            isWaiting: (key) => state.entries.some(({ draft, error }) => draft?.key === key && !error),
            saveDraft: (key, draft) => store.put(DRAFTS, key, draft),
            getDrafts: () => store.all(DRAFTS),
            dropDraft: (key) => store.remove(DRAFTS, key),
        };
    },
};

registry.category("services").add("trade_outbox", outboxService);
