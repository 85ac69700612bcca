import { Component, onWillStart, onWillUnmount, useState } from "@odoo/owl";
import { serializeDateTime } from "@web/core/l10n/dates";
import { _t } from "@web/core/l10n/translation";
import { ConnectionLostError } from "@web/core/network/rpc";
import { registry } from "@web/core/registry";
import { useService } from "@web/core/utils/hooks";
import { useDebounced } from "@web/core/utils/timing";
import { ControlPanel } from "@web/search/control_panel/control_panel";
import { standardActionServiceProps } from "@web/webclient/actions/action_service";
import { CustomerPicker } from "../customer_picker/customer_picker";
import { makeToken } from "../outbox/outbox_service";
import { MarketNotes } from "./market_notes";
import { locate, shrinkPhoto } from "./phone";
import { getKept, keep } from "../core/kept_state";

const { DateTime } = luxon;
const MODEL = "trade.visit";
const SAVE_DELAY = 400;
const MOST_PHOTOS = 12;

function now() {
    return serializeDateTime(DateTime.now());
}

/**
 * A visit as it is filled in on site. All that is typed is kept on the phone until the server has
 * it: `draft` is the whole of it, in plain data.
 */
export class VisitSheet extends Component {
    static template = "trade_crm.VisitSheet";
    static components = { ControlPanel, CustomerPicker, MarketNotes };
    static props = { ...standardActionServiceProps };

    setup() {
        this.action = useService("action");
        this.dialog = useService("dialog");
        this.notification = useService("notification");
        this.orm = useService("orm");
        this.outbox = useService("trade_outbox");
        this.waiting = useState(this.outbox.state);
        const { context } = this.props.action;
        const kept = getKept(this);
        this.visitId = kept.visitId || (context.active_model === MODEL && context.active_id);
        this.partnerId = kept.partnerId || context.partner_id;
        this.state = useState({ sheet: null, draft: null, plan: [], sending: false, ended: null, isOffline: false });
        this.keep = useDebounced(() => this.saveDraft(), SAVE_DELAY, { execBeforeUnmount: true });
        onWillStart(() => this.load());
        onWillUnmount(() => this.saveDraft());
    }

    // ------------------------------------------------------------------
    // Opening
    // ------------------------------------------------------------------

    async load() {
        this.state.isOffline = false;
        if (!this.visitId && !this.partnerId) {
            this.state.plan = await this.orm.call(MODEL, "get_plan");
            return;
        }
        keep(this, { visitId: this.visitId, partnerId: this.partnerId });
        let draft = await this.findDraft();
        if (draft && this.isEndWaiting(draft)) {
            // The page was closed while its end was being sent.
            await this.end(draft);
            return;
        }
        try {
            this.state.sheet = await this.orm.call(MODEL, "get_sheet", [], {
                visit_id: this.visitId || null,
                partner_id: this.partnerId || null,
                token: draft?.token || null,
            });
        } catch (error) {
            if (!(error instanceof ConnectionLostError)) {
                throw error;
            }
            this.state.sheet = draft?.sheet || null;
            this.state.isOffline = !draft;
        }
        if (!this.state.sheet) {
            return;
        }
        if (draft && this.state.sheet.sent === "done") {
            // It has arrived, and the page was closed before it heard so.
            await this.sendPhotos(draft);
            await this.outbox.dropDraft(draft.token);
            draft = null;
        }
        this.state.draft = this.isOver || this.isOfAnother ? null : draft || this.makeDraft();
        if (draft && !draft.values.location_state) {
            this.begin();
        }
    }

    isEndWaiting({ token }) {
        return this.outbox.state.entries.some(
            ({ group, args, error }) => group === token && args[1]?.ended_at && !error,
        );
    }

    async findDraft() {
        const drafts = await this.outbox.getDrafts();
        return drafts.find(
            ({ values }) =>
                (this.visitId && values.visit_id === this.visitId) ||
                (this.partnerId && !values.visit_id && values.partner_id === this.partnerId),
        );
    }

    get isOver() {
        return ["done", "cancelled"].includes(this.state.sheet.visit?.state);
    }

    get isOfAnother() {
        const { visit } = this.state.sheet;
        return visit && visit.state === "ongoing" && !visit.token;
    }

    makeDraft() {
        const { visit, customer } = this.state.sheet;
        return {
            token: visit?.token || makeToken(),
            endToken: makeToken(),
            photos: [],
            values: {
                visit_id: this.visitId || visit?.id,
                partner_id: customer.id,
                started_at: visit?.started_at || null,
                purpose: visit?.purpose || "care",
                contact_id: visit?.contact_id || "",
                report: visit?.report || "",
                next_step: visit?.next_step || "",
                next_day: visit?.next_day || "",
                notes: [],
            },
        };
    }

    chooseCustomer(partnerId) {
        this.partnerId = partnerId;
        return this.load();
    }

    chooseVisit({ id }) {
        this.visitId = id;
        return this.load();
    }

    // ------------------------------------------------------------------
    // Filling in
    // ------------------------------------------------------------------

    saveDraft() {
        const { draft, sheet } = this.state;
        if (draft?.values.started_at && !this.state.ended) {
            return this.outbox.saveDraft(draft.token, { ...draft, sheet });
        }
    }

    set(name, value) {
        this.state.draft.values[name] = value;
        this.keep();
    }

    async start() {
        this.state.draft.values.started_at = now();
        await this.saveDraft();
        await this.begin();
    }

    /** It has begun already; the place is added when the phone has found it. */
    async begin() {
        const { draft, sheet } = this.state;
        Object.assign(draft.values, await locate());
        if (this.state.draft !== draft) {
            // Ended meanwhile, or another visit is on the page.
            return;
        }
        await this.saveDraft();
        try {
            const { result } = await this.outbox.send(this.makeEntry(draft, sheet, draft.values));
            if (result?.state === "done") {
                await this.end(draft);
            }
        } catch (error) {
            draft.values.started_at = null;
            await this.outbox.dropDraft(draft.token);
            throw error;
        }
    }

    async addPhotos(ev) {
        for (const file of ev.target.files) {
            if (this.state.draft.photos.length >= MOST_PHOTOS) {
                this.notification.add(_t("A visit has %s photos at most.", MOST_PHOTOS), { type: "warning" });
                break;
            }
            try {
                this.state.draft.photos.push({ name: file.name, url: await shrinkPhoto(file) });
            } catch {
                this.notification.add(_t("“%s” is no picture.", file.name), { type: "danger" });
            }
        }
        ev.target.value = "";
        this.keep();
    }

    removePhoto(photo) {
        this.state.draft.photos.splice(this.state.draft.photos.indexOf(photo), 1);
        this.keep();
    }

    async order() {
        await this.saveDraft();
        return this.action.doAction({
            type: "ir.actions.client",
            tag: "trade_crm.quick_order",
            name: _t("Quick order"),
            context: { active_id: this.state.sheet.customer.id, visit_token: this.state.draft.token },
        });
    }

    // ------------------------------------------------------------------
    // Sending
    // ------------------------------------------------------------------

    makeEntry(draft, sheet, values) {
        const notes = draft.values.notes.map(({ product, competitor, ...note }) => ({
            ...note,
            competitor: note.kind === "competitor" ? competitor : undefined,
        }));
        return {
            model: MODEL,
            method: "record",
            args: [draft.token, { ...values, notes }],
            title: _t("Visit to %s", sheet.customer.name),
            group: draft.token,
            draft: {
                key: draft.token,
                draft: { ...draft, sheet },
                action: {
                    type: "ir.actions.client",
                    tag: "trade_crm.visit",
                    name: _t("Visit"),
                    context: draft.values.visit_id
                        ? { active_model: MODEL, active_id: draft.values.visit_id }
                        : { partner_id: sheet.customer.id },
                },
            },
        };
    }

    makePhotoEntries(draft) {
        return draft.photos.map(({ name, url }) => ({
            model: MODEL,
            method: "add_photo",
            args: [draft.token, name, url.slice(url.indexOf(",") + 1)],
            title: _t("Photo of the visit to %s", draft.sheet?.customer.name || this.state.sheet.customer.name),
            group: draft.token,
        }));
    }

    async sendPhotos(draft) {
        const entries = this.makePhotoEntries(draft);
        if (entries.length) {
            await this.outbox.send(...entries);
        }
    }

    /** All of it is kept before the first is sent; the text first, as photos take long. */
    async finish() {
        if (this.state.sending) {
            return;
        }
        this.state.sending = true;
        const { draft, sheet } = this.state;
        try {
            const values = { ...draft.values, ended_at: now(), end_token: draft.endToken };
            await this.outbox.send(this.makeEntry(draft, sheet, values), ...this.makePhotoEntries(draft));
            await this.end(draft);
        } finally {
            this.state.sending = false;
        }
    }

    async end({ token }) {
        this.state.ended = token;
        await this.outbox.dropDraft(token);
    }

    /** Whether a part of the ended visit is still on the phone. */
    get isKept() {
        return this.waiting.entries.some(({ group }) => group === this.state.ended);
    }

    showVisits() {
        return this.action.doAction("trade_crm.trade_visit_action", { clearBreadcrumbs: true });
    }

    nextVisit() {
        this.visitId = this.partnerId = undefined;
        keep(this, { visitId: undefined, partnerId: undefined });
        Object.assign(this.state, { sheet: null, draft: null, ended: null });
        return this.load();
    }

    get pickerTitle() {
        return _t("Whom do you visit?");
    }

    get place() {
        const { place, address } = this.state.sheet.customer;
        // Opens the map of the phone, whichever it is.
        return place ? `geo:${place[0]},${place[1]}` : `geo:0,0?q=${encodeURIComponent(address)}`;
    }
}

registry.category("actions").add("trade_crm.visit", VisitSheet);
