"""What the columns of an order file mean, by their names in English and Chinese."""

import re

from .order_common import to_narrow, to_text

CUSTOMER_FIELDS = (
    "customer_id",
    "customer_ref",
    "customer_vat",
    "customer_email",
    "customer_phone",
    "customer_name",
)
# A file with one of these has a row per product; rows with the same order number are one order.
LINE_FIELDS = ("product", "price_unit", "discount", "line_amount")
NUMBER_FIELDS = ("amount", "line_amount", "margin", "quantity", "price_unit", "discount")
FIELDS = (*CUSTOMER_FIELDS, "date", "external_id", *NUMBER_FIELDS, "product", "currency")

# A bare "No." or "编号" is left out: it mostly counts the rows, and would make numbers of orders that
# are other orders' numbers in the next file. "any_amount" is the amount of the line in a file with products, else that of the order.
_NAMES = {
    "customer_id": """
        customer id, customer database id, partner id, contact id, database id, odoo id, client id,
        customer external id, partner external id, 客户id, 客戶id, 数据库id""",
    "customer_ref": """
        customer reference, customer ref, customer code, customer no, customer number,
        account number, account code, account no, client code, client number, client ref, buyer code,
        partner reference, partner ref, partner code, 客户编号, 客户编码, 客户代码, 客户号,
        客户内码, 会员号, 会员编号, 会员卡号, 往来单位编号, 往来单位编码, 购货单位代码, 购货单位编码, 客戶編號,
        客戶代碼, 會員編號""",
    "customer_vat": """
        vat, vat number, vat no, vat id, tax id, tax number, tax no, tin, customer vat,
        customer tax id, customer tax number, 税号, 客户税号, 纳税人识别号, 统一社会信用代码, 社会信用代码,
        税务登记号, 稅號, 統一編號, 統一社會信用代碼""",
    "customer_email": """
        email, e mail, email address, mail, customer email, client email, buyer email, partner email,
        邮箱, 电子邮箱, 电子邮件, 邮件, 客户邮箱, 郵箱, 電子郵件, 客戶郵箱""",
    "customer_phone": """
        phone, phone number, telephone, tel, mobile, mobile phone, customer phone, client phone,
        customer mobile, buyer phone, contact phone, 电话, 手机, 手机号, 手机号码, 联系电话, 电话号码,
        客户电话, 客户手机, 客户手机号, 電話, 手機, 手機號, 聯繫電話, 聯絡電話, 客戶電話""",
    "customer_name": """
        customer, customer name, client, client name, buyer, buyer name, partner, partner name,
        account, account name, company, company name, sold to, bill to, name, 客户, 客户名称, 客户名,
        客户全称, 客户姓名, 顾客, 顾客名称, 会员, 会员名称, 会员姓名, 买家, 购买方, 购货单位, 往来单位, 单位名称,
        客戶, 客戶名稱, 顧客, 會員, 買家, 購貨單位""",
    "date": """
        date, order date, purchase date, sale date, sales date, invoice date, transaction date,
        document date, doc date, ordered on, day, created at, order time, 日期, 订单日期, 下单日期, 下单时间,
        订单时间, 销售日期, 单据日期, 购买日期, 交易日期, 开票日期, 业务日期, 发货日期, 时间, 成交时间, 付款时间,
        訂單日期, 下單日期, 銷售日期, 單據日期, 購買日期, 交易日期, 時間""",
    "external_id": """
        order, order number, order no, order id, order ref, order reference, order code, external id,
        purchase id, purchase number, sales order, so number, so no, invoice, invoice number,
        invoice no, document number, document no, doc no, transaction id, transaction number,
        receipt number, receipt no, bill no, bill number, 单号, 订单号, 订单编号, 销售单号, 单据编号,
        单据号, 订单, 发票号, 发票号码, 交易号, 交易单号, 流水号, 小票号, 出库单号, 單號, 訂單號, 訂單編號,
        銷售單號, 單據編號, 發票號碼, 流水號""",
    "any_amount": """
        amount, net amount, value, net value, sales, sales amount, revenue, net sales, turnover,
        amount untaxed, untaxed amount, price total, 金额, 销售金额, 销售额, 成交金额, 不含税金额, 未税金额,
        应收金额, 实收金额, 实付金额, 货款, 金額, 銷售金額, 銷售額, 成交金額, 未稅金額""",
    "amount": """
        order amount, order total, order value, total, total amount, grand total, invoice amount,
        invoice total, total untaxed, net total, 订单金额, 订单总额, 总金额, 总额, 合计, 合计金额, 总计,
        订单总金额, 整单金额, 單據金額, 单据金额, 訂單金額, 訂單總額, 總金額, 總額, 合計""",
    "line_amount": """
        line amount, line total, subtotal, sub total, row total, line value, item total, net line amount,
        小计, 行金额, 明细金额, 行小计, 小計, 行金額""",
    "margin": """
        margin, gross margin, gross profit, profit, contribution, 毛利, 毛利额, 利润, 销售毛利, 毛利額, 利潤""",
    "quantity": """
        quantity, qty, ordered quantity, order quantity, units, pieces, pcs, items, item count,
        数量, 销售数量, 件数, 订购数量, 购买数量, 實發數量, 实发数量, 數量, 件數, 銷售數量""",
    "product": """
        product, product name, product code, item, item name, item code, item no, item number, sku,
        article, article number, internal reference, barcode, goods, material, description, 产品, 产品名称,
        产品编码, 产品编号, 产品代码, 商品, 商品名称, 商品编码, 商品编号, 商品条码, 条码, 货号, 货品, 货品名称,
        物料, 物料名称, 物料编码, 品名, 存货名称, 存货编码, 產品, 產品名稱, 產品編號, 商品名稱, 商品編號, 貨號,
        品名規格""",
    "price_unit": """
        price, unit price, price unit, sales price, net price, list price, price each, 单价, 价格,
        销售单价, 售价, 不含税单价, 未税单价, 單價, 價格, 售價""",
    "discount": """
        discount, discount %, discount percent, discount rate, disc, disc %, rebate, 折扣, 折扣率, 折扣%,
        优惠率, 折讓率""",
    "currency": "currency, currency code, curr, 币种, 货币, 币别, 幣別, 幣種, 貨幣",
}
_UNIT = re.compile(r"[(\[（【].*?[)\]）】]")
_SEPARATOR = re.compile(r"[\s_\-.:：/#*\"']+")


def normalise_header(header):
    """Name of a column without its unit, case and punctuation.

    >>> normalise_header(" Order_No.: "), normalise_header("金额（元）"), normalise_header("Amount (EUR)")
    ('order no', '金额', 'amount')
    """
    name = _UNIT.sub("", to_narrow(to_text(header)))
    return _SEPARATOR.sub(" ", name).strip().lower()


_FIELD_BY_NAME = {
    normalise_header(name): field for field, names in _NAMES.items() for name in names.split(",")
}


def guess_fields(headers):
    """Field of each column, None where its name is unknown or a column before it has that field.

    >>> guess_fields(["Customer", "Date", "Amount", "Remark"])
    ['customer_name', 'date', 'amount', None]
    >>> guess_fields(["单号", "客户", "日期", "产品", "数量", "金额"])
    ['external_id', 'customer_name', 'date', 'product', 'quantity', 'line_amount']
    """
    fields = [_FIELD_BY_NAME.get(normalise_header(header)) for header in headers]
    by_line = not {"product", "price_unit"}.isdisjoint(fields)
    any_amount = "line_amount" if by_line else "amount"
    taken, guessed = {None}, []
    # An exact name ("order total") comes before the name that may mean either.
    for field in fields:
        guessed.append(None if field in taken else field)
        taken.add(field)
    if any_amount in taken:
        any_amount = None
    return [any_amount if field == "any_amount" else field for field in guessed]


def missing_fields(fields):
    """What has to be among ``fields`` and is not: "customer", "date", "amount"."""
    fields = set(fields)
    wanted = {
        "customer": fields.isdisjoint(CUSTOMER_FIELDS),
        "date": "date" not in fields,
        "amount": fields.isdisjoint({"amount", "line_amount"})
        and not {"quantity", "price_unit"} <= fields,
    }
    return [name for name, missing in wanted.items() if missing]


def has_lines(fields):
    """Whether rows are lines of orders rather than orders.

    >>> has_lines({"customer_name", "amount", "quantity"}), has_lines({"product", "quantity"})
    (False, True)
    """
    return not set(fields).isdisjoint(LINE_FIELDS)
