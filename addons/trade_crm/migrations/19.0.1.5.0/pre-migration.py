def migrate(cr, version):
    """An index over product, company and day has taken the place of the one over the product."""
    cr.execute("DROP INDEX IF EXISTS trade_sales_fact__product_id_index")
