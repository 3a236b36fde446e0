"""A person at a browser, as far as HTTP goes: logs in, reads pages, sends forms, asks the API with the same session."""

from html.parser import HTMLParser
from typing import Any, Self

import httpx


class VisitError(Exception):
    """The product answered otherwise than a person needs it."""


class Visitor:
    def __init__(self, url: str, email: str) -> None:
        self.email = email
        self._http = httpx.Client(base_url=url, follow_redirects=True, timeout=30)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def log_in(self, password: str) -> Self:
        self.page("/accounts/login/")
        page = self.send("/accounts/login/", {"login": self.email, "password": password})
        if page.url.path.startswith("/accounts/login"):
            raise VisitError(f"{self.email} could not log in")
        return self

    def page(self, path: str) -> str:
        return self._checked(self._http.get(path)).text

    def form(self, path: str) -> dict[str, str]:
        """What the first form of the page would send if nothing were typed."""
        reader = _FormReader()
        reader.feed(self.page(path))
        return reader.values

    def send(self, path: str, values: dict[str, Any]) -> httpx.Response:
        return self._checked(self._http.post(path, data=values, headers=self._csrf()))

    def get(self, path: str) -> Any:
        return self._checked(self._http.get(f"/api/v1{path}")).json()

    def post(self, path: str, body: dict[str, Any], **headers: str) -> Any:
        return self._checked(self._http.post(f"/api/v1{path}", json=body, headers=self._csrf() | headers)).json()

    def status(self, path: str) -> int:
        return self._http.get(path).status_code

    def _csrf(self) -> dict[str, str]:
        return {"X-CSRFToken": self._http.cookies.get("csrftoken") or "", "Referer": str(self._http.base_url)}

    def _checked(self, response: httpx.Response) -> httpx.Response:
        if response.is_error:
            request = response.request
            raise VisitError(f"{request.method} {request.url.path}: {response.status_code} {response.text[:500]}")
        return response


class _FormReader(HTMLParser):
    """Collects names and values of inputs, text areas and chosen options."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name = given.get("name") or ""
        unticked = given.get("type") in {"checkbox", "radio"} and "checked" not in given
        if tag == "input" and name and not unticked and given.get("type") != "submit":
            self.values[name] = given.get("value") or ""
        if tag == "select":
            self._select = name
        if tag == "option" and self._select and ("selected" in given or self._select not in self.values):
            self.values[self._select] = given.get("value") or ""
