"""Calls drawn at random, and the cells that they make, grouped in Python."""

# ruff: noqa: DTZ001 (the store keeps moments of UTC without a zone)

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from helpers.tables import BY, METERS, NO_DAY, Row, groups, money, usd, whole

TOKENS = (*METERS, "reasoning_tokens")
CUTS = tuple(f"cut_{meter}" for meter in METERS[:3])
WINDOWS, THRESHOLDS = (100, 1_000, 5_000), (90, 900)
NO_EDGE = 2**63 - 1
NIGHT = datetime(2023, 8, 22)
ZONES = ("UTC", "Asia/Kathmandu", "America/New_York")
CALL = {
    "call_id": "VARCHAR", "source_id": "INTEGER", "called_at": "TIMESTAMP",
    "requested_model": "VARCHAR", "served_model": "VARCHAR", "endpoint": "VARCHAR",
    "tier": "VARCHAR", "counted_by": "VARCHAR", "failed": "BOOLEAN", "problem": "VARCHAR",
    **dict.fromkeys((*TOKENS, "audio_tokens", "max_tokens"), "BIGINT"),
    "recorded_usd": "DECIMAL(38, 24)", "tags": "MAP(VARCHAR, VARCHAR)", "workload": "VARCHAR",
}  # fmt: skip
BOOKED = {
    "requests": "BIGINT", "is_day": "BOOLEAN", "booking": "VARCHAR", "closing": "DATE",
    "closed_model": "VARCHAR", "sign": "TINYINT",
}  # fmt: skip
CONSIDERED = {
    **dict.fromkeys(("prompt_tokens", "produced_tokens"), "BIGINT"),
    "workload_key": "VARCHAR", "is_planned": "BOOLEAN", "move": "INTEGER",
    **dict.fromkeys((*CUTS, "sent_tokens", "asked_tokens"), "BIGINT"),
}  # fmt: skip
SOURCES = (
    {"source_id": 1, "name": "a", "sha256": "x"},
    {"source_id": 2, "name": "b", "sha256": "y"},
)


def padded(edges: tuple[int, ...]) -> list[int]:
    return [*edges, *[NO_EDGE] * (24 - len(edges))]


def drawn_calls(seed: int, count: int) -> list[Row]:
    """Half of them are like one before, with the tokens on other meters."""
    dice = random.Random(seed)
    pick = dice.choice
    minutes = (-1, 0, 14, 15, 18 * 60 + 14, 18 * 60 + 15, 1439)
    rows: list[Row] = []
    for n in range(count):
        row: Row = {
            "source_id": pick((1, 2)),
            "called_at": pick((None, *(NIGHT + timedelta(minutes=one) for one in minutes))),
            "requested_model": pick((None, "asked", "both")),
            "served_model": pick((None, "served", "both")),
            "endpoint": pick(("chat", "chat", "completion", "response", "embedding")),
            "tier": pick(("standard", "batch")),
            "counted_by": pick(("provider", "provider", "tokenizer", "nobody", "nobody")),
            "failed": dice.random() < 0.3,
            "problem": pick((None, "no usage", "no text")),
            **{name: pick((0, 3, 33, 90, 300)) for name in TOKENS},
            "audio_tokens": pick((0, 0, 0, 1, 8)),
            "max_tokens": pick((None, None, 0, 67, 900)),
            "recorded_usd": usd(dice, 9) if dice.random() < 0.4 else None,
            "tags": pick((None, {"team": "red"}, {"team": "blue", "user": "u"})),
            "workload": pick((None, "w1", "w2")),
            "requests": 1, "is_day": False, "booking": "open", "closing": NO_DAY, "sign": 1,
        }  # fmt: skip
        if dice.random() < 0.5 and rows:
            row = {**pick(rows), "source_id": pick((1, 2))}
            names = list(METERS[:3])
            dice.shuffle(names)
            row |= {name: row[other] for name, other in zip(METERS[:3], names, strict=True)}
            row |= {
                "output_tokens": row["reasoning_tokens"],
                "reasoning_tokens": row["output_tokens"],
            }
            if row["recorded_usd"] is not None:
                row["recorded_usd"] = usd(dice, 9)
            if at_first := row["called_at"]:
                moments = (NIGHT + timedelta(minutes=one) for one in minutes)
                same_day = [one for one in moments if one.date() == at_first.date()]
                row["called_at"] = pick(same_day) + timedelta(seconds=dice.randint(0, 59))
        rows.append({**row, "call_id": f"c{n}"})
    return rows


def booked(calls: list[Row], seed: int) -> list[Row]:
    """Some are sums of requests or of days, some of a closed month, some taken out again."""
    dice = random.Random(seed)
    rows = []
    for call in calls:
        row = {**call, "closed_model": None}
        if dice.random() < 0.3:
            row["requests"] = dice.choice((2, 3, 7))
            if row["called_at"]:
                row |= {"called_at": NIGHT + timedelta(dice.choice((0, 1))), "is_day": True}
        if dice.random() < 0.3:
            row |= {"closing": date(2023, 8, 1), "closed_model": "closed", "booking": "closed"}
        if dice.random() < 0.2:
            row |= {"booking": "correction", "sign": -1}
        rows.append(row)
    return rows


def prompt(call: Row) -> int:
    return sum(call[name] for name in METERS[:3])


def produced(call: Row) -> int:
    return int(call["output_tokens"] + call["reasoning_tokens"])


def each(tokens: int, call: Row) -> int:
    return int(-(-tokens // call["requests"]))


def clock(moment: datetime, zone: str) -> datetime:
    return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def begins(day: date, zone: str) -> datetime:
    there = datetime.combine(day, time(), ZoneInfo(zone))
    return there.astimezone(UTC).replace(tzinfo=None)


def at(call: Row, zone: str) -> datetime | None:
    """The sum of a day of UTC stays on that day, whatever the zone."""
    moment: datetime | None = call["called_at"]
    return max(moment, begins(moment.date(), zone)) if moment and call["is_day"] else moment


def is_inside(moment: datetime | None, asked: Row) -> bool:
    start, end = asked["from_date"], asked["to_date"]
    if moment is None:
        return start is None and end is None
    return (start is None or moment >= begins(start, asked["zone"])) and (
        end is None or moment < begins(end, asked["zone"])
    )


def dimension(name: str, call: Row, zone: str) -> str:
    if not name:
        return ""
    if name in ("day", "month"):
        moment = at(call, zone)
        form = "%Y-%m-%d" if name == "day" else "%Y-%m"
        return f"{clock(moment, zone):{form}}" if moment else ""
    if name.startswith("tag:"):
        return str((call["tags"] or {}).get(name[4:], ""))
    source = SOURCES[call["source_id"] - 1]
    found = {
        "model": call["served_model"] or call["requested_model"],
        "source": source["name"],
        "source_sha256": source["sha256"],
    }
    return str((found[name] if name in found else call[name]) or "")


def state(call: Row) -> str:
    if call["audio_tokens"]:
        return "audio"
    if call["counted_by"] != "nobody":
        return "counted"
    return "failed" if call["failed"] else "uncounted"


def cell(call: Row, asked: Row) -> Row:
    assumed = asked["assume_model"] if call["closing"] == NO_DAY else call["closed_model"]
    nameless = None if call["served_model"] else assumed
    moment = at(call, asked["zone"])
    needed = produced(call) if call["max_tokens"] is None else call["max_tokens"]
    logged = each(prompt(call) + call["audio_tokens"] + needed, call)
    sent = call["sent_tokens"]
    moved = each(sent + call["audio_tokens"] + call["asked_tokens"], call)
    planned = call["is_planned"]
    return {
        "closing": call["closing"],
        "price_date": moment.date() if moment else NO_DAY,
        "requested_model": call["requested_model"] or nameless or "",
        "served_model": call["served_model"] or "",
        "tier": call["tier"],
        "state": state(call),
        "problem": call["problem"] or "" if state(call) == "uncounted" else "",
        "movable": call["endpoint"] in ("chat", "completion", "response"),
        "counted_by": call["counted_by"],
        "has_recorded": call["recorded_usd"] is not None,
        "workload": call["workload_key"],
        "move": call["move"],
        "window_step": bisect_left(WINDOWS, logged),
        "prompt_step": bisect_left(THRESHOLDS, each(prompt(call), call)),
        "moved_window_step": bisect_left(WINDOWS, moved) if planned else 0,
        "moved_prompt_step": bisect_left(THRESHOLDS, each(sent, call)) if planned else 0,
        **{by: dimension(asked[by], call, asked["zone"]) for by in BY},
    }


def cells(calls: Iterable[Row], asked: Row) -> list[Row]:
    inside = [call for call in calls if is_inside(at(call, asked["zone"]), asked)]
    if asked["call_id"]:
        inside = [call for call in inside if call["call_id"] == asked["call_id"]]
    found = []
    for key, own in groups(inside, lambda call: cell(call, asked)):
        signed = [
            {name: call[name] * call["sign"] if call[name] is not None else None
             for name in (*TOKENS, *CUTS, "recorded_usd", "requests")}
            for call in own
        ]  # fmt: skip
        moments = [moment for call in own if (moment := at(call, asked["zone"]))]
        found.append({
            **key,
            "calls": whole(signed, "requests"),
            **{name: whole(signed, name) for name in (*TOKENS, *CUTS)},
            "recorded_usd": money(signed, "recorded_usd"),
            "first_call_at": min(moments, default=None),
            "last_call_at": max(moments, default=None),
        })  # fmt: skip
    return found
