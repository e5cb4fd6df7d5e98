"""Names of fictitious companies in retail and hospitality, as many as are asked for."""

_BEGINNINGS = (
    "Alder", "Amber", "Barrow", "Birch", "Bramble", "Brindle", "Cald", "Candle", "Clover", "Copper",
    "Drift", "Ember", "Fenn", "Gorse", "Harrow", "Hazel", "Heron", "Hollin", "Kestrel", "Lantern",
    "Lark", "Linden", "Marl", "Mistle", "Nettle", "Osier", "Otter", "Pebble", "Pepper", "Plover",
    "Rowan", "Saffron", "Sedge", "Sorrel", "Spindle", "Tansy", "Tarn", "Teasel", "Tumble", "Yarrow",
)  # fmt: skip
_ENDINGS = (
    "acre", "beck", "bourne", "brook", "combe", "croft", "dale", "fell", "garth", "gate",
    "hithe", "holm", "hurst", "ley", "mead", "mere", "moor", "rigg", "shaw", "slade",
    "stead", "thorpe", "vane", "wick", "wold",
)  # fmt: skip
_TRADES = (
    "{} Stores", "{} Inns", "{} Market", "Maison {}", "{} Coffee", "{} Hotels", "{} Outfitters", "Casa {}",
    "{} Bakeries", "{} Pharmacies", "{} Books", "Bistro {}", "{} Garden Centres", "{} Taverns", "{} Sports",
    "{} Grocers", "Trattoria {}", "{} Resorts", "{} Toys", "{} Home", "{} Kitchens", "{} & Daughters",
    "{} Travel Shops", "Café {}", "{} Fashion", "{} Optics", "{} Cinemas", "{} Breweries", "{} Hardware",
    "Gasthaus {}", "{} Shoes", "{} Noodles", "{} Campsites", "{} Jewellers", "{} Kiosks", "{} Spas",
    "{} Wines",
)  # fmt: skip

MOST = len(_BEGINNINGS) * len(_ENDINGS) * len(_TRADES)
"""How many different names there are: 37,000."""


def company_names(count: int) -> list[str]:
    """`count` different names, always the same ones; ValueError for more than MOST.

    The first thousand differ in their first word; later ones are the same words in other trades.

    >>> company_names(2)
    ['Alderacre Stores', 'Maison Birchgarth']
    """
    if count > MOST:
        raise ValueError(f"There are {MOST} names, not {count}.")
    roots = [beginning + ending for beginning in _BEGINNINGS for ending in _ENDINGS]
    names = []
    for number in range(count):
        turn, place = divmod(number, len(roots))
        # Both steps share no factor with what they count around, so that nothing repeats.
        root = roots[place * 83 % len(roots)]
        names.append(_TRADES[(place * 3 + turn) % len(_TRADES)].format(root))
    return names
