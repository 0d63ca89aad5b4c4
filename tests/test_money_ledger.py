"""Each query that adds up what scenarios ask, alone: its rows in order, by sums in Python."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal

import pytest
from helpers.tables import (
    ACTUAL,
    BY,
    CARD,
    KEY_OF_CARD,
    LEDGER,
    METERS,
    RATES,
    Row,
    drawn_actual,
    drawn_card,
    drawn_ledger,
    first,
    groups,
    last,
    money,
    put,
    whole,
)

from auditor.store import Store

SCENARIOS = (0, 1, 3)
ASKED = (0, 1, 2, 3)
"""One of them has no cell in the ledger."""
TRAININGS: tuple[Row, ...] = (
    {"scenario": 0, "training_tokens": 1_000, "training_usd": Decimal("0.000008")},
    {"scenario": 0, "training_tokens": 43_797, "training_usd": Decimal("0.000006")},
    {"scenario": 2, "training_tokens": 7, "training_usd": Decimal("0.000003")},
    {"scenario": 7, "training_tokens": 9, "training_usd": Decimal("0.000002")},
)
Tables = tuple[list[Row], list[Row]]


@pytest.fixture(params=(1, 2, 3), scope="module")
def tables(request: pytest.FixtureRequest) -> Tables:
    """Cells, and what three scenarios do with them."""
    actual = drawn_actual(request.param, 150)
    return actual, drawn_ledger(request.param, actual, SCENARIOS)


@pytest.fixture(scope="module")
def store(tables: Tables) -> Iterator[Store]:
    with Store.open(None) as opened:
        filled(opened, tables)
        yield opened


@pytest.fixture
def other() -> Iterator[Store]:
    with Store.open(None) as opened:
        yield opened


def filled(store: Store, tables: Tables) -> None:
    actual, ledger = tables
    put(store, "actual", ACTUAL, actual)
    put(store, "ledger", LEDGER, ledger)
    put(store, "asked", {"scenario": "INTEGER"}, [{"scenario": one} for one in ASKED])
    kinds = {"scenario": "INTEGER", "move": "INTEGER", "training_tokens": "BIGINT"}
    put(store, "trainings", {**kinds, "training_usd": "DECIMAL(18, 12)"}, TRAININGS)
    put(store, "card", CARD, drawn_card(4, actual, SCENARIOS))


def said(row: Row) -> Row:
    return {name: row[name] or None for name in BY}


def fits(row: Row) -> bool:
    return bool(row["outcome"] == "fits")


def test_the_result_of_each_scenario(store: Store, tables: Tables) -> None:
    actual, ledger = tables
    expected = []
    for key, _ in groups(actual, lambda row: {name: row[name] for name in BY}):
        for scenario in ASKED:
            own = [
                row
                for row in ledger
                if row["scenario"] == scenario and all(row[name] == key[name] for name in BY)
            ]
            expected.append({"scenario": scenario, **said(key), **result(own)})
    expected.sort(key=lambda row: (first(*(row[name] for name in BY)), row["scenario"]))
    found = store.rows("replay/scenarios")
    assert found == expected
    assert {type(row["ratio"]) for row in found} == {Decimal, type(None)}


def result(own: list[Row]) -> Row:
    compared = [row for row in own if fits(row) and row["actual_usd"] is not None]
    asked, paid = money(compared, "replayed_usd"), money(compared, "actual_usd")
    ratio = None
    if paid and asked is not None:
        in_picos = asked.quantize(Decimal("1e-12"), ROUND_HALF_UP)  # as the query says
        ratio = (in_picos / paid).quantize(Decimal("0.000001"), ROUND_HALF_UP)
    return {
        "calls": whole(own, "calls"),
        "fits": whole(own, "calls", fits),
        "overflows": whole(own, "calls", lambda row: row["outcome"] == "overflows"),
        "unpriced": whole(own, "calls", lambda row: row["outcome"] == "unpriced"),
        "input_tokens": rounded(whole(own, "prompt_tokens", fits)),
        "output_tokens": rounded(whole(own, "produced_tokens", fits)),
        "cost_usd": money(own, "replayed_usd"),
        "compared_calls": whole(compared, "calls"),
        "compared_usd": asked,
        "actual_usd": paid,
        "delta_usd": asked - paid if asked is not None and paid is not None else None,
        "ratio": ratio,
    }


def rounded(tokens: Decimal | int) -> int:
    return int(Decimal(tokens).quantize(Decimal(1), ROUND_HALF_UP))


def test_without_a_call_every_scenario_has_a_row(other: Store) -> None:
    filled(other, ([], []))
    expected = [{"scenario": one, **dict.fromkeys(BY), **result([])} for one in ASKED]
    assert other.rows("replay/scenarios") == expected


def test_a_ratio_to_nothing_is_none(other: Store, tables: Tables) -> None:
    actual = [{**row, "actual_usd": Decimal(0)} for row in tables[0]]
    filled(other, (actual, [{**row, "actual_usd": Decimal(0)} for row in tables[1]]))
    assert {row["ratio"] for row in other.rows("replay/scenarios")} == {None}


RATIOS = {
    ("1.000001", "2"): "0.500001",  # half a millionth goes up
    ("1.000000999999", "2"): "0.5",  # less does not
    ("0.000000000003", "0.000000000001"): "3",  # the least that can be spent
}


@pytest.mark.parametrize(("asked", "paid"), RATIOS)
def test_ratios_are_exact_to_six_digits(other: Store, asked: str, paid: str) -> None:
    cell = next(row for row in drawn_actual(1, 50) if row["movable"] and row["actual_usd"])
    (entry, *_) = drawn_ledger(1, [cell], [0])
    entry |= {"outcome": "fits", "replayed_usd": Decimal(asked), "actual_usd": Decimal(paid)}
    filled(other, ([cell | {"actual_usd": Decimal(paid)}], [entry]))
    assert other.rows("replay/scenarios")[0]["ratio"] == Decimal(RATIOS[asked, paid])


def test_what_scenarios_ask(store: Store, tables: Tables) -> None:
    names = ("scenario", *BY, "outcome", "target", "priced_as")
    expected = []
    for key, own in groups(tables[1], lambda row: {name: row[name] for name in names}):
        is_known = all(row["actual_usd"] is not None for row in own)
        known = [row for row in own if row["actual_usd"] is not None]
        expected.append({
            **key,
            "calls": whole(own, "calls"),
            "input_tokens": whole(own, "prompt_tokens"),
            "output_tokens": whole(own, "produced_tokens"),
            "cost_usd": money(own, "replayed_usd"),
            "compared_calls": whole(known, "calls"),
            "actual_usd": money(own, "actual_usd") if is_known else None,
        })  # fmt: skip
    assert store.rows("replay/scenario_costs") == sorted(
        expected, key=lambda row: last(*row.values())
    )


def test_what_has_no_price_under_a_scenario(store: Store, tables: Tables) -> None:
    actual, ledger = tables
    dark = [{**actual[row["cell"]], **row} for row in ledger if row["outcome"] == "unpriced"]
    expected = [
        {**key, "calls": whole(own, "calls")}
        for key, own in groups(dark, lambda r: {"scenario": r["scenario"], "reason": r["reason"]})
    ]
    expected.sort(key=lambda row: (row["scenario"], -row["calls"], row["reason"]))
    assert store.rows("replay/why_unpriced") == expected

    def key_of(row: Row) -> Row:
        model = row["served_model"] or row["requested_model"] or None
        return {
            "scenario": row["scenario"], "model": model, "tier": row["tier"],
            "reason": row["reason"],
        }  # fmt: skip

    cells = [{**row, **{n: actual[row["cell"]][n] for n in TOKENS}} for row in dark]
    expected = [{**key, **counted(own)} for key, own in groups(cells, key_of)]
    expected.sort(
        key=lambda row: (
            row["scenario"], -row["calls"], first(row["model"]), row["tier"], row["reason"],
        )
    )  # fmt: skip
    assert store.rows("replay/moved_unpriced") == expected


TOKENS = ("prompt_tokens", "produced_tokens")


def counted(own: list[Row]) -> Row:
    return {
        "calls": whole(own, "calls"),
        "input_tokens": whole(own, "prompt_tokens"),
        "output_tokens": whole(own, "produced_tokens"),
    }


def test_what_outgrows_a_window(store: Store, tables: Tables) -> None:
    actual, ledger = tables
    long = [
        {**actual[row["cell"]], "scenario": row["scenario"]}
        for row in ledger
        if row["outcome"] == "overflows"
    ]
    expected = [
        {
            **key,
            "overflow_input_tokens": whole(own, "prompt_tokens"),
            "overflow_output_tokens": whole(own, "produced_tokens"),
            "overflow_actual_usd": money(own, "actual_usd"),
        }
        for key, own in groups(long, lambda row: {"scenario": row["scenario"], **said(row)})
    ]
    assert store.rows("replay/overflows") == sorted(expected, key=lambda row: last(*row.values()))


def test_training_comes_on_top(store: Store, tables: Tables) -> None:
    expected = []
    for scenario in (0, 2):  # 7 is not asked for
        own = [one for one in TRAININGS if one["scenario"] == scenario]
        costs = (Decimal(one["training_tokens"]) * one["training_usd"] for one in own)
        trained = sum(costs, Decimal(0))
        moved = money([row for row in tables[1] if row["scenario"] == scenario], "replayed_usd")
        expected.append({
            "scenario": scenario,
            "training_tokens": whole(own, "training_tokens"),
            "training_usd": trained,
            "total_usd": None if moved is None else moved + trained,
        })  # fmt: skip
    assert store.rows("replay/training") == expected


def test_charges_under_scenarios(store: Store, tables: Tables) -> None:
    """What stays where it is keeps its tokens, whatever the card says of levers."""
    actual, ledger = tables
    card = {
        (row["scenario"], *(row[name] for name in KEY_OF_CARD)): row
        for row in drawn_card(4, actual, SCENARIOS)
    }
    rows = []
    for entry in ledger:
        cell = actual[entry["cell"]]
        own = card[entry["scenario"], *(cell[name] for name in KEY_OF_CARD)]
        kept, cut, output = (
            (1, 0, 1) if own["stays"] else (own["kept"], own["cut_calls"], own["output"])
        )
        is_priced = entry["outcome"] == "fits"
        rows.append({
            "scenario": entry["scenario"],
            "day": cell["by_1"] or None,
            "booking": cell["by_2"],
            "source_sha256": cell["by_3"],
            "requested_model": cell["requested_model"] or None,
            "served_model": cell["served_model"] or None,
            "tier": cell["tier"],
            "outcome": "priced" if is_priced else entry["outcome"],
            "priced_as": entry["priced_as"] or (cell["model"] if is_priced else None),
            **{name: own[name] for name in RATES},
            "calls": cell["calls"],
            **{name: cell[name] * kept - cell[f"cut_{name}"] * cut for name in METERS[:3]},
            "output_tokens": cell["produced_tokens"] * output,
            "cost_usd": entry["replayed_usd"],
        })  # fmt: skip
    sums = ("calls", *METERS)
    expected = [
        {**key, **{name: whole(own, name) for name in sums}, "cost_usd": money(own, "cost_usd")}
        for key, own in groups(
            rows, lambda row: {n: v for n, v in row.items() if n not in (*sums, "cost_usd")}
        )
    ]
    expected.sort(key=lambda row: last(*row.values()))
    assert store.rows("replay/charged_moved") == expected


# --- all in one table

SAME = ("calls", "unpriced", "input_tokens", "output_tokens", "cost_usd")
COMPARED = ("compared_calls", "compared_usd", "actual_usd", "delta_usd", "ratio")
OF_LOGS = (
    "doubtful_calls", "doubtful_usd", "recorded_calls", "recorded_usd", "recorded_actual_usd",
)  # fmt: skip
TITLE = "the logged traffic at dated prices"


@pytest.mark.parametrize("count", [150, 0])
def test_the_actual_cost_and_every_scenario_in_one_table(
    other: Store, tables: Tables, count: int
) -> None:
    """The total is shown where nothing else is."""
    filled(other, (tables[0][:count], tables[1] if count else []))
    spent, scenarios = other.rows("replay/spent"), other.rows("replay/scenarios")
    for name in ("spent", "scenarios"):
        frame = other.frame(f"replay/{name}")
        other.show(name, frame)
    kinds = {"scenario": "INTEGER", "name": "VARCHAR", "title": "VARCHAR"}
    asked = [{"scenario": n, "name": f"s{n}", "title": f"t{n}"} for n in SCENARIOS]
    put(other, "asked_scenarios", kinds, asked)
    expected = []
    for row in spent:
        if row["is_total"] == bool(count):
            continue
        cost = row["cost_usd"]
        expected.append({
            "place": 0, "is_nothing": row["is_total"], "name": "actual", "title": TITLE,
            **{name: row[name] for name in (*BY, *SAME, *OF_LOGS, "failed")},
            "fits": row["priced"], "overflows": 0, "compared_calls": row["priced"],
            "compared_usd": cost, "actual_usd": cost,
            "delta_usd": None if cost is None else Decimal(0),
            "ratio": Decimal(1) if cost else None,
        })  # fmt: skip
    for row in scenarios:
        if row["scenario"] in SCENARIOS:
            expected.append({
                "place": row["scenario"] + 1, "is_nothing": not count,
                "name": f"s{row['scenario']}", "title": f"t{row['scenario']}",
                **{name: row[name] for name in (*BY, *SAME, *COMPARED, "fits", "overflows")},
                **dict.fromkeys(OF_LOGS), "failed": 0,
            })  # fmt: skip
    other.run("replay/measures")
    found = other._connection.execute("SELECT * FROM measures")
    names = [column[0] for column in found.description]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    assert sorted(rows, key=place) == sorted(expected, key=place)


def place(row: Row) -> str:
    return str([row[name] for name in ("place", *BY)])


# --- what parts the actual cost from a scenario's


@pytest.mark.parametrize("start", [None, "2023-08-22"])
@pytest.mark.parametrize("end", [None, "2023-08-23"])
def test_bridges(store: Store, tables: Tables, start: str | None, end: str | None) -> None:
    actual, ledger = tables
    of = {(row["scenario"], row["cell"]): row for row in ledger}
    parts: list[Row] = []

    def part(name: str, calls: int, amount: Decimal) -> None:
        parts.append({"scenario": scenario, "part": name, "calls": calls, "amount_usd": amount})

    for scenario in ASKED:
        for training in TRAININGS:
            if training["scenario"] == scenario:
                tokens, rate = training["training_tokens"], training["training_usd"]
                part("training", 0, Decimal(tokens) * rate)
        for cell in actual:
            day, calls, paid = cell["by_1"], cell["calls"], cell["actual_usd"]
            is_inside = (not start or day >= start) and (not end or day < end)
            if cell["state"] == "failed" or not is_inside or not (day or not (start or end)):
                continue
            entry = of.get((scenario, cell["cell"]), dict.fromkeys(LEDGER))
            if paid is not None:
                part("start", calls, paid)
            if not cell["movable"]:
                part("not_moved", calls, -(paid or Decimal(0)))
            elif entry["outcome"] == "overflows":
                part("overflow", calls, -(paid or Decimal(0)))
            elif entry["outcome"] == "unpriced" or paid is None:
                part("unpriced", calls, -(paid or Decimal(0)))
                if entry["replayed_usd"] is not None:
                    part("unpriced", 0, entry["replayed_usd"])
            elif entry["prompt_usd"] is not None:
                logged = entry["prompt_usd"] + entry["output_usd"]
                same = entry["priced_as"] == cell["model"]
                part("rate" if same else "model_mix", calls, logged - paid)
                if entry["replayed_usd"] != logged:
                    part("tokens_per_call", calls, entry["replayed_usd"] - logged)
    keys = ("scenario", "part")
    expected = [
        {**key, "calls": whole(own, "calls"), "amount_usd": money(own, "amount_usd")}
        for key, own in groups(parts, lambda row: {name: row[name] for name in keys})
    ]
    expected.sort(key=lambda row: (row["scenario"], row["part"]))
    assert store.rows("replay/bridge_parts", from_date=start, to_date=end) == expected
    if (start, end) == (None, None):
        assert len({row["part"] for row in expected}) == 8
