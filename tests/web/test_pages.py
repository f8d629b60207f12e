"""Every screen renders for those who may see it."""

import pytest

from tests.web.conftest import Cast, record


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/quarantine/",
        "/mails/",
        "/policies/",
        "/policies/@./",
        "/policies/example.com/",
        "/senders/",
        "/senders/@./",
        "/domains/",
        "/domains/example.com/",
        "/accounts/",
        "/status/",
    ],
)
def test_an_administrator_sees_every_screen(cast: Cast, path: str) -> None:
    record()

    response = cast.client("administrator").get(path)

    assert response.status_code == 200
