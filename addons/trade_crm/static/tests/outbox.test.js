import { beforeEach, expect, test } from "@odoo/hoot";
import { animationFrame, click, queryAllTexts } from "@odoo/hoot-dom";
import { defineModels, getService, makeServerError, mountWithCleanup, onRpc } from "@web/../tests/web_test_helpers";
import { mailModels } from "@mail/../tests/mail_test_helpers";
import { WebClient } from "@web/webclient/webclient";

defineModels(mailModels);

const ENTRY = {
    model: "trade.visit",
    method: "record",
    args: ["a-token", {}],
    title: "Visit to Tea House",
    group: "a",
};
const PHOTO = { model: "trade.visit", method: "add_photo", args: ["a-token", "x.jpg", ""], title: "Photo", group: "a" };

// What an earlier test has left would be sent in this one.
beforeEach(async () => {
    for (const { name } of await indexedDB.databases()) {
        if (name.startsWith("trade_crm.outbox")) {
            const request = indexedDB.deleteDatabase(name);
            await new Promise((resolve) => (request.onsuccess = request.onblocked = resolve));
        }
    }
});

const LOST = "lost";
const REFUSED = "refused";

/** What becomes of the calls, one after the other; then all of them arrive. */
function answer(...answers) {
    const calls = [];
    onRpc("trade.visit", "*", ({ method }) => {
        calls.push(method);
        const given = answers.shift();
        if (given === LOST) {
            return new Response("", { status: 502 });
        }
        if (given === REFUSED) {
            throw makeServerError({ type: "UserError", message: "Not yours" });
        }
        return "ok";
    });
    return calls;
}

test("what cannot be sent waits, in order, and is sent when the connection is back", async () => {
    const calls = answer(LOST, LOST);
    await mountWithCleanup(WebClient);
    const outbox = getService("trade_outbox");
    expect(await outbox.send(ENTRY)).toEqual({ waiting: true });
    expect(await outbox.send(PHOTO)).toEqual({ waiting: true });
    await animationFrame();
    expect(".o_trade_outbox .badge").toHaveText("2");
    expect(calls).toEqual(["record", "record"], { message: "the photo is not tried before the visit" });
    window.dispatchEvent(new Event("online"));
    await outbox.send({ ...ENTRY, group: "b" });
    expect(calls.slice(2)).toEqual(["record", "add_photo", "record"]);
    await animationFrame();
    expect(".o_trade_outbox").toHaveCount(0);
});

test("what the server refuses at once is thrown and kept no longer", async () => {
    answer(REFUSED);
    await mountWithCleanup(WebClient);
    const outbox = getService("trade_outbox");
    await expect(outbox.send(ENTRY)).rejects.toThrow();
    expect(outbox.state.entries).toEqual([]);
});

test("what the server refuses later says why, stops its group, and can be discarded", async () => {
    const calls = answer(LOST, LOST, REFUSED);
    await mountWithCleanup(WebClient);
    const outbox = getService("trade_outbox");
    await outbox.send(ENTRY);
    await outbox.send(PHOTO);
    await outbox.send({ ...ENTRY, title: "Visit to Rice Mill", group: "b" });
    await animationFrame();
    expect(calls).toEqual(["record", "record", "record", "record"]);
    await click(".o_trade_outbox");
    await animationFrame();
    expect(queryAllTexts(".o_trade_outbox_entry > div:first-child")).toEqual(["Visit to Tea House", "Photo"]);
    expect(".o_trade_outbox_entry .text-danger").toHaveText("Not yours");
    await click(".o_trade_outbox_entry .btn:contains(Discard)");
    await animationFrame();
    await click(".modal .btn-primary");
    await animationFrame();
    expect(outbox.state.entries.map(({ title }) => title)).toEqual(["Photo"]);
});
