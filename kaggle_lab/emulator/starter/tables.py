"""Generators of tables: flowers, a weather station, a shop, reviews. Each fills a folder, always alike."""

from __future__ import annotations

import csv
import json
import math
import random
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

_FIRST_DAY = datetime(2025, 1, 1, tzinfo=UTC)


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A CSV file with a header."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


_SPECIES = {
    "meadow bell": ((5.0, 0.35), (3.4, 0.38), (1.5, 0.17), (0.3, 0.10)),
    "river bell": ((5.9, 0.52), (2.8, 0.31), (4.3, 0.47), (1.3, 0.20)),
    "mountain bell": ((6.6, 0.64), (3.0, 0.32), (5.6, 0.55), (2.0, 0.27)),
}


def flowers(folder: Path) -> None:
    """150 flowers of three species, with four measures in centimetres."""
    chance = random.Random(150)  # noqa: S311 - data, no secret
    rows = []
    for species, measures in _SPECIES.items():
        for _ in range(50):
            rows.append([*(round(max(0.1, chance.gauss(*measure)), 1) for measure in measures), species])
    chance.shuffle(rows)
    header = ("id", "sepal_length_cm", "sepal_width_cm", "petal_length_cm", "petal_width_cm", "species")
    write_csv(folder / "flowers.csv", header, ([n, *row] for n, row in enumerate(rows, start=1)))


def weather(folder: Path) -> None:
    """A year of hourly readings of a made-up weather station, some of them missing."""
    chance = random.Random(8760)  # noqa: S311
    rows = []
    drift = 0.0
    for hour in range(365 * 24):
        drift = 0.98 * drift + chance.gauss(0, 0.5)
        year, day = math.tau * hour / 8760, math.tau * (hour % 24) / 24
        warmth = 10 - 9 * math.cos(year - 0.35) - 3.5 * math.cos(day - 0.6) + drift
        damp = min(100.0, max(15.0, 72 - 1.2 * (warmth - 10) + chance.gauss(0, 6)))
        rain = round(chance.expovariate(0.8), 1) if damp > 82 and chance.random() < 0.4 else 0.0
        moment = (_FIRST_DAY + timedelta(hours=hour)).isoformat()
        reading = "" if chance.random() < 0.004 else round(warmth, 1)
        rows.append((moment, reading, round(damp, 1), rain))
    write_csv(folder / "readings.csv", ("time", "temperature_c", "humidity_percent", "rain_mm"), rows)
    station = {"name": "Hill Station", "latitude": 47.2, "longitude": 11.3, "altitude_m": 860}
    (folder / "station.json").write_text(json.dumps(station, indent=2) + "\n", encoding="utf-8")


_GOODS = (
    ("Green tea", "drinks", 4.9), ("Coffee beans", "drinks", 11.5), ("Oat biscuits", "bakery", 3.2),
    ("Rye bread", "bakery", 4.1), ("Notebook A5", "paper", 2.6), ("Fountain pen", "paper", 24.0),
    ("Beeswax candle", "home", 7.8), ("Linen towel", "home", 13.4),
)  # fmt: skip


def shop(folder: Path) -> None:
    """A SQLite database of a small shop: customers, products, 4,000 orders."""
    chance = random.Random(4000)  # noqa: S311
    path = folder / "shop.sqlite"
    database = sqlite3.connect(path)
    database.executescript(
        "CREATE TABLE customers (id INTEGER PRIMARY KEY, town TEXT, since TEXT);"
        "CREATE TABLE products (id INTEGER PRIMARY KEY, name TEXT, kind TEXT, price REAL);"
        "CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_id INTEGER, product_id INTEGER,"
        " quantity INTEGER, day TEXT);"
    )
    towns = ("Ahrenfeld", "Brinkum", "Castrop", "Dornau", "Eldena")
    people = [(n, chance.choice(towns), _day(chance.randrange(365))) for n in range(1, 301)]
    database.executemany("INSERT INTO customers VALUES (?, ?, ?)", people)
    goods = [(n, *item) for n, item in enumerate(_GOODS, start=1)]
    database.executemany("INSERT INTO products VALUES (?, ?, ?, ?)", goods)
    orders = [
        (n, chance.randint(1, 300), 1 + int(8 * chance.random() ** 2), chance.randint(1, 5), _day(n // 11))
        for n in range(1, 4001)
    ]
    database.executemany("INSERT INTO orders VALUES (?, ?, ?, ?, ?)", orders)
    database.commit()
    database.close()


def _day(number: int) -> str:
    return (_FIRST_DAY + timedelta(days=number)).date().isoformat()


_OPENINGS = ("I have used it for a month", "A present for my sister", "My second one", "Ordered on a whim")
_GOOD = ("and it works every time", "and I would buy it again", "it feels solid", "a pleasure to hold")
_BAD = ("but it broke in a week", "and nobody answers my mails", "it never fit", "a waste of money")
_PLAIN = ("it does what it says", "nothing special about it", "good enough for the price")


def reviews(folder: Path) -> None:
    """1,200 short reviews with a sentiment, as JSON lines, divided for training and testing."""
    chance = random.Random(1200)  # noqa: S311
    words = {"positive": _GOOD, "negative": _BAD, "neutral": _PLAIN}
    lines = []
    for number in range(1200):
        sentiment = chance.choice(tuple(words))
        first, second = chance.sample(words[sentiment], 2)
        text = f"{chance.choice(_OPENINGS)}, {first}. {second.capitalize()}."
        lines.append(json.dumps({"id": number, "text": text, "sentiment": sentiment}) + "\n")
    (folder / "train.jsonl").write_text("".join(lines[:1000]), encoding="utf-8")
    (folder / "test.jsonl").write_text("".join(lines[1000:]), encoding="utf-8")
