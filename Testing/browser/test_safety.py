"""Who may talk to the server: its own page, with the key of this start, one tab at a time; nobody else."""

import contextlib
import http.client
import json
import os
import time
import uuid

import pytest

pytestmark = pytest.mark.slow
LIMIT_MB = 3


@pytest.fixture(scope="module")
def server(serve, study):
    return serve(study / "dicom", "--upload-limit-mb", LIMIT_MB)


def ask(server, path, method="GET", body=None, **headers):
    """Status, headers and text of an answer; headers by name with _ for -."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.putrequest(method, path, skip_host="Host" in given)
    for name, value in given.items():
        connection.putheader(name, value)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders()
    if body is not None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the server has read enough
            connection.send(body)
    answer = connection.getresponse()
    found = answer.status, dict(answer.getheaders()), answer.read().decode("utf-8", "replace")
    connection.close()
    return found


@pytest.fixture(scope="module")
def cookie(server):
    status, headers, _ = ask(server, f"/index.html?secret={server.key}")
    assert status == 200
    assert "HttpOnly" in headers["Set-Cookie"]
    assert "SameSite=Strict" in headers["Set-Cookie"]
    return headers["Set-Cookie"].partition(";")[0]


def upgrade(server, **headers):
    wanted = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec_WebSocket_Version": "13",
        "Sec_WebSocket_Key": "x3JJHMbDL1EzLkh9GBhXDw==",
    }
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    given = {name.replace("_", "-"): value for name, value in {**wanted, **headers}.items()}
    connection.putrequest("GET", "/ws", skip_host="Host" in given)
    for name, value in given.items():
        connection.putheader(name, value)
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    return status


def test_it_listens_on_this_computer_only(server):
    with open("/proc/net/tcp") as table:
        listening = [line.split()[1] for line in table if line.split()[3] == "0A"]
    assert f"0100007F:{server.port:04X}" in listening
    assert not any(place.endswith(f":{server.port:04X}") and not place.startswith("0100007F") for place in listening)


@pytest.mark.parametrize("path", ["/", "/index.html", "/?secret=wslink-secret", "/index.html?secret=wrong"])
def test_a_wrong_key_gets_a_page_that_says_so(server, path):
    status, _, text = ask(server, path)
    assert status == 403
    assert "key of this start" in text
    assert server.key not in text


def test_nothing_is_served_without_the_key(server, cookie):
    for path in ("/__cemsynth/cemsynth.js", "/download/x/y", "/vue.global.js", "/session"):
        assert ask(server, path)[0] == 403
        assert ask(server, path, Cookie=cookie)[0] != 403
    assert upgrade(server) == 403
    assert upgrade(server, Cookie=cookie) == 101


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1", "http://127.0.0.1:1"])
def test_a_foreign_origin_gets_403_even_with_the_key(server, cookie, origin):
    assert upgrade(server, Cookie=cookie, Origin=origin) == 403
    assert ask(server, f"/index.html?secret={server.key}", Origin=origin)[0] == 403


def test_its_own_origin_is_let_in(server, cookie):
    assert upgrade(server, Cookie=cookie, Origin=f"http://127.0.0.1:{server.port}") == 101


@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1.evil.example:{port}", "127.0.0.1"])
def test_a_foreign_host_gets_403_even_with_the_key(server, cookie, host):
    host = host.format(port=server.port)
    assert upgrade(server, Cookie=cookie, Host=host) == 403
    assert ask(server, f"/index.html?secret={server.key}", Host=host)[0] == 403


def test_another_site_reaches_no_more_than_the_page(server, cookie):
    site = {"Sec_Fetch_Site": "cross-site"}
    assert ask(server, f"/index.html?secret={server.key}", **site)[0] == 200
    assert ask(server, "/vue.global.js", Cookie=cookie, **site)[0] == 403


def test_every_answer_has_safe_headers(server, cookie):
    for path in ("/index.html?secret=no", "/vue.global.js"):
        _, headers, _ = ask(server, path, Cookie=cookie)
        assert headers["X-Frame-Options"] == "DENY"
        assert "default-src 'self'" in headers["Content-Security-Policy"]


def test_the_key_is_not_in_the_command_line_of_any_process(server):
    if not os.path.isdir("/proc"):
        pytest.skip("no /proc")
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/cmdline", "rb") as stream:
                assert server.key.encode() not in stream.read()
        except OSError:
            continue


def test_the_browsers_command_line_opens_the_page_once(serve, study, tmp_path):
    opened = tmp_path / "opened.txt"
    browser = tmp_path / "browser.sh"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}\n')
    browser.chmod(0o700)
    server = serve(study / "dicom", environment={"BROWSER": str(browser)}, no_browser=False)
    for _ in range(50):
        if opened.exists() and opened.read_text().strip():
            break
        time.sleep(0.1)
    address = opened.read_text().strip()
    assert server.key not in address
    path = address.partition(str(server.port))[2]
    status, headers, _ = ask(server, path)
    assert status == 302
    assert headers["Location"].endswith(server.key)
    assert ask(server, path)[0] == 403
    server.stop()


def multipart(files):
    """A body with files (name, content), and its content type."""
    boundary = uuid.uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        f"Content-Type: application/octet-stream\r\n\r\n".encode()
        + content
        + b"\r\n"
        for name, content in files
    ]
    return b"".join(parts) + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def upload(server, cookie, files, **headers):
    body, kind = multipart(files)
    given = {"Cookie": cookie, "Content_Type": kind, "X_CEMSynth": "1", **headers}
    return ask(server, "/upload", "POST", body, **{name: value for name, value in given.items() if value})


def test_names_of_uploaded_files_are_never_paths(server, cookie, study, tmp_path):
    content = next((study / "dicom").rglob("*.dcm")).read_bytes()
    place = tmp_path / "outside.dcm"
    names = ["../../outside.dcm", str(place), "..\\..\\outside.dcm", "/etc/cemsynth-test", ".hidden", ""]
    status, _, text = upload(server, cookie, [(name, content) for name in names])
    assert status in (200, 400), text
    assert not place.exists()
    assert not os.path.exists("/etc/cemsynth-test")
    private = [p for p in os.listdir(tempfile_folder()) if p.startswith(f"cemsynth-review-{server.process.pid}-")]
    assert len(private) == 1
    folder = os.path.join(tempfile_folder(), private[0])
    assert os.stat(folder).st_mode & 0o077 == 0
    for parent, _, files in os.walk(folder):
        assert all(name.endswith(".dcm") and name[:5].isdigit() for name in files), (parent, files)


def tempfile_folder():
    import tempfile

    return tempfile.gettempdir()


def test_an_upload_over_the_limit_is_refused_and_leaves_nothing(server, cookie):
    too_much = [("big.dcm", b"\0" * (LIMIT_MB * (1 << 20) + 1))]
    status, _, text = upload(server, cookie, too_much)
    assert status == 413
    assert f"at most {LIMIT_MB} MB" in json.loads(text)["error"]
    # A length that lies does not help.
    body, kind = multipart(too_much)
    chunked = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in (body[i : i + 65536] for i in range(0, len(body), 65536)))
    status = ask_chunked(server, chunked + b"0\r\n\r\n", {"Cookie": cookie, "Content-Type": kind, "X-CEMSynth": "1"})
    assert status == 413


def ask_chunked(server, body, headers):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.putrequest("POST", "/upload")
    for name, value in {**headers, "Transfer-Encoding": "chunked"}.items():
        connection.putheader(name, value)
    connection.endheaders()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        connection.send(body)
    return connection.getresponse().status


def test_an_upload_that_is_not_from_the_page_is_refused(server, cookie):
    assert upload(server, cookie, [("a.dcm", b"x")], X_CEMSynth="")[0] == 400
    assert upload(server, "", [("a.dcm", b"x")])[0] == 403
    assert upload(server, cookie, [("a.dcm", b"x")], Origin="http://evil.example")[0] == 403


def test_an_upload_that_holds_no_study_is_told(server, cookie):
    status, _, text = upload(server, cookie, [("letter.txt", b"no image")])
    assert status == 400
    assert json.loads(text)["error"].endswith(".")


def test_a_second_tab_is_told_and_can_take_over(server, open_page, chromium):
    first = open_page(server)
    second = open_page(server, wait=False)
    assert "open in another tab" in second.inner_text("h1")
    assert first.locator(".image-display-area").count() == 3
    second.click("a")
    second.wait_for_selector(".image-display-area", timeout=60000)
    first.wait_for_selector("text=another tab", timeout=60000)
    second.reload()
    second.wait_for_selector(".image-display-area", timeout=60000)
    second.close()
    first.close()
