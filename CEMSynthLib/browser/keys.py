"""Keys: what a key does on the page, with the words of the help sheet."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Key:
    """One key.

    Parameters
    ----------
    key
        As the browser names it: ``"b"``, ``"ArrowRight"``.
    label
        As the help sheet shows it.
    does
        What it does, in a few words.
    action
        Does it.
    group
        Heading in the help sheet.
    """

    key: str
    label: str
    does: str
    action: Callable[[], None]
    group: str = "Compare"


class Keys:
    """All keys of the page; each panel adds its own.

    Parameters
    ----------
    state
        trame's state; the page sends only keys that it names.
    """

    def __init__(self, state: object) -> None:
        self._state = state
        self._keys: dict[str, Key] = {}
        #: Groups of which alone the keys work now; empty: all.
        self.only: tuple[str, ...] = ()

    def add(self, *keys: Key) -> None:
        """Add keys; one that is taken already is a mistake of the caller."""
        for key in keys:
            if key.key in self._keys:
                raise ValueError(f"the key {key.key} is taken")
            self._keys[key.key] = key
        self._state.page_keys = list(self._keys)  # type: ignore[attr-defined]
        self._state.page_key_help = self.help()  # type: ignore[attr-defined]

    def press(self, key: str) -> None:
        """Do what a key does."""
        if key in self._keys and (not self.only or self._keys[key].group in self.only):
            self._keys[key].action()

    def help(self) -> list[dict[str, object]]:
        """Headings with their keys, for the help sheet."""
        groups: dict[str, list[dict[str, str]]] = {}
        for key in self._keys.values():
            groups.setdefault(key.group, []).append({"label": key.label, "does": key.does})
        return [{"title": title, "keys": keys} for title, keys in groups.items()]
