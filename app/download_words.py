"""A download in words: how far it is, how fast, how long it will take, or why it stands still."""

from app.engine_link.download import Download
from app.error_texts import describe_error
from app.translation import format_bytes, format_number, tr


def describe_download(download: Download) -> str:
    """One line, or the two sentences of an error."""
    amounts = tr(
        "{done} of {total}",
        done=format_bytes(download.done_bytes),
        total=format_bytes(download.total_bytes),
    )
    match download.phase:
        case "asked":
            return tr("Asking the hub…")
        case "checking":
            return tr("Comparing with what is here already…")
        case "fetching":
            return " · ".join(filter(None, (amounts, _speed(download), _remaining(download))))
        case "waiting":
            return tr("{amounts}. It waits: {reason}", amounts=amounts, reason=download.notice)
        case "paused":
            return tr("Paused at {amounts}", amounts=amounts)
        case "verifying":
            return tr("Comparing the hash of all of it…")
        case "installing":
            return tr("Installing: {amounts}", amounts=amounts)
        case "kept":
            return tr("It was interrupted. What had arrived is kept.")
        case "done":
            return tr("In the library")
        case "failed":
            if download.error is None:
                return tr("It failed.")
            text = describe_error(download.error)
            return f"{text.happened} {text.to_do}"


def duration(seconds: float) -> str:
    """How long something takes, as coarsely as one wants to know it."""
    if seconds < 60:
        return tr("{count} s", count=format_number(max(round(seconds), 1)))
    minutes = round(seconds / 60)
    if minutes < 60:
        return tr("{count} min", count=format_number(minutes))
    return tr("{hours} h {minutes} min", hours=format_number(minutes // 60), minutes=minutes % 60)


def _speed(download: Download) -> str:
    if not download.bytes_per_s:
        return ""
    return tr("{speed}/s", speed=format_bytes(download.bytes_per_s))


def _remaining(download: Download) -> str:
    if download.remaining_s is None:
        return ""
    return tr("{time} left", time=duration(download.remaining_s))
