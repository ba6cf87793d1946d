import re

import msgspec
import pytest

from engine.contract.typesetting import Typeset, TypesetRequest
from engine.worker.children.tex_rewrites import grouped_environments, rewrite
from engine.worker.children.typeset import answer, typeset

FORMULAS = r"""
E = mc^2
\frac{-b \pm \sqrt{b^2-4ac}}{2a}
\int_0^\infty e^{-x^2}\,dx = \frac{\sqrt{\pi}}{2}
\sum_{n=1}^{\infty} \frac{1}{n^2} = \frac{\pi^2}{6}
\begin{pmatrix} a & b \\ c & d \end{pmatrix}
\begin{pmatrix} a & b \\ c & d \end{pmatrix}^{-1}
\begin{bmatrix} 1 & 0 \\ 0 & 1 \end{bmatrix}_{2\times 2}
\begin{pmatrix} \begin{pmatrix} 1 \end{pmatrix}^2 & 2 \end{pmatrix}^{T}
\begin{cases} x & x>0 \\ -x & \text{otherwise} \end{cases}
\begin{aligned} a &= b + c \\ &= d \end{aligned}
\begin{align} a &= b + c \nonumber \\ d &= e \label{second} \end{align}
\begin{equation} a = b \end{equation}
\begin{array}{c|c} a & b \\ \hline c & d \end{array}
\left\{ \begin{array}{ll} a & b \\ c & d \end{array} \right.
\nabla \cdot \mathbf{E} = \frac{\rho}{\varepsilon_0}
\lim_{x \to 0} \frac{\sin x}{x} = 1
\operatorname{softmax}(x)_i = \frac{e^{x_i}}{\sum_j e^{x_j}}
\text{Attention}(Q,K,V) = \operatorname{softmax}\left(\frac{QK^\top}{\sqrt{d_k}}\right)V
\hat{\theta} = \operatorname*{arg\,max}_\theta \mathcal{L}(\theta)
\mathop{\mathrm{arg\,min}}_{x} f(x)
\argmax_x f(x)
\sum_{i=1}^{n}\limits x
\sum_i^n\limits x
\left\| x \right\|_2 \le \|x\|_1
\binom{n}{k} = \frac{n!}{k!(n-k)!}
\underbrace{a+b}_{n} \overbrace{c}^{m}
\boxed{x = 5} \tag{1}
\left. \frac{df}{dx} \right|_{x=0}
P(A \mid B) = \frac{P(B \mid A)\,P(A)}{P(B)}
\oint_C \vec{F} \cdot d\vec{r}
\sum_{\substack{i<n\\j<m}} x
\newcommand{\R}{\mathbb{R}} f\colon \R^n \to \R
x \equiv y \pmod{n}
50\% \text{ of } \$5
\text{Привет} \neq \color{red}{x}
""".strip().splitlines()
BROKEN = {
    "": "NoAvailableTokens",
    "{}": "nothing to see",
    r"\frac{1": "AssertionError",
    r"\begin{pmatrix} a": "MissingEnd",
    r"\end{pmatrix}": "not known",
    "x^a^b": "DoubleSuperscripts",
    r"\left( x": "Extra",
    r"\undefinedcommand{x}": r"\\undefinedcommand is not known",
    r"\ce{H2O}": r"\\ce is not known",
    r"\text{日本語}": "the font has no '日'",
    "a & b": "not well-formed",
    "<script>alert(1)</script> &": "not well-formed",
    r"\def\a{\a\a}\a": "expansion",
    "{" * 1_000: ".",
    "x" * 100_000: "100000 characters",
    r"\color{url(file:///etc/passwd)}{x}": "a colour",
    r"\includegraphics{/etc/passwd}": "not known",
}


def drawn(tex: str, *, display: bool = True) -> Typeset:
    return typeset(tex, size_px=16, colour="#204060", display=display)


@pytest.mark.parametrize("display", [True, False], ids=["display", "inline"])
@pytest.mark.parametrize("tex", FORMULAS)
def test_a_formula_becomes_paths_and_lines_and_nothing_else(tex: str, display: bool) -> None:
    drawing = drawn(tex, display=display)
    assert set(re.findall(r"<(\w+)", drawing.svg)) <= {"svg", "g", "path", "rect", "ellipse"}
    assert "href" not in drawing.svg
    assert "#204060" in drawing.svg
    assert drawing.width > 2 and drawing.height > 2
    assert -drawing.height < drawing.baseline < drawing.height


@pytest.mark.parametrize("tex", BROKEN, ids=lambda tex: tex[:20] or "nothing")
def test_a_broken_formula_says_why(tex: str) -> None:
    request = TypesetRequest(id=7, tex=tex, size_px=16, colour="#204060", display=True)
    drawing = msgspec.json.decode(answer(msgspec.json.encode(request)), type=Typeset)
    assert re.search(BROKEN[tex], drawing.error)
    assert (drawing.id, drawing.svg) == (7, "")


def test_lengths_grow_with_the_text_and_the_baseline_is_where_letters_stand() -> None:
    small, large = drawn("x"), typeset("x", size_px=32, colour="#204060", display=True)
    assert 1.7 < (large.width - 2) / (small.width - 2) < 2.3
    assert small.baseline == pytest.approx(1, abs=0.5)
    assert drawn("y").baseline > 3
    assert drawn(r"\frac{a}{b}").baseline > drawn(r"\frac{a}{b}", display=False).baseline > 3


def test_an_equation_number_stands_beside_its_equation() -> None:
    assert drawn(r"a=b \tag{1}").width < 4 * drawn("a=b").width
    assert (
        drawn(r"\begin{align} a &= b \end{align}").width == drawn(r"\begin{align*} a &= b \end{align*}").width
    )


@pytest.mark.parametrize(
    ("tex", "grouped"),
    [
        (r"\begin{a}x\end{a}^2", r"{\begin{a}x\end{a}}^2"),
        (r"\begin{a}x\end{a} _2", r"{\begin{a}x\end{a}} _2"),
        (r"\begin{a}x\end{a}", r"\begin{a}x\end{a}"),
        (r"\begin{a}\begin{b}x\end{b}^1\end{a}^2", r"{\begin{a}{\begin{b}x\end{b}}^1\end{a}}^2"),
        (r"\begin{a}x\end{b}^2", r"\begin{a}x\end{b}^2"),
        (r"x\end{a}^2", r"x\end{a}^2"),
        (r"y^2", r"y^2"),
    ],
)
def test_an_environment_with_a_script_is_grouped(tex: str, grouped: str) -> None:
    assert grouped_environments(tex) == grouped


@pytest.mark.parametrize(
    "tex", [r"\sum\limits_{i}", r"\max_x f", r"\labels", r"\operatorname{tr}(A)", r"\tags{x}", r"\Pr_x"]
)
def test_what_the_library_reads_well_stays(tex: str) -> None:
    assert rewrite(tex) == tex
