-- The customer profile by hand, as fast as we know to write it: one pass per table, nothing but the
-- default policy, a plain table as the result. {companies} are the companies as rows of
-- (id, tz, today, first day in the window, of the trend and of the time before, window, ids of the
-- seven default tiers).
SET LOCAL jit = off;
SET LOCAL parallel_tuple_cost = 0.01;
CREATE UNLOGGED TABLE bench_profile AS
SELECT valued.*,
       CASE WHEN order_count = 0 THEN NULL
            WHEN large AND often THEN 'best'
            WHEN large THEN 'spender'
            WHEN often THEN 'frequent'
            ELSE 'uncertain' END AS matrix_quadrant,
       CASE WHEN order_count = 0 OR large OR often THEN NULL
            WHEN lifecycle_status IN ('dormant', 'lost') THEN 'gone'
            WHEN is_new THEN 'new'
            ELSE 'steady' END AS matrix_segment,
       CASE WHEN order_count = 0 THEN 'never'
            WHEN average_order_value >= 50000 AND order_count <= 2 THEN 'bulk_once'
            WHEN window_days >= 4 THEN 'continuous'
            WHEN average_order_value >= 50000 THEN 'bulk_repeated'
            ELSE 'occasional' END AS purchase_pattern,
       COALESCE(large AND lifecycle_status IN ('new', 'growing') AND value_band <> 'high'
                AND window_order_count >= 2 AND gap_mean_days <= 60, FALSE) AS potential_high_value
  FROM (
SELECT partner_id,
       company_id,
       first_order_date,
       last_order_date,
       order_count::int AS order_count,
       revenue,
       margin,
       round(revenue / NULLIF(order_count, 0), 2) AS average_order_value,
       (quantity / NULLIF(order_count - unmeasured, 0))::float8 AS items_per_order,
       gap_sum / NULLIF(gaps, 0)::float8 AS gap_mean_days,
       CASE WHEN gaps > 1 THEN
           sqrt(GREATEST(0, gap_squares - gap_sum::numeric * gap_sum / gaps)::float8 / (gaps - 1))
       END AS gap_std_days,
       last_order_date + round(gap_sum::numeric / NULLIF(gaps, 0))::int AS next_order_date,
       discounted / NULLIF(lines, 0)::float8 AS discounted_share,
       window_revenue,
       window_order_count::int AS window_order_count,
       CASE WHEN order_count = 0 THEN tiers[1]
            WHEN last_order_date <= months_ago_12 THEN tiers[2]
            WHEN last_order_date <= months_ago_6 THEN tiers[3]
            WHEN window_revenue >= 500000 THEN tiers[4]
            WHEN window_revenue >= 100000 THEN tiers[5]
            WHEN first_order_date > months_ago_3 THEN tiers[6]
            ELSE tiers[7]
       END AS tier_id,
       round(window_revenue / NULLIF(window_order_count, 0), 2) AS window_average_order_value,
       COALESCE(round(window_revenue / NULLIF(window_order_count, 0), 2) >= 10000, FALSE) AS large,
       window_order_count >= 6 AS often,
       window_days,
       first_order_date > months_ago_3 AS is_new,
       CASE WHEN order_count = 0 THEN NULL
            WHEN window_revenue >= 500000 AND window_order_count >= 4 THEN 'high'
            WHEN window_revenue >= 100000 AND window_order_count >= 2 THEN 'middle'
            ELSE 'low' END AS value_band,
       CASE WHEN order_count = 0 THEN 'prospect'
            WHEN last_order_date <= months_ago_12 THEN 'lost'
            WHEN last_order_date <= months_ago_6 THEN 'dormant'
            WHEN returned_on > months_ago_3 THEN 'won_back'
            WHEN first_order_date > months_ago_3 THEN 'new'
            WHEN slips_on <= today THEN 'slipping'
            WHEN first_order_date <= months_ago_12 AND recent_revenue < previous_revenue * 0.8 THEN 'slipping'
            WHEN first_order_date <= months_ago_12 AND recent_revenue > previous_revenue * 1.2 THEN 'growing'
            ELSE 'stable' END AS lifecycle_status,
       recent_revenue,
       previous_revenue,
       returned_on,
       slips_on,
       LEAST(order_count, 12)::int AS ladder_step,
       to_jsonb(NULLIF(step_days, '{{}}')) AS step_days,
       LEAST((first_in_window + time_window)::date,
             (first_recent + interval '6 months')::date,
             (first_previous + interval '12 months')::date,
             CASE WHEN returned_on > months_ago_3 THEN (returned_on + interval '3 months')::date END,
             CASE WHEN first_order_date > months_ago_12
                  THEN (first_order_date + interval '12 months')::date END,
             CASE WHEN slips_on > today THEN slips_on END,
             CASE WHEN last_order_date > months_ago_6
                  THEN (last_order_date + interval '6 months')::date END,
             CASE WHEN last_order_date > months_ago_12
                  THEN (last_order_date + interval '12 months')::date END,
             CASE WHEN first_order_date > months_ago_3
                  THEN (first_order_date + interval '3 months')::date END
       ) AS next_change_on
  FROM (
        SELECT partner_id,
               company_id,
               purchase.first_order_date,
               purchase.last_order_date,
               COALESCE(purchase.order_count, 0) AS order_count,
               COALESCE(purchase.revenue, 0) - COALESCE(refund.revenue, 0) AS revenue,
               COALESCE(purchase.margin, 0) - COALESCE(refund.margin, 0) AS margin,
               COALESCE(purchase.window_revenue, 0) - COALESCE(refund.window_revenue, 0) AS window_revenue,
               COALESCE(purchase.window_order_count, 0) AS window_order_count,
               COALESCE(purchase.recent_revenue, 0) - COALESCE(refund.recent_revenue, 0) AS recent_revenue,
               COALESCE(purchase.previous_revenue, 0) - COALESCE(refund.previous_revenue, 0) AS previous_revenue,
               LEAST(purchase.first_in_window, refund.first_in_window) AS first_in_window,
               LEAST(purchase.first_recent, refund.first_recent) AS first_recent,
               LEAST(purchase.first_previous, refund.first_previous) AS first_previous,
               purchase.returned_on,
               purchase.window_days,
               purchase.step_days,
               CASE WHEN purchase.gaps >= 2 THEN purchase.last_order_date + 1
                    + floor(purchase.gap_sum * 2.0 / purchase.gaps)::int END AS slips_on,
               purchase.gaps,
               purchase.gap_sum,
               purchase.gap_squares,
               item.quantity,
               item.unmeasured,
               item.lines,
               item.discounted
          FROM (
                SELECT p.id AS partner_id, company.id AS company_id
                  FROM res_partner p
                  JOIN (VALUES {companies}) AS company (id, tz, today, window_start, recent_start, previous_start, time_window, tiers)
                       ON p.company_id IS NULL OR p.company_id = company.id
                 WHERE p.customer_rank > 0 AND p.commercial_partner_id = p.id
               ) prospect
          FULL JOIN (
                -- Whoever was only ever quoted is a customer too.
                SELECT DISTINCT p.commercial_partner_id AS partner_id, o.company_id
                  FROM sale_order o JOIN res_partner p ON p.id = o.partner_id
                 WHERE o.state <> 'sale'
               ) quoted USING (partner_id, company_id)
          FULL JOIN (
                -- Sorted by customer and day, so that the day before is the previous row.
                SELECT partner_id,
                       company_id,
                       min(day) AS first_order_date,
                       max(day) AS last_order_date,
                       count(*) AS order_count,
                       sum(revenue) AS revenue,
                       sum(margin) AS margin,
                       sum(revenue) FILTER (WHERE day >= window_start) AS window_revenue,
                       count(*) FILTER (WHERE day >= window_start) AS window_order_count,
                       min(day) FILTER (WHERE day >= window_start) AS first_in_window,
                       sum(revenue) FILTER (WHERE day >= recent_start) AS recent_revenue,
                       sum(revenue) FILTER (WHERE day >= previous_start AND day < recent_start) AS previous_revenue,
                       min(day) FILTER (WHERE day >= recent_start) AS first_recent,
                       min(day) FILTER (WHERE day >= previous_start AND day < recent_start) AS first_previous,
                       max(day) FILTER (WHERE gap >= 168 AND (day - gap + interval '6 months')::date <= day)
                           AS returned_on,
                       count(*) FILTER (WHERE gap IS DISTINCT FROM 0 AND day >= window_start) AS window_days,
                       -- The rows come in the order of their days; of one day, the first has the gap.
                       (array_agg(gap))[2:12] AS step_days,
                       count(*) FILTER (WHERE gap > 0) AS gaps,
                       -- The days between the first and the last purchase are all of its gaps.
                       NULLIF(max(day) - min(day), 0)::bigint AS gap_sum,
                       sum(gap::bigint * gap) AS gap_squares
                  FROM (
                        SELECT purchase.*,
                               day - lag(day) OVER (PARTITION BY partner_id, company_id ORDER BY day) AS gap
                          FROM (
                                SELECT p.commercial_partner_id AS partner_id,
                                       o.company_id,
                                       (o.date_order AT TIME ZONE 'UTC' AT TIME ZONE company.tz)::date AS day,
                                       company.window_start, company.recent_start, company.previous_start,
                                       CASE WHEN o.currency_rate = 1 THEN o.amount_untaxed
                                            ELSE round(o.amount_untaxed / COALESCE(NULLIF(o.currency_rate, 0), 1), 2)
                                       END AS revenue,
                                       CASE WHEN o.currency_rate = 1 THEN o.margin
                                            ELSE round(o.margin / COALESCE(NULLIF(o.currency_rate, 0), 1), 2)
                                       END AS margin
                                  FROM sale_order o
                                  JOIN res_partner p ON p.id = o.partner_id
                                  JOIN (VALUES {companies}) AS company
                                       (id, tz, today, window_start, recent_start, previous_start, time_window, tiers)
                                       ON company.id = o.company_id
                                 WHERE o.state = 'sale'
                                 UNION ALL
                                SELECT p.commercial_partner_id, h.company_id, h.date,
                                       company.window_start, company.recent_start, company.previous_start,
                                       h.amount, h.margin
                                  FROM trade_order_history h
                                  JOIN res_partner p ON p.id = h.partner_id
                                  JOIN (VALUES {companies}) AS company
                                       (id, tz, today, window_start, recent_start, previous_start, time_window, tiers)
                                       ON company.id = h.company_id
                               ) purchase
                       ) spaced
                 GROUP BY partner_id, company_id
               ) purchase USING (partner_id, company_id)
          FULL JOIN (
                SELECT partner_id,
                       company_id,
                       sum(amount) AS revenue,
                       sum(margin) AS margin,
                       sum(amount) FILTER (WHERE day >= window_start) AS window_revenue,
                       min(day) FILTER (WHERE day >= window_start AND amount <> 0) AS first_in_window,
                       sum(amount) FILTER (WHERE day >= recent_start) AS recent_revenue,
                       sum(amount) FILTER (WHERE day >= previous_start AND day < recent_start) AS previous_revenue,
                       min(day) FILTER (WHERE day >= recent_start AND amount <> 0) AS first_recent,
                       min(day) FILTER (WHERE day >= previous_start AND day < recent_start AND amount <> 0)
                           AS first_previous
                  FROM (
                        SELECT p.commercial_partner_id AS partner_id,
                               part.company_id,
                               part.day,
                               company.window_start, company.recent_start, company.previous_start,
                               CASE WHEN of_order THEN round(balance * share, 2) ELSE balance END AS amount,
                               CASE WHEN of_order THEN round(balance * share * margin_rate, 2) ELSE balance END AS margin
                          FROM (
                                SELECT m.company_id,
                                       m.reversed_entry_id,
                                       COALESCE(m.invoice_date, m.date) AS day,
                                       l.balance,
                                       rel.order_line_id IS NOT NULL AS of_order,
                                       COALESCE(line.order_partner_id, m.partner_id) AS partner_id,
                                       CASE WHEN o.state <> 'sale' OR line.is_downpayment THEN 0
                                            ELSE LEAST(1, GREATEST(0,
                                                (line.price_subtotal - COALESCE(line.untaxed_amount_invoiced, 0))
                                                / COALESCE(NULLIF(o.currency_rate, 0), 1)
                                                / NULLIF(sum(l.balance) OVER (PARTITION BY line.id), 0)))
                                       END AS share,
                                       CASE WHEN line.price_subtotal = 0 THEN 0
                                            ELSE COALESCE(line.margin, 0) / line.price_subtotal END AS margin_rate
                                  FROM account_move m
                                  JOIN account_move_line l ON l.move_id = m.id AND l.display_type = 'product'
                                  LEFT JOIN sale_order_line_invoice_rel rel ON rel.invoice_line_id = l.id
                                  LEFT JOIN sale_order_line line ON line.id = rel.order_line_id
                                  LEFT JOIN sale_order o ON o.id = line.order_id
                                 WHERE m.move_type = 'out_refund' AND m.state = 'posted'
                               ) part
                          JOIN res_partner p ON p.id = part.partner_id
                          JOIN (VALUES {companies}) AS company (id, tz, today, window_start, recent_start, previous_start, time_window, tiers)
                               ON company.id = part.company_id
                         WHERE of_order
                            OR reversed_entry_id IS NULL
                            -- Looked up for the few that get here, not hashed for all.
                            OR (SELECT TRUE
                                  FROM account_move_line reversed
                                  JOIN sale_order_line_invoice_rel rel ON rel.invoice_line_id = reversed.id
                                 WHERE reversed.move_id = part.reversed_entry_id
                                 LIMIT 1)
                       ) refund
                 GROUP BY partner_id, company_id
               ) refund USING (partner_id, company_id)
          FULL JOIN (
                SELECT partner_id,
                       company_id,
                       sum(quantity) AS quantity,
                       sum(unmeasured) AS unmeasured,
                       sum(lines) AS lines,
                       sum(discounted) AS discounted
                  FROM (
                        -- Added up per unit of measure, and only then converted and joined.
                        SELECT p.commercial_partner_id AS partner_id,
                               line.company_id,
                               line.quantity * COALESCE(unit.factor, 1) AS quantity,
                               0 AS unmeasured,
                               line.lines,
                               line.discounted
                          FROM (
                                SELECT order_partner_id, company_id, product_uom_id,
                                       sum(product_uom_qty) AS quantity,
                                       count(*) AS lines,
                                       count(*) FILTER (WHERE discount > 0) AS discounted
                                  FROM sale_order_line
                                 WHERE state = 'sale'
                                   AND display_type IS NULL
                                   AND price_subtotal >= 0
                                   AND is_downpayment IS NOT TRUE
                                 GROUP BY order_partner_id, company_id, product_uom_id
                               ) line
                          JOIN res_partner p ON p.id = line.order_partner_id
                          LEFT JOIN uom_uom unit ON unit.id = line.product_uom_id
                         UNION ALL
                        SELECT p.commercial_partner_id, h.company_id, h.quantity,
                               CASE WHEN COALESCE(h.quantity, 0) = 0 THEN 1 ELSE 0 END,
                               h.line_count, h.discounted_count
                          FROM trade_order_history h
                          JOIN res_partner p ON p.id = h.partner_id
                       ) item
                 GROUP BY partner_id, company_id
               ) item USING (partner_id, company_id)
       ) total
  JOIN (
        -- The last day that is some months ago: a day is as far away as its calendar says.
        SELECT company.id AS company_id, company.today, company.time_window, company.tiers, ago.*
          FROM (VALUES {companies}) AS company (id, tz, today, window_start, recent_start, previous_start, time_window, tiers)
          JOIN LATERAL (
                SELECT max(day) FILTER (WHERE day + interval '3 months' <= today) AS months_ago_3,
                       max(day) FILTER (WHERE day + interval '6 months' <= today) AS months_ago_6,
                       max(day) FILTER (WHERE day + interval '12 months' <= today) AS months_ago_12
                  FROM (SELECT today - n AS day FROM generate_series(0, 400) n) past
               ) ago ON TRUE
       ) company USING (company_id)
       ) valued
