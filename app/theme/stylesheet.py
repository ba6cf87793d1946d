"""The style sheet: what a palette cannot say, such as corners, paddings and hairlines."""

from app.theme.model_page_style import model_page_rules
from app.theme.tokens import Tokens
from app.theme.workbench_style import workbench_rules
from engine.contract.paths import resources

_ARROWS = (resources() / "style" / "arrow").as_posix()
_CHECK = (resources() / "style" / "check").as_posix()


def make_stylesheet(tokens: Tokens, font_scale: float = 1.0) -> str:
    """The rules for the whole window, addressed by object names."""
    parts = (
        _frame_rules,
        _button_rules,
        _field_rules,
        _composer_rules,
        _notice_rules,
        _list_rules,
        _sidebar_rules,
        _scroll_bar_rules,
        workbench_rules,
        model_page_rules,
    )
    return "".join(part(tokens) for part in parts) + _scaled_rules(font_scale)


def _scaled_rules(scale: float) -> str:
    """Sizes that go with the text."""
    radius, box = round(17 * scale), round(16 * scale)
    return f"""
QLabel#wordmark {{ font-size: {round(16 * scale)}px; font-weight: 600; }}
QToolButton#send, QToolButton#jumpToEnd {{ border-radius: {radius}px; }}
QCheckBox::indicator {{ width: {box}px; height: {box}px; }}
QCheckBox::indicator:focus {{ width: {box - 2}px; height: {box - 2}px; }}
QComboBox::drop-down, QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{
    width: {round(22 * scale)}px; }}
QComboBox::down-arrow, QAbstractSpinBox::down-arrow, QAbstractSpinBox::up-arrow {{
    width: {round(10 * scale)}px; }}
"""


def _frame_rules(tokens: Tokens) -> str:
    return f"""
QWidget#sidebar {{ background: {tokens.sidebar}; border-right: 1px solid {tokens.line}; }}
QScrollArea#sidePanel {{ background: {tokens.sidebar}; border-left: 1px solid {tokens.line}; }}
QWidget#header {{ border-bottom: 1px solid {tokens.line}; }}
QWidget#statusStrip {{ border-top: 1px solid {tokens.line}; }}
QLabel[tone="secondary"] {{ color: {tokens.secondary}; }}
"""


def _button_rules(tokens: Tokens) -> str:
    return f"""
QPushButton, QToolButton {{ border: 1px solid transparent; border-radius: 8px; padding: 5px; }}
QPushButton:hover, QToolButton:hover {{ background: {tokens.hovered}; }}
QPushButton:pressed, QToolButton:pressed {{ background: {tokens.selected}; }}
QPushButton:focus, QToolButton:focus {{ border-color: {tokens.accent}; }}
QPushButton::menu-indicator, QToolButton::menu-indicator {{ image: none; width: 0; }}
QPushButton[shape="raised"] {{ background: {tokens.raised}; border-color: {tokens.line}; padding: 7px 12px;
    text-align: left; border-radius: 9px; }}
QPushButton[shape="raised"]:hover {{ background: {tokens.hovered}; }}
QPushButton[shape="raised"]:focus {{ border-color: {tokens.accent}; }}
QPushButton#modelPicker {{ font-weight: 600; border-radius: 10px; padding: 6px 12px; }}
QPushButton[shape="suggestion"] {{ background: {tokens.window}; border-color: {tokens.line};
    border-radius: 12px; padding: 12px 16px; text-align: left; }}
QPushButton[shape="suggestion"]:hover {{ background: {tokens.hovered}; }}
QPushButton[shape="suggestion"]:focus {{ border-color: {tokens.accent}; }}
QPushButton[shape="link"] {{ color: {tokens.accent}; padding: 3px 8px; font-weight: 600; }}
QPushButton[shape="entry"] {{ text-align: left; padding: 8px 10px; }}
QPushButton:disabled {{ color: {tokens.secondary}; }}
QToolButton:checked {{ background: {tokens.selected}; }}
QFrame#popup {{ background: {tokens.raised}; border: 1px solid {tokens.line}; }}
QFrame#popup QScrollArea, QFrame#popup QScrollArea > QWidget > QWidget {{ background: transparent; }}
QLabel#badge {{ color: {tokens.accent}; border: 1px solid {tokens.line}; border-radius: 6px;
    padding: 0 5px; }}
QLabel#modelFacts {{ border: 1px solid {tokens.line}; border-radius: 10px; padding: 6px 12px;
    color: {tokens.secondary}; }}
"""


def _field_rules(tokens: Tokens) -> str:
    check = "light" if tokens.on_accent == "#ffffff" else "dark"
    return f"""
QLineEdit, QPlainTextEdit, QListWidget {{ background: {tokens.raised}; border: 1px solid {tokens.line};
    border-radius: 8px; padding: 5px 8px; }}
QLineEdit:focus, QPlainTextEdit:focus, QListWidget:focus {{ border-color: {tokens.accent}; }}
QComboBox, QAbstractSpinBox {{ background: {tokens.raised}; border: 1px solid {tokens.line};
    border-radius: 8px; padding: 4px 4px 4px 9px; }}
QComboBox:focus, QAbstractSpinBox:focus {{ border-color: {tokens.accent}; }}
QComboBox:disabled, QAbstractSpinBox:disabled {{ color: {tokens.secondary}; }}
QComboBox::drop-down {{ border: none; }}
QComboBox::down-arrow, QAbstractSpinBox::down-arrow {{ image: url({_ARROWS}-down.svg); }}
QAbstractSpinBox::up-arrow {{ image: url({_ARROWS}-up.svg); }}
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ border: none; }}
QComboBox QAbstractItemView {{ background: {tokens.raised}; border: 1px solid {tokens.line}; padding: 4px;
    selection-background-color: {tokens.selected}; selection-color: {tokens.text}; }}
QAbstractSpinBox QLineEdit, QComboBox QLineEdit {{ border: none; padding: 0; background: transparent; }}
QCheckBox::indicator {{ border: 1px solid {tokens.secondary};
    border-radius: 5px; background: {tokens.raised}; }}
QCheckBox::indicator:checked {{ background: {tokens.accent}; border-color: {tokens.accent};
    image: url({_CHECK}-{check}.svg); }}
QCheckBox::indicator:focus {{ border: 2px solid {tokens.text}; }}
QListWidget#sections {{ background: transparent; border: none; padding: 0; }}
QLabel#refusal {{ color: {tokens.bad}; }}
QScrollArea, QScrollArea > QWidget > QWidget {{ background: transparent; }}
"""


def _composer_rules(tokens: Tokens) -> str:
    return f"""
QFrame#composer {{ background: {tokens.raised}; border: 1px solid {tokens.line}; border-radius: 16px; }}
QFrame#chip {{ background: {tokens.bubble}; border: 1px solid {tokens.line}; border-radius: 9px; }}
QFrame#chip QToolButton {{ padding: 2px; border-radius: 5px; }}
QFrame#composer[focused="true"] {{ border-color: {tokens.accent}; }}
QFrame#composer QTextEdit {{ background: transparent; border: none; }}
QToolButton#send {{ background: {tokens.accent}; padding: 0; }}
QToolButton#send:focus {{ border: 2px solid {tokens.text}; }}
QToolButton#send:disabled {{ background: {tokens.line}; }}
QToolButton#jumpToEnd {{ background: {tokens.raised}; border: 1px solid {tokens.line}; }}
QToolButton#jumpToEnd:hover {{ background: {tokens.hovered}; }}
QToolButton[shape="small"] {{ border-radius: 6px; padding: 0; background: {tokens.window}; }}
QToolButton[shape="small"]:hover {{ background: {tokens.hovered}; }}
QFrame#findBar {{ background: {tokens.raised}; border: 1px solid {tokens.line}; border-radius: 12px; }}
QFrame#findBar QLineEdit {{ background: transparent; border: none; }}
"""


def _notice_rules(tokens: Tokens) -> str:
    return f"""
QFrame#notice {{ background: {tokens.callout}; border: 1px solid {tokens.callout_line};
    border-radius: 12px; }}
QFrame#notice QLabel {{ color: {tokens.callout_text}; }}
QFrame#notice[place="above"] {{ margin: 8px 12px 4px 12px; }}
QFrame#notice[tone="plain"] {{ background: {tokens.raised}; border-color: {tokens.line}; }}
QFrame#notice[tone="plain"] QLabel {{ color: {tokens.text}; }}
"""


def _list_rules(tokens: Tokens) -> str:
    return f"""
QListView {{ background: transparent; border: none; outline: none; }}
QListView::item {{ border: 1px solid transparent; border-radius: 8px; margin: 1px 0; padding: 0 7px; }}
QListView::item:hover {{ background: {tokens.hovered}; }}
QListView::item:selected {{ background: {tokens.selected}; }}
QListView::item:selected:focus {{ border-color: {tokens.accent}; }}
QListView::item:disabled {{ background: transparent; margin-top: 10px; }}
QListView QLineEdit {{ background: {tokens.raised}; border: 1px solid {tokens.accent}; border-radius: 6px;
    padding: 0 7px; }}
QMenu {{ background: {tokens.raised}; border: 1px solid {tokens.line}; padding: 5px; }}
QMenu::item {{ padding: 7px 24px 7px 12px; border-radius: 6px; }}
QMenu::item:selected {{ background: {tokens.selected}; }}
QMenu::item:disabled {{ color: {tokens.secondary}; }}
QMenu::separator {{ height: 1px; background: {tokens.line}; margin: 5px 8px; }}
QToolTip {{ background: {tokens.raised}; color: {tokens.text}; border: 1px solid {tokens.line};
    padding: 4px; }}
"""


def _sidebar_rules(tokens: Tokens) -> str:
    return f"""
QLineEdit#search {{ background: {tokens.raised}; border: 1px solid {tokens.line}; border-radius: 9px;
    padding: 6px 4px; }}
QLineEdit#search:focus {{ border-color: {tokens.accent}; }}
QLineEdit#search QToolButton {{ border: none; padding: 0; }}
QWidget#sidebar QPushButton[shape="entry"] {{ text-align: left; padding: 7px 8px; }}
"""


def _scroll_bar_rules(tokens: Tokens) -> str:
    return f"""
QScrollBar:vertical {{ background: transparent; width: 12px; margin: 0; }}
QScrollBar::handle:vertical {{ background: {tokens.line}; border-radius: 4px;
    min-height: 36px; margin: 2px; }}
QScrollBar::handle:vertical:hover {{ background: {tokens.secondary}; }}
QScrollBar:horizontal {{ background: transparent; height: 12px; margin: 0; }}
QScrollBar::handle:horizontal {{ background: {tokens.line}; border-radius: 4px;
    min-width: 36px; margin: 2px; }}
QScrollBar::handle:horizontal:hover {{ background: {tokens.secondary}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ height: 0; width: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
"""
