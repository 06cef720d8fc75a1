"""The frozen values item cards and photo strips draw."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PhotoView:
    """A photo in small: `src` is bytes, a data URI or an address Flet can draw; None while its file is not on this
    phone.
    """

    id: str
    src: str | bytes | None
    caption: str = ""
    photo_set: str = ""
    """The same for shots of one board; empty for a photo by itself."""


@dataclass(frozen=True)
class OptionView:
    """An answer to choose; `fails` when choosing it is a failing."""

    code: str
    label: str
    fails: bool = False


@dataclass(frozen=True)
class ItemView:
    """One item of the checklist in one row, in the language of the screen.

    `type` is count, yes_no_na, choice, text, photo or date; `value` is the answer as the journal has it (None without
    one). `options` of a yes_no_na item carry only which of yes and no fails, their labels are the app's own. `fails`
    is whether the answer given is a failing, `photo_required_now` whether it asks for a photo that is not there yet.
    """

    code: str
    type: str
    label: str
    row: str = ""
    help: str = ""
    legal_basis: str = ""
    options: tuple[OptionView, ...] = ()
    multiple: bool = False
    value: int | str | tuple[str, ...] | None = None
    remark: str = ""
    fails: bool = False
    severity: str | None = None
    photo_required_now: bool = False
    photos: tuple[PhotoView, ...] = ()
    can_edit: bool = True
