"""Names of the demo company's people and customers, all of them invented."""

# City: (zip code, area code, weight). The rep of a city is that of its column in ``REPS``.
CITIES = {
    "杭州市": ("310000", "0571", 30),
    "宁波市": ("315000", "0574", 22),
    "温州市": ("325000", "0577", 16),
    "绍兴市": ("312000", "0575", 16),
    "嘉兴市": ("314000", "0573", 16),
}
COAST = {"宁波市", "温州市"}
STREETS = [
    "人民路",
    "解放路",
    "中山路",
    "建设路",
    "环城东路",
    "文化路",
    "新华街",
    "南湖大道",
    "滨江路",
    "学院路",
]

SURNAMES = [
    ("王", "Wang"),
    ("李", "Li"),
    ("张", "Zhang"),
    ("刘", "Liu"),
    ("陈", "Chen"),
    ("杨", "Yang"),
    ("赵", "Zhao"),
    ("黄", "Huang"),
    ("周", "Zhou"),
    ("吴", "Wu"),
    ("徐", "Xu"),
    ("孙", "Sun"),
    ("胡", "Hu"),
    ("朱", "Zhu"),
    ("高", "Gao"),
    ("林", "Lin"),
    ("何", "He"),
    ("郭", "Guo"),
    ("马", "Ma"),
    ("罗", "Luo"),
]
GIVEN_NAMES = [
    ("伟", "Wei"),
    ("芳", "Fang"),
    ("娜", "Na"),
    ("敏", "Min"),
    ("静", "Jing"),
    ("丽华", "Lihua"),
    ("强", "Qiang"),
    ("磊", "Lei"),
    ("洋", "Yang"),
    ("艳", "Yan"),
    ("勇", "Yong"),
    ("杰", "Jie"),
    ("秀英", "Xiuying"),
    ("明", "Ming"),
    ("霞", "Xia"),
    ("建国", "Jianguo"),
    ("桂香", "Guixiang"),
    ("文博", "Wenbo"),
    ("雨桐", "Yutong"),
    ("子涵", "Zihan"),
]

# Two parts of a name and what follows; a third of the customers have English names.
CHINESE = {
    "restaurant": (
        ["金", "福", "锦", "聚", "鸿", "翠", "江", "云", "兰", "松", "悦", "百", "老", "喜", "和"],
        ["凤", "满", "绣", "丰", "运", "竹", "南", "鼎", "亭", "鹤", "来", "味", "灶", "临", "顺"],
        ["酒楼", "饭店", "面馆", "火锅城", "小吃店", "私房菜", "海鲜馆", "茶餐厅"],
    ),
    "shop": (
        ["永", "万", "家", "惠", "新", "好", "康", "乐", "民", "天"],
        ["兴", "家福", "得利", "邻", "又多", "宜", "旺", "购", "和", "美"],
        ["超市", "便利店", "粮油店", "食品店", "副食商行"],
    ),
}
ENGLISH = {
    "restaurant": (
        ["Golden", "Blue", "Red", "Jade", "Silver", "Lotus", "Bamboo", "Harbour", "Willow", "Plum"],
        ["Lantern", "Dragon", "Garden", "Pavilion", "Wok", "Bridge", "Crane", "Moon", "Terrace"],
        ["Restaurant", "Bistro", "Kitchen", "Noodle House", "Hotpot", "Seafood"],
    ),
    "shop": (
        ["Lucky", "Sunny", "Corner", "Fresh", "Family", "Morning", "Green", "Happy"],
        ["Basket", "Market", "Pantry", "Larder", "Stop", "Store", "Cart"],
        ["Grocery", "Minimart", "Foods", "Shop"],
    ),
}

# (login, name, language); the first of a role is the one that the guides use.
REPS = [
    ("rep", "Lin Wei", "en_US"),
    ("rep2", "陈静", "zh_CN"),
    ("rep3", "周强", "zh_CN"),
    ("rep4", "吴敏", "zh_CN"),
    ("rep5", "Sun Jie", "en_US"),
]
VENDORS = [
    "江南粮油集团",
    "Eastern Grain Trading",
    "海丰调味食品厂",
    "云岭香料公司",
    "山珍干货行",
    "Blue Bay Frozen Foods",
    "清泉饮料厂",
    "龙坞茶业合作社",
    "Happy Bite Snacks",
    "洁佳厨房用品厂",
    "太湖罐头食品厂",
    "白云面业",
]
