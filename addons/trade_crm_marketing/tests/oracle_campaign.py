"""Results of campaigns recomputed from the documents with pandas, in no way like the job does it."""

import pandas as pd


def read(model, domain, names):
    """Records as a frame, many2one as id or None."""
    rows = model.sudo().search_read(domain, names, load=None)
    return pd.DataFrame(rows, columns=["id", *names])


def recompute(env, campaigns):
    """What every order is due to, and what became of every member.

    :return: ``{order id: (campaign id, member id, method, revenue)}`` and
        ``{member id: (orders, revenue, margin, due orders, due revenue, sent, opened, clicked)}``
    """
    members = env["trade.campaign.member"].sudo().search([("campaign_id", "in", campaigns.ids)])
    messages = env["trade.message"].sudo().search([("campaign_id", "in", campaigns.ids)])
    message_of = {(m.campaign_id, m.partner_id): m for m in messages}
    begin = min(campaigns.mapped("trade_started_at"))
    orders = env["sale.order"].sudo().search([("state", "=", "sale"), ("date_order", ">=", begin)])
    clicks = read(
        env["link.tracker.click"],
        [("mailing_trace_id", "!=", False)],
        ["mailing_trace_id", "create_date"],
    )
    due, bought = {}, []
    for order in orders:
        revenue, margin = get_net(order)
        own = members.filtered(lambda m, o=order: is_of(m, o))
        bought += [
            (member.campaign_id.id, order.id, member, order, revenue, margin)
            for member in own
            if is_counted(member.campaign_id, order)
        ]
        evidence = [
            (1, pd.Timestamp(0), member.campaign_id.id, member, "coupon")
            for member in members
            if member.coupon_id & order.order_line.coupon_id
        ]
        for member in own.filtered("variant_id"):
            message = message_of.get((member.campaign_id, member.partner_id))
            evidence += get_evidence(order, member, message, clicks)
        if evidence:
            _s, _at, campaign_id, member, method = min(
                evidence, key=lambda e: (e[0], -e[1].value, -e[2], e[3].id)
            )
            due[order.id] = (campaign_id, member.id, method, revenue)
    return due, summarize(members, message_of, due, bought)


def is_of(member, order):
    customer = order.partner_id.commercial_partner_id
    return (
        member.partner_id.commercial_partner_id == customer
        and member.company_id == order.company_id
    )


def is_counted(campaign, order):
    until = pd.Timestamp(campaign.trade_ended_at or "2200-01-01")
    until += pd.Timedelta(days=campaign.trade_window_days)
    return pd.Timestamp(campaign.trade_started_at) <= order.date_order <= until


def get_evidence(order, member, message, clicks):
    campaign = member.campaign_id
    window = pd.Timedelta(days=campaign.trade_window_days)
    moments, found = [], []
    if message:
        moments = [*clicks[clicks.mailing_trace_id == message.trace_id.id].create_date]
        moments += [message.clicked_at] if message.clicked_at else []
        moments = [(2, moment, "click") for moment in moments]
        if message.state == "sent":
            moments.append((4, message.sent_at, "window"))
    for strength, moment, method in moments:
        at = pd.Timestamp(moment)
        if at <= order.date_order <= at + window:
            found.append((strength, at, campaign.id, member, method))
    if order.campaign_id == campaign and is_counted(campaign, order):
        found.append((3, pd.Timestamp(0), campaign.id, member, "link"))
    return found


def get_net(order):
    """Revenue and margin in company currency, less refunds of goods that were not invoiced again."""
    rate = order.currency_rate or 1
    revenue, margin = order.amount_untaxed / rate, order.margin / rate
    for line in order.order_line:
        refunds = line.invoice_lines.filtered(
            lambda m: m.move_id.move_type == "out_refund" and m.move_id.state == "posted"
        )
        if refunds and line.price_subtotal:
            refunded = sum(refunds.mapped("balance"))
            missing = (line.price_subtotal - line.untaxed_amount_invoiced) / rate
            # The line of a coupon is below zero, and so is what is given back of it.
            lost = refunded * max(0, min(1, missing / refunded)) if refunded else 0
            revenue -= lost
            margin -= lost * line.margin / line.price_subtotal
    return round(revenue, 2), round(margin, 2)


def summarize(members, message_of, due, bought):
    frame = pd.DataFrame(
        bought, columns=["campaign", "order", "member", "sale", "revenue", "margin"]
    )
    if len(frame):
        # The member on the order, else the first of the customer.
        frame["rank"] = [
            (0 if member.partner_id == sale.partner_id else 1, member.id)
            for member, sale in zip(frame.member, frame.sale, strict=True)
        ]
        frame = frame.sort_values("rank").drop_duplicates(["campaign", "order"])
        frame["member"] = [member.id for member in frame.member]
    totals = frame.groupby("member")[["revenue", "margin"]].sum() if len(frame) else None
    counts = frame.groupby("member").size() if len(frame) else {}
    results = {}
    for member in members:
        own = [row for row in due.values() if row[1] == member.id]
        message = message_of.get((member.campaign_id, member.partner_id))
        sent = bool(message and message.sent_at)
        clicked = sent and bool(message.clicked_at)
        known = member.id in getattr(counts, "index", ())
        results[member.id] = (
            int(counts[member.id]) if known else 0,
            round(float(totals.revenue[member.id]), 2) if known else 0.0,
            round(float(totals.margin[member.id]), 2) if known else 0.0,
            len(own),
            round(sum(row[3] for row in own), 2),
            sent,
            clicked or (sent and bool(message.opened_at)),
            clicked,
        )
    return results
