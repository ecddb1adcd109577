"""The page of docs/_static/split: its numbers are those of `ScalingLaw`, and it does what its controls say."""

import json
import re
import shutil
import subprocess
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from chromium import Chromium, find_chromium

from sklearn_ftr import ScalingLaw
from sklearn_ftr.allocation._optimal_split import SplitProblem

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "_static" / "split"
ADDRESS = (FOLDER / "index.html").as_uri()
RELATIVE = 1e-9

# Everything that the formulas say of one case; JSON has no infinity.
NUMBERS_OF = """
(cases) => JSON.stringify(cases.map((one) => {
  const [n, m] = [one.n, Number(one.m)];
  const options = splitObjective.plan(one, n, m, one.folds);
  const s = splitObjective.optimal_split(one, n, m);
  return {
    s, options, best: splitObjective.best(options).strategy,
    predicted: one.sizes.map((size) => splitObjective.predict(one, size)),
    slopes: one.sizes.map((size) => splitObjective.slope(one, size)),
    splits: one.sizes.map((size) => splitObjective.objective(one, size, n, m)),
    band: splitObjective.regret_band(one, s, n, m, 0.01),
  };
}), (_, value) => (value === Infinity ? "Infinity" : value))
"""


def case(n, m, law, total, recycle, tuned, folds):
    a, alpha, b = law
    sizes = sorted({1, 2, n // 3, n - 2})
    return {
        "n": n,
        "m": str(m).replace("inf", "Infinity"),
        "a": a,
        "alpha": alpha,
        "b": b,
        "total_variance": total,
        "recycle": recycle,
        "tuned": tuned,
        "folds": folds,
        "sizes": sizes,
    }


def grid():
    """Every combination of extremes, and of what lies between; folds take turns."""
    laws = [
        (0.287, 0.297, 0.042),  # EmoBank
        (4.4, 0.457, 0.585),  # above V(Y) for few labels
        (0.5, 0.05, 0.0),
        (3.0, 2.0, 0.0),
        (0.0, 1.0, 0.2),  # nothing to train
        (0.0, 1.0, 0.0),  # perfect predictions
        (1e-27, 1.0, 0.0),  # what is left is rounding
        (1.0, 1.0, 50.0),  # labels alone are best
    ]
    settings = product((10, 300, 10**6), (1.0, np.inf), laws, (False, True), (False, True))
    folds, total = (2, 5, 20), (0.1216, 2.33)
    for i, (n, ratio, law, recycle, tuned) in enumerate(settings):
        yield case(n, n * ratio, law, total[i // 4 % 2], recycle, tuned, folds[i % 3])
    for i, (n, m, law) in enumerate(product((37, 20_000), (10.0, 1e8), laws[:4])):
        yield case(n, m, law, 1.0, i % 2 == 0, i % 4 < 2, folds[i % 3])


CASES = list(grid())


def law_of(one):
    return ScalingLaw(one["a"], one["alpha"], one["b"])


def plan_of(one):
    return law_of(one).plan(
        one["n"],
        float(one["m"]),
        total_variance=one["total_variance"],
        folds=(one["folds"],),
        recycle=one["recycle"],
        power_tuning=one["tuned"],
    )


def problem_of(one):
    pool = float(one["m"])
    return SplitProblem(law_of(one), pool, one["total_variance"], one["recycle"], one["tuned"])


def assert_close(page, package, what):
    page = np.array([float(number) for number in page])
    np.testing.assert_allclose(page, package, rtol=RELATIVE, atol=0, err_msg=str(what))


def assert_same_option(page, package, what):
    assert page["strategy"] == package.strategy, what
    assert (page["n_folds"], page["n_trainings"]) == (package.n_folds, package.n_trainings), what
    names = "standard_error", "efficiency"
    assert_close([page[name] for name in names], [getattr(package, name) for name in names], what)


@cache
def expected():
    """What the package says: law, problem and plan of each case."""
    return [(law_of(one), problem_of(one), plan_of(one)) for one in CASES]


def assert_same_numbers(answers):
    assert len(answers) == len(CASES)
    for one, page, (law, problem, plan) in zip(CASES, answers, expected(), strict=True):
        assert_close(page["predicted"], law.predict(one["sizes"]), one)
        assert_close(page["slopes"], law.slope(one["sizes"]), one)
        assert_close(page["splits"], problem.variance(one["sizes"], one["n"]), one)
        assert len(page["options"]) == len(plan.options), one
        for shown, option in zip(page["options"], plan.options, strict=True):
            assert_same_option(shown, option, one)
        assert page["best"] == plan.best().strategy, one
        assert_best_split(one, page["s"], problem, plan)


def assert_best_split(one, s, problem, plan):
    """Several splits may be best up to rounding."""
    expected = next(option.n_finetune for option in plan.options if option.strategy == "split")
    assert 2 <= s <= one["n"] - 2, one
    found, best = problem.variance([s, expected], one["n"])
    assert found <= best * (1 + 1e-12) + 1e-25 * one["total_variance"], one


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    program = find_chromium()
    if program is None:
        pytest.skip("Chromium is not installed")
    try:
        chromium = Chromium(program, tmp_path_factory.mktemp("profile"))
    except (AssertionError, OSError) as error:
        pytest.skip(f"{program} does not start: {error}")
    yield chromium
    chromium.close()


@pytest.fixture
def page(browser):
    """The page, of which nothing may be complained in the end."""
    browser.complaints.clear()
    browser.open(ADDRESS)
    yield browser
    assert browser.complaints == []


def text(page, name):
    return page.run(f"document.getElementById('{name}').textContent")


def set_value(page, name, value, event="input"):
    page.run(
        f"{{ const field = document.getElementById('{name}'); field.value = '{value}';"
        f" field.dispatchEvent(new Event('{event}', {{ bubbles: true }})); }}"
    )


def click(page, name):
    page.run(f"document.getElementById('{name}').click()")


def best_split(page):
    return int(re.search(r"Fine-tune on ([\d,]+)", text(page, "headline")).group(1).replace(",", ""))


def address(page):
    """The settings in the address, which follow the controls a little later."""
    page.run("new Promise((done) => setTimeout(done, 260))")
    return dict(pair.split("=") for pair in page.run("location.hash.slice(1)").split("&"))


def plan_in_python(page):
    """What the code on the page makes."""
    names = {}
    exec(text(page, "python").replace("print(plan)", ""), names)
    return names["plan"]


def shown_options(page):
    """Labels that train and standard error of each way in the table."""
    cells = page.run(
        "[...document.querySelectorAll('tbody tr')].map((row) => row.innerText.split('\\t'))"
    )
    return [(int(row[1].replace(",", "")), float(row[2])) for row in cells]


def assert_shows_its_plan(page):
    sizes, errors = zip(*shown_options(page), strict=True)
    options = plan_in_python(page).options
    assert list(sizes) == [option.n_finetune for option in options]
    of_options = [option.standard_error for option in options]
    assert list(errors) == pytest.approx(of_options, rel=6e-4)  # four digits are shown


def test_formulas_under_node_are_those_of_the_package():
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    code = (
        f"const splitObjective = require({json.dumps(str(FOLDER / 'split_objective.js'))});"
        f"console.log(({NUMBERS_OF})(JSON.parse(require('fs').readFileSync(0, 'utf8'))));"
    )
    done = subprocess.run(
        [node, "-e", code], input=json.dumps(CASES), capture_output=True, text=True, check=True
    )
    assert_same_numbers(json.loads(done.stdout))


def test_formulas_in_a_browser_are_those_of_the_package(page):
    answers = json.loads(page.run(f"({NUMBERS_OF})({json.dumps(CASES)})"))
    assert_same_numbers(answers)
    for one, answer in zip(CASES, answers, strict=True):
        low, high = answer["band"]
        assert 2 <= low <= answer["s"] <= high <= one["n"] - 2


def test_what_is_shown_is_the_plan_of_the_code_that_is_shown(page):
    assert_shows_its_plan(page)
    set_value(page, "m", 100)
    for name in ("recycle", "tuned", "tuned", "endless"):
        click(page, name)
        assert_shows_its_plan(page)
    assert float(plan_in_python(page).n_unlabeled) == np.inf


def test_every_split_within_the_band_is_good_and_its_neighbors_are_not(page):
    numbers = re.search(r"from ([\d,]+) to ([\d,]+)", text(page, "tolerance")).groups()
    low, high = (int(number.replace(",", "")) for number in numbers)
    of_split = "(s) => splitObjective.split({ a: 4.4, alpha: 0.457, b: 0.585, total_variance: 2.33, recycle: true, tuned: true }, 300, 3900, s).standard_error"
    errors = page.run(f"Array.from({{ length: 297 }}, (_, i) => ({of_split})(i + 2))")
    good = [s for s, error in enumerate(errors, start=2) if error <= 1.01 * min(errors)]
    assert (low, high) == (good[0], good[-1])


def test_a_slider_moves_the_best_split_and_the_address(page):
    before = best_split(page)
    page.run("document.getElementById('n-slider').focus()")
    for _ in range(3):
        page.press("ArrowRight")
    n = int(page.run("document.getElementById('n').value"))
    assert n > 300
    assert best_split(page) > before
    assert_shows_its_plan(page)
    assert address(page)["n"] == str(n)


def test_a_faster_law_needs_fewer_labels_to_train(page):
    before = best_split(page)
    set_value(page, "alpha", 1.5)
    assert best_split(page) < before
    assert address(page)["alpha"] == "1.5"


def test_an_address_opens_what_it_says(page):
    settings = {"n": "1000", "m": "inf", "V": "0.1216", "a": "0.287", "alpha": "0.297", "b": "0.042"}
    settings |= {"K": "10", "share": "0.25", "recycle": "0", "tuned": "0", "y": "variance", "x": "log"}
    written = "&".join(f"{key}={value}" for key, value in settings.items())
    page.open(f"{ADDRESS}#{written}")
    assert "s = 152" in text(page, "worth")  # ScalingLaw.optimal_split(1000)
    assert "s = 250 (25 %)" in text(page, "yours")
    assert text(page, "quantity") == "Variance of the estimate"
    set_value(page, "b", 0.042)  # anything that writes the address
    assert address(page) == settings
    page.run("location.hash = 'n=20&K=20'")
    page.run("new Promise((done) => setTimeout(done, 50))")
    assert text(page, "folds") == "Cross-fitting with 20 folds needs 40 labels."
    assert text(page, "refused") == ""


def test_what_cannot_be_read_of_an_address_is_said(page):
    page.open(f"{ADDRESS}#n=ten&m=500&wrong=1&b=-1")
    assert "n=ten, wrong=1, b=-1" in text(page, "refused")
    assert page.run("['n', 'm', 'b'].map((name) => document.getElementById(name).value)") == [
        "300",
        "500",
        "0.585",
    ]


def test_numbers_out_of_range_are_said_and_mended(page):
    set_value(page, "n", 3)
    assert text(page, "n-error") == "From 10 to 1,000,000."
    assert page.run("document.getElementById('n').getAttribute('aria-invalid')") == "true"
    assert best_split(page) < 300
    set_value(page, "n", 3, "change")
    assert page.run("document.getElementById('n').value") == "10"
    assert text(page, "n-error") == ""
    assert_shows_its_plan(page)


def test_labels_alone_win_where_nothing_can_be_learned(page):
    set_value(page, "b", 5)
    assert text(page, "headline").startswith("Labels alone are")
    assert page.run("document.querySelector('.chosen').id") == "option-alone"
    assert plan_in_python(page).best().strategy == "labels only"


def test_ones_own_split_follows_keys_and_the_mouse(page):
    page.run("document.getElementById('share').focus()")
    page.press("Home")
    assert text(page, "yours").startswith("s = 2 ")
    middle = page.run(
        "{ const box = document.getElementById('split-picture').getBoundingClientRect();"
        " [box.left + box.width / 2, box.top + box.height / 2, box.left + box.width * 0.8]; }"
    )
    page.drag(middle[:2], (middle[2], middle[1]))
    after = int(re.match(r"s = (\d+)", text(page, "yours")).group(1))
    assert 200 < after < 290
    assert "above the best split" in text(page, "yours")


def test_every_field_has_a_name_and_every_picture_a_description(page):
    nameless = page.run(
        "[...document.querySelectorAll('input')].filter((one) => !one.labels.length && !one.ariaLabel).map((one) => one.id)"
    )
    assert nameless == []
    described = page.run(
        "[...document.querySelectorAll('svg[role=img]')].map((one) => one.getAttribute('aria-label'))"
    )
    assert [words.split()[0] for words in described] == ["Standard", "Residual"]
    identities = page.run("[...document.querySelectorAll('[id]')].map((one) => one.id)")
    assert len(identities) == len(set(identities))


@pytest.mark.parametrize("width", [390, 1280])
def test_fits_its_window(page, width):
    page.resize(width, 844)
    page.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert page.run("document.documentElement.scrollWidth") <= width
    beyond = page.run(
        "[...document.querySelectorAll('svg text')].filter((one) => one.getBoundingClientRect().width > 0)"
        ".filter((one) => { const [inner, outer] = [one, one.ownerSVGElement].map((x) => x.getBoundingClientRect());"
        " return inner.left < outer.left - 0.5 || inner.right > outer.right + 0.5 || inner.bottom > outer.bottom + 0.5; })"
        ".map((one) => one.textContent)"
    )
    assert beyond == []


def test_extremes_leave_no_number_undone(page):
    for settings in (
        "n=10&m=10&a=100&alpha=0.05&b=100&V=0.01&K=5&x=log",
        "n=1000000&m=inf&a=0&alpha=2&b=0&V=100&K=20&y=variance",
        "n=1000000&m=100000000&a=0.001&alpha=2&b=0&V=0.01&K=2&x=log&y=variance",
    ):
        page.run(f"location.hash = '{settings}'")
        page.run("new Promise((done) => setTimeout(done, 30))")
        shown = page.run("document.body.innerText + document.querySelector('main').innerHTML")
        assert "NaN" not in shown
        assert "undefined" not in shown


def test_the_page_asks_no_server():
    for path in FOLDER.iterdir():
        loaded = re.findall(
            r"(?:src|href)=\"([^\"]+)\"|url\(([^)]+)\)|import .*from", path.read_text("utf-8")
        )
        outside = [first or second for first, second in loaded if "://" in (first or second)]
        assert [name for name in outside if not name.startswith("data:")] in (
            [],
            ["https://arxiv.org/abs/2511.19486"],
        )


def test_pages_that_lead_here():
    for name, target in (
        ("README.md", "docs/_static/split/index.html"),
        ("docs/how_many_labels.md", "_static/split/index.html"),
    ):
        assert target in (ROOT / name).read_text("utf-8")
