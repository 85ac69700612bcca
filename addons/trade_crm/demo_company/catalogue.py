"""What the demo company sells: 120 products of twelve kinds, with prices net of tax in CNY."""

from typing import NamedTuple


class Product(NamedTuple):
    code: str
    category: str
    name: str
    name_zh: str
    price: float
    cost: float


# Category: (Chinese name, share of the price that is cost, weight for restaurants and for shops).
CATEGORIES = {
    "Rice and grain": ("米面粮", 0.86, 3, 3),
    "Flour and noodles": ("面粉面条", 0.83, 2, 2),
    "Cooking oil": ("食用油", 0.88, 3, 2),
    "Sauces": ("调味酱料", 0.74, 3, 2),
    "Spices": ("香辛料", 0.62, 2, 1),
    "Dried goods": ("干货", 0.66, 2, 1),
    "Tinned food": ("罐头", 0.75, 1, 2),
    "Frozen food": ("冷冻食品", 0.78, 3, 1),
    "Soft drinks": ("软饮料", 0.80, 2, 4),
    "Tea": ("茶叶", 0.58, 1, 2),
    "Snacks": ("休闲零食", 0.72, 0, 4),
    "Kitchen supplies": ("厨房用品", 0.60, 1, 1),
}
# English name | Chinese name | price, ten lines per category and in its order.
_PRODUCTS = """
Jasmine rice, 25 kg | 茉莉香米 25kg | 158
Japonica rice, 25 kg | 东北粳米 25kg | 142
Long-grain rice, 25 kg | 长粒籼米 25kg | 126
Glutinous rice, 25 kg | 糯米 25kg | 165
Brown rice, 10 kg | 糙米 10kg | 78
Millet, 10 kg | 小米 10kg | 92
Mung beans, 10 kg | 绿豆 10kg | 118
Soya beans, 25 kg | 黄豆 25kg | 168
Black rice, 5 kg | 黑米 5kg | 56
Rolled oats, 10 kg | 燕麦片 10kg | 88
Wheat flour, 25 kg | 中筋面粉 25kg | 98
Bread flour, 25 kg | 高筋面粉 25kg | 118
Dumpling flour, 10 kg | 饺子粉 10kg | 52
Fresh ramen, 5 kg | 鲜拉面 5kg | 46
Dried noodles, 10 kg | 挂面 10kg | 62
Egg noodles, 5 kg | 鸡蛋面 5kg | 48
Rice vermicelli, 5 kg | 米粉 5kg | 44
Potato starch, 10 kg | 马铃薯淀粉 10kg | 72
Spring roll wrappers, 2 kg | 春卷皮 2kg | 28
Wonton wrappers, 2 kg | 馄饨皮 2kg | 24
Soya oil, 20 l | 大豆油 20L | 186
Rapeseed oil, 20 l | 菜籽油 20L | 218
Peanut oil, 20 l | 花生油 20L | 388
Sunflower oil, 20 l | 葵花籽油 20L | 246
Corn oil, 20 l | 玉米油 20L | 238
Blended oil, 20 l | 调和油 20L | 196
Sesame oil, 2 l | 芝麻油 2L | 98
Chilli oil, 2 l | 辣椒油 2L | 62
Lard, 15 kg | 猪油 15kg | 208
Frying oil, 20 l | 煎炸油 20L | 226
Light soy sauce, 6 × 1.9 l | 生抽 1.9L×6 | 108
Dark soy sauce, 6 × 1.9 l | 老抽 1.9L×6 | 116
Oyster sauce, 6 × 2.2 kg | 蚝油 2.2kg×6 | 138
Rice vinegar, 6 × 1.9 l | 米醋 1.9L×6 | 76
Cooking wine, 6 × 1.9 l | 料酒 1.9L×6 | 68
Broad bean paste, 4 × 2.5 kg | 豆瓣酱 2.5kg×4 | 124
Sweet bean sauce, 4 × 2 kg | 甜面酱 2kg×4 | 84
Hotpot base, 20 × 400 g | 火锅底料 400g×20 | 228
Tomato ketchup, 6 × 3 kg | 番茄酱 3kg×6 | 152
Fish sauce, 12 × 700 ml | 鱼露 700ml×12 | 112
Sichuan pepper, 1 kg | 花椒 1kg | 96
Dried chillies, 5 kg | 干辣椒 5kg | 132
Star anise, 1 kg | 八角 1kg | 68
Cinnamon bark, 1 kg | 桂皮 1kg | 42
White pepper, 1 kg | 白胡椒粉 1kg | 88
Cumin, 1 kg | 孜然 1kg | 54
Five-spice powder, 1 kg | 五香粉 1kg | 46
Chicken bouillon, 10 × 1 kg | 鸡精 1kg×10 | 168
Table salt, 25 kg | 食用盐 25kg | 58
White sugar, 25 kg | 白砂糖 25kg | 186
Shiitake, dried, 2 kg | 干香菇 2kg | 168
Wood ear, dried, 1 kg | 黑木耳 1kg | 92
Lily buds, 1 kg | 黄花菜 1kg | 74
Dried shrimps, 1 kg | 虾米 1kg | 146
Dried scallops, 500 g | 干贝 500g | 198
Kelp, 5 kg | 海带 5kg | 82
Bean curd sticks, 5 kg | 腐竹 5kg | 128
Red dates, 5 kg | 红枣 5kg | 118
Goji berries, 1 kg | 枸杞 1kg | 76
Lotus seeds, 1 kg | 莲子 1kg | 86
Sweetcorn, 24 × 425 g | 甜玉米罐头 425g×24 | 112
Bamboo shoots, 6 × 2.9 kg | 笋片罐头 2.9kg×6 | 138
Water chestnuts, 24 × 567 g | 马蹄罐头 567g×24 | 132
Lychees in syrup, 24 × 567 g | 荔枝罐头 567g×24 | 196
Pineapple, 24 × 567 g | 菠萝罐头 567g×24 | 162
Mandarins, 24 × 425 g | 橘子罐头 425g×24 | 142
Luncheon meat, 24 × 340 g | 午餐肉 340g×24 | 288
Fried dace, 24 × 227 g | 豆豉鲮鱼 227g×24 | 336
Coconut milk, 24 × 400 ml | 椰浆 400ml×24 | 198
Tomatoes, 6 × 2.5 kg | 去皮番茄罐头 2.5kg×6 | 126
Pork dumplings, 10 kg | 猪肉水饺 10kg | 158
Shrimp dumplings, 6 kg | 虾饺 6kg | 226
Steamed buns, 120 pieces | 馒头 120个 | 84
Barbecue pork buns, 96 pieces | 叉烧包 96个 | 148
Chicken wings, 10 kg | 鸡翅中 10kg | 298
Duck breast, 10 kg | 鸭胸 10kg | 226
Beef slices, 10 kg | 肥牛片 10kg | 468
Lamb slices, 10 kg | 羊肉片 10kg | 518
White shrimps, 10 kg | 白虾仁 10kg | 536
Fish balls, 10 kg | 鱼丸 10kg | 186
Cola, 24 × 330 ml | 可乐 330ml×24 | 46
Lemonade, 24 × 330 ml | 柠檬汽水 330ml×24 | 44
Herbal tea, 24 × 310 ml | 凉茶 310ml×24 | 62
Soya milk, 24 × 250 ml | 豆奶 250ml×24 | 48
Orange juice, 12 × 1 l | 橙汁 1L×12 | 92
Sour plum drink, 12 × 1 l | 酸梅汤 1L×12 | 78
Walnut milk, 20 × 240 ml | 核桃露 240ml×20 | 68
Drinking water, 24 × 550 ml | 饮用水 550ml×24 | 26
Iced tea, 15 × 500 ml | 冰红茶 500ml×15 | 36
Sports drink, 15 × 600 ml | 运动饮料 600ml×15 | 54
Green tea, 5 kg | 绿茶 5kg | 286
Jasmine tea, 5 kg | 茉莉花茶 5kg | 248
Black tea, 5 kg | 红茶 5kg | 262
Oolong tea, 5 kg | 乌龙茶 5kg | 328
Pu-erh tea, 3.5 kg | 普洱茶 3.5kg | 398
Chrysanthemum tea, 2 kg | 菊花茶 2kg | 188
Barley tea, 5 kg | 大麦茶 5kg | 86
White tea, 2 kg | 白茶 2kg | 356
Tea bags, 600 pieces | 袋泡茶 600包 | 132
Milk tea powder, 10 × 1 kg | 奶茶粉 1kg×10 | 216
Sunflower seeds, 20 × 250 g | 香瓜子 250g×20 | 128
Roasted peanuts, 20 × 300 g | 烤花生 300g×20 | 118
Prawn crackers, 24 × 100 g | 虾片 100g×24 | 96
Rice crackers, 20 × 150 g | 雪饼 150g×20 | 108
Seaweed snack, 48 × 20 g | 海苔 20g×48 | 168
Egg rolls, 20 × 180 g | 蛋卷 180g×20 | 136
Mooncakes, 12 gift boxes | 月饼礼盒 12盒 | 588
Dried mango, 20 × 200 g | 芒果干 200g×20 | 236
Spicy gluten, 40 × 106 g | 辣条 106g×40 | 98
Instant noodles, 24 cups | 桶装方便面 24桶 | 84
Bamboo chopsticks, 3,000 pairs | 一次性竹筷 3000双 | 118
Takeaway boxes, 500 pieces | 外卖餐盒 500个 | 186
Paper napkins, 60 packs | 餐巾纸 60包 | 92
Cling film, 6 rolls | 保鲜膜 6卷 | 108
Bin bags, 1,000 pieces | 垃圾袋 1000个 | 96
Detergent, 4 × 5 l | 洗洁精 5L×4 | 84
Wok brushes, 50 pieces | 锅刷 50个 | 126
Gloves, 2,000 pieces | 一次性手套 2000只 | 74
Aluminium foil, 6 rolls | 锡纸 6卷 | 138
Skewers, 10,000 pieces | 竹签 10000根 | 66
"""


def _read_products():
    lines = _PRODUCTS.strip().splitlines()
    for number, (category, line) in enumerate(
        zip([name for name in CATEGORIES for _ in range(10)], lines, strict=True), start=1
    ):
        name, name_zh, price = (part.strip() for part in line.split("|"))
        cost = round(float(price) * CATEGORIES[category][1], 2)
        yield Product(f"F{number:03}", category, name, name_zh, float(price), cost)


PRODUCTS = list(_read_products())
