-- The sales fact by hand: one statement into a table without keys. It does less than ours, and may:
-- no refunds, and nothing of what an order says beyond its lines but that there was one.
-- {companies} are the companies as rows of (id, tz).
INSERT INTO bench_fact
SELECT company_id, partner_id, product_id, day, sum(quantity), sum(revenue), sum(margin), sum(discount),
       sum(lines), sum(orders)
  FROM (
        SELECT o.company_id,
               p.commercial_partner_id AS partner_id,
               l.product_id,
               (o.date_order AT TIME ZONE 'UTC' AT TIME ZONE company.tz)::date AS day,
               l.product_uom_qty * unit.factor AS quantity,
               round(l.price_subtotal / o.currency_rate, 2) AS revenue,
               round(l.margin / o.currency_rate, 2) AS margin,
               CASE WHEN l.discount > 0
                    THEN round(l.price_subtotal * l.discount / (100 - l.discount) / o.currency_rate, 2)
                    ELSE 0 END AS discount,
               1 AS lines,
               0 AS orders
          FROM sale_order_line l
          JOIN sale_order o ON o.id = l.order_id
          JOIN res_partner p ON p.id = o.partner_id
          JOIN uom_uom unit ON unit.id = l.product_uom_id
          JOIN (VALUES {companies}) AS company (id, tz) ON company.id = o.company_id
         WHERE o.state = 'sale' AND l.display_type IS NULL AND l.is_downpayment IS NOT TRUE
         UNION ALL
        SELECT o.company_id, p.commercial_partner_id, NULL,
               (o.date_order AT TIME ZONE 'UTC' AT TIME ZONE company.tz)::date, 0, 0, 0, 0, 0, 1
          FROM sale_order o
          JOIN res_partner p ON p.id = o.partner_id
          JOIN (VALUES {companies}) AS company (id, tz) ON company.id = o.company_id
         WHERE o.state = 'sale'
         UNION ALL
        SELECT h.company_id, p.commercial_partner_id, NULL, h.date, 0, h.amount, h.margin, 0, 0, 1
          FROM trade_order_history h
          JOIN res_partner p ON p.id = h.partner_id
       ) sale
 GROUP BY company_id, partner_id, product_id, day
