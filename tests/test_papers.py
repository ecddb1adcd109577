"""Tables for papers: LaTeX, Markdown, results side by side, and what maketables reads."""

import copy
import pickle
import re
import sys

import numpy as np
import pandas as pd
import pytest
from zoo import ODD, objects

from sklearn_ftr import (
    RectifiedMeanEstimator,
    ScalingLaw,
    compare,
    rectify_linear_regression,
    rectify_mean,
    rectify_quantile,
)
from sklearn_ftr._printed_table import PrintedTable

IN_TABLES = ["many", "contrasts", "quantiles", "plan", "required", "labels_needed", "comparison"]


@pytest.fixture
def rows(rng):
    y = rng.normal(2, 1, size=80)
    X = pd.DataFrame(rng.normal(size=(480, 2)), columns=["price_eur", "length"])
    return X, y, y + rng.normal(size=80), rng.normal(2, 1.4, size=400)


@pytest.fixture
def mean(rows):
    _, y, f, pool = rows
    return rectify_mean(y, f, pool)


def regression(rows, columns):
    X, y, f, pool = rows
    return rectify_linear_regression(X[columns][:80], y, f, X[columns][80:], pool)


@pytest.fixture
def both(rows):
    return regression(rows, ["price_eur", "length"])


@pytest.fixture
def one(rows):
    return regression(rows, ["length"])


def latex_cells(latex):
    """Rows of a tabular, and what stands between them."""
    inside = re.search(r"\\begin\{tabular\}\{[lr]+\}\n(.*)\\end\{tabular\}", latex, re.S).group(1)
    lines = inside.strip().split("\n")
    cells = [re.split(r"(?<!\\)&", line.removesuffix(r"\\")) for line in lines if line.endswith(r"\\")]
    return [[cell.strip() for cell in row] for row in cells], lines


def markdown_cells(markdown):
    header, rule, *rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in markdown.split("\n")]
    assert all(re.fullmatch(r":-+|-+:", cell.strip()) for cell in rule)
    return [[cell.strip() for cell in row] for row in (header, *rows)]


# LaTeX and Markdown


@pytest.mark.parametrize("name", IN_TABLES)
def test_latex_has_the_rules_of_booktabs_and_no_character_that_would_not_compile(name):
    cells, lines = latex_cells(objects()[name].to_latex())
    assert [lines[0], lines[2], lines[-1]] == [r"\toprule", r"\midrule", r"\bottomrule"]
    assert len({len(row) for row in cells}) == 1
    known = r"\\(?:[&%$#_{}^]|textasciicircum|textasciitilde|textbackslash|ensuremath\{[<>]\})(?:\{\})?|\$-?(?:\\infty)?\$|\{\}"
    for cell in (cell for row in cells for cell in row):
        assert not re.search(r"[&%$#_{}~^\\<>]", re.sub(known, "", cell)), cell


@pytest.mark.parametrize("name", IN_TABLES)
def test_markdown_has_a_cell_for_each_column_and_no_markup_of_names(name):
    cells = markdown_cells(objects()[name].to_markdown())
    assert len({len(row) for row in cells}) == 1
    names = [*cells[0], *(row[0] for row in cells[1:])]
    assert not any(re.search(r"(?<!\\)[*_`~|$<>]|&(?!amp;|lt;|gt;)", one) for one in names)


def test_markdown_of_odd_names_is_read_back_as_they_are():
    cells = markdown_cells(objects()["many"].to_markdown())
    read = [re.sub(r"\\(.)", r"\1", row[0]) for row in cells[1:]]
    plain = [one.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&") for one in read]
    assert plain == [name.replace("\n", " ") for name in ODD]


def test_rows_of_a_result(both):
    cells, _ = latex_cells(both.to_latex())
    assert cells[0] == ["", "estimate", "std. error", r"95 \% interval", "efficiency"]
    assert [row[0] for row in cells[1:]] == ["intercept", r"price\_eur", "length"]
    written = [float(row[1].replace("$-$", "-")) for row in cells[1:]]
    np.testing.assert_allclose(written, both.estimate, atol=0.006)
    assert [row[1:] for row in markdown_cells(both.to_markdown())[1:]] == [
        [cell.replace("$-$", "-") for cell in row[1:]] for row in cells[1:]
    ]


def test_decimals_are_those_of_the_printed_table(both, mean):
    for result in (both, mean):
        printed = [line.split("  ")[-1].strip() for line in str(result).split("\n")[4:]]
        cells = markdown_cells(result.to_markdown())
        assert [row[3] for row in cells[1:]] == printed[: len(cells) - 1]


def test_comparisons_have_rows_of_their_own(mean):
    cells, _ = latex_cells(mean.to_latex(comparisons=True))
    assert [row[0] for row in cells] == ["", "rectified", "labels only", "predictions only"]
    assert len(markdown_cells(mean.to_markdown(comparisons=True))) == 4
    with pytest.raises(ValueError, match="comparisons is 'yes'"):
        mean.to_latex(comparisons="yes")


def test_captions_and_labels(mean):
    plan = ScalingLaw(2.0, 0.5, 1.0).plan(100, total_variance=3.0)
    for shown in (mean, plan):
        tabular = shown.to_latex()
        assert shown.to_latex(caption=r"\emph{a}", label="tab:a") == "\n".join(
            [
                r"\begin{table}",
                r"\centering",
                r"\caption{\emph{a}}",
                r"\label{tab:a}",
                tabular,
                r"\end{table}",
            ]
        )
        assert r"\caption" not in shown.to_latex(label="tab:a")


def test_infinite_ends_and_names_like_options(rng):
    y = rng.normal(size=12)
    latex = rectify_quantile(y, y, y[:0], q=[0.05, 0.95]).to_latex()
    assert r"[$-\infty$, " in latex
    assert r", $\infty$]" in latex
    table = PrintedTable("", ["", "n"], [["[a]", "-1"], ["*", "inf"], ["inf - 1", "2"]]).latex()
    assert [line.split("&")[0].strip() for line in table.split("\n")[4:7]] == [
        "{}[a]",
        "{}*",
        "inf - 1",
    ]
    assert r"$-$1 \\" in table
    assert r"$\infty$ \\" in table


def test_nothing_needs_pandas(mean, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    for shown in (mean, compare([mean])):
        assert shown.to_latex()
        assert shown.to_markdown()
        with pytest.raises(ImportError, match=r"to_frame\(\) needs pandas"):
            shown.to_frame()


def test_texts_are_printed_between_rules_and_empty_tables_too():
    table = PrintedTable("title", ["", "number"], [["a\tb", "1"]], ["note"], [["foot", "2"]])
    rule = "-" * 12
    assert table.text().split("\n") == [
        "title",
        rule,
        "      number",
        rule,
        "a b        1",
        rule,
        "foot       2",
        rule,
        "note",
    ]
    empty = PrintedTable("", ["", "number"], [])
    assert empty.text().split("\n")[1].split() == ["number"]
    assert "<table>" in empty.html()
    assert r"\toprule" in empty.latex()
    assert "number" in empty.markdown()


# Side by side


def test_columns_are_aligned_by_the_names_of_numbers(both, one, mean):
    side = compare({"both": both, "one": one, "mean": mean})
    assert side.rows == ["intercept", "price_eur", "length", "mean"]
    cells = markdown_cells(side.to_markdown())
    assert cells[0] == ["", "both", "one", "mean"]
    table = {row[0]: row[1:] for row in cells if row[0]}
    assert table["price\\_eur"][1:] == ["", ""]
    assert table["mean"][:2] == ["", ""]
    assert table["labels"] == ["80"] * 3
    assert table["pool"] == ["400"] * 3
    assert table["estimand"] == ["linear regression", "linear regression", "mean"]
    assert float(table["efficiency"][2]) == pytest.approx(mean.efficiency, abs=0.006)
    assert float(table["lambda"][2]) == pytest.approx(mean.lambda_, abs=0.006)
    low, high = both.efficiency.min(), both.efficiency.max()
    assert table["efficiency"][0] == f"{low:.2f} to {high:.2f}"


def test_numbers_side_by_side_are_those_of_the_results(both, one):
    frame = compare([both, one]).to_frame()
    for name, result in (("(1)", both), ("(2)", one)):
        known = frame[name].loc[list(result.names)]
        np.testing.assert_array_equal(known["estimate"], result.estimate)
        np.testing.assert_array_equal(known["standard error"], result.standard_error)
        np.testing.assert_array_equal(known[["low", "high"]].T, result.confidence_interval())
        np.testing.assert_array_equal(known["efficiency"], result.efficiency)
    assert frame.loc["price_eur", "(2)"].isna().all()


def test_what_stands_beneath(mean):
    errors, intervals = (compare([mean], beneath=one) for one in ("standard error", "interval"))
    assert f"({mean.standard_error:.4f})" in str(errors)
    assert "In parentheses: standard errors." in str(errors)
    low, high = mean.confidence_interval()
    assert f"[{low:.3f}, {high:.3f}]" in str(intervals)
    low, high = mean.confidence_interval(0.5)
    half = compare([mean.with_confidence_level(0.5)], beneath="interval")
    assert f"[{low:.3f}, {high:.3f}]" in str(half)
    assert "50 % intervals" in str(half)
    assert str(compare([mean], beneath="interval", confidence_level=0.5)) == str(half)


def test_labels_only_beside_each_result(mean):
    side = compare({"ours": mean}, labels_only=True)
    assert [column.name for column in side.columns] == ["ours", "ours, labels only"]
    assert side.columns[1].estimate.item() == mean.labels_only.estimate
    foot = {row[0]: row[1:] for row in markdown_cells(side.to_markdown())}
    assert foot["efficiency"][1] == "1.00"
    assert foot["pool"][1] == foot["lambda"][1] == ""


def test_foot_of_latex_stands_below_a_rule(both):
    cells, lines = latex_cells(compare([both, both]).to_latex())
    foot = [line.split("&")[0].strip() for line in lines]
    assert foot.index("labels") == len(lines) - 5
    assert lines[foot.index("labels") - 1] == r"\midrule"
    assert cells[2][0] == ""


def test_estimators_and_contrasts_are_results_too(population, both):
    model = RectifiedMeanEstimator(random_state=0).fit(*population)
    assert str(compare({"a": model})) == str(compare({"a": model.result_}))
    side = compare([both, both.contrast({"length": 1, "price_eur": -1})])
    foot = {row[0]: row[1:] for row in markdown_cells(side.to_markdown())}
    assert foot["lambda"][1] == ""
    assert foot["estimand"][1] == "contrast of linear regression"


def test_several_numbers_without_names(rng):
    y = rng.normal(size=(60, 2))
    two = rectify_mean(y, y + 1, y + 1)
    assert compare([two, two]).rows == ["0", "1"]
    three = rectify_mean(y[:, [0, 1, 1]], y[:, [0, 1, 1]] + 1, y[:, [0, 1, 1]] + 1)
    with pytest.raises(ValueError, match=r"without names.*\(1\) 2, \(2\) 3"):
        compare([two, three])
    named = rectify_mean(pd.DataFrame(y, columns=["a", "b"]), y + 1, y + 1)
    with pytest.raises(ValueError, match=r"without names.*ours 2, theirs none"):
        compare({"ours": two, "theirs": named})


@pytest.mark.parametrize(
    ("results", "error", "message"),
    [
        ([], ValueError, "results is empty"),
        ({}, ValueError, "results is empty"),
        ("text", TypeError, "expected a list or a dict"),
        (None, TypeError, "expected a list or a dict"),
        ([1.0], TypeError, r"\(1\) is 1.0, of type float; expected results"),
        ({"a": "text"}, TypeError, "a is 'text'"),
        ([RectifiedMeanEstimator()], TypeError, r"\(1\) is RectifiedMeanEstimator\(\)"),
    ],
)
def test_what_is_no_result_is_refused(results, error, message):
    with pytest.raises(error, match=message):
        compare(results)


def test_nonsense_is_refused(mean):
    with pytest.raises(TypeError, match="results is <RectifiedResult"):
        compare(mean)
    with pytest.raises(ValueError, match=r"different confidence levels: \(1\) 0.95, \(2\) 0.9"):
        compare([mean, mean.with_confidence_level(0.9)])
    assert (
        compare([mean, mean.with_confidence_level(0.9)], confidence_level=0.8).confidence_level == 0.8
    )
    with pytest.raises(ValueError, match="print alike"):
        compare({1: mean, "1": mean})
    with pytest.raises(ValueError, match="beneath is 'stars'"):
        compare([mean], beneath="stars")
    with pytest.raises(ValueError, match="labels_only is 'no'"):
        compare([mean], labels_only="no")
    with pytest.raises(ValueError, match="confidence_level"):
        compare([mean], confidence_level=95)


def test_numbers_with_one_name_are_refused(rng):
    y = pd.DataFrame(rng.normal(size=(60, 2)), columns=["a", "a"])
    result = rectify_mean(y, y + 1, y.to_numpy() + 1)
    if result.names:
        with pytest.raises(ValueError, match="several numbers with the name 'a'"):
            compare([result])


def test_copies_and_pickles_say_the_same(both, mean):
    side = compare([both, mean], labels_only=True)
    for twin in (pickle.loads(pickle.dumps(side)), copy.deepcopy(side)):
        assert str(twin) == str(side)
        assert twin.to_frame().equals(side.to_frame())


# maketables


def hooks(result):
    return result.__maketables_coef_table__, result.__maketables_stat__


@pytest.mark.parametrize("name", ["mean", "both", "contrast"])
def test_tables_of_coefficients(request, name, both):
    result = both.contrast([0, 1, -1]) if name == "contrast" else request.getfixturevalue(name)
    table, stat = hooks(result)
    assert table.index.name == "Coefficient"
    assert list(table.columns) == ["b", "se", "t", "p", "ci95l", "ci95u", "ci90l", "ci90u"]
    np.testing.assert_array_equal(table["b"], np.atleast_1d(result.estimate))
    np.testing.assert_array_equal(table["se"], np.atleast_1d(result.standard_error))
    np.testing.assert_array_equal(table["p"], np.atleast_1d(result.p_value(0)))
    np.testing.assert_allclose(table["t"], table["b"] / table["se"])
    for level in (95, 90):
        ends = np.atleast_2d(np.transpose(result.confidence_interval(level / 100)))
        np.testing.assert_array_equal(table[[f"ci{level}l", f"ci{level}u"]], ends)
    assert (stat("N"), stat("n_unlabeled"), stat("n_rectify")) == (80, 400, 80)
    assert stat("r2") is None
    assert (stat("lambda") is None) == (name == "contrast")
    assert result.__maketables_depvar__ == result.estimand
    assert result.__maketables_vcov_info__["vcov_type"] == result.interval_method
    assert set(result.__maketables_default_stat_keys__) <= set(result.__maketables_stat_labels__)


def test_lambda_and_efficiency_of_several_numbers(both):
    _, stat = hooks(both)
    assert stat("efficiency") == f"{both.efficiency.min():.2f} to {both.efficiency.max():.2f}"


def test_maketables_reads_results(both, mean):
    maketables = pytest.importorskip("maketables")
    latex = maketables.ETable([both, mean, both.contrast([0, 1, -1])]).make("tex")
    for text in (
        "intercept",
        "linear regression",
        f"({mean.standard_error:.3f})",
        "Unlabeled rows",
        "Lambda",
    ):
        assert text in latex


def test_a_key_like_a_column_of_labels_only_is_refused(mean):
    with pytest.raises(ValueError, match="expected another key"):
        compare({"a": mean, "a, labels only": mean}, labels_only=True)
