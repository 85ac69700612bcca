import { contains, defineMailModels, openFormView, start, startServer } from "@mail/../tests/mail_test_helpers";
import { test } from "@odoo/hoot";
import { animationFrame } from "@odoo/hoot-dom";
import { serverState } from "@web/../tests/web_test_helpers";

defineMailModels();

const CHANGED = "trade_crm.trail/changed";

test("what a colleague logs is shown at once, and only where it belongs", async () => {
    const pyEnv = await startServer();
    const [tea, rice] = pyEnv["res.partner"].create([{ name: "Tea House" }, { name: "Rice Mill" }]);
    // As a colleague writes it: nobody tells this browser but the channel of the trail.
    const log = (id, body) =>
        pyEnv["mail.message"].create({ body, model: "res.partner", res_id: id, message_type: "comment" });
    // The server decides who hears it; a browser may have several documents open.
    const [me] = pyEnv["res.partner"].read(serverState.partnerId);
    const tell = (id) => pyEnv["bus.bus"]._sendone(me, CHANGED, { model: "res.partner", id });
    await start();
    await openFormView("res.partner", tea);
    await contains(".o-mail-Thread");
    await animationFrame();
    log(rice, "Called the mill");
    tell(rice);
    log(tea, "Called the tea house");
    await animationFrame();
    await contains(".o-mail-Message", { count: 0 });
    tell(tea);
    await contains(".o-mail-Message", { count: 1, text: "Called the tea house" });
    await openFormView("res.partner", rice);
    await contains(".o-mail-Message", { count: 1, text: "Called the mill" });
    log(rice, "Visited the mill");
    tell(rice);
    await contains(".o-mail-Message", { count: 2 });
});
