"""A real PACS (Orthanc) takes what CEMSynth writes, by C-STORE and by REST, and gives it back unchanged."""

import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from types import SimpleNamespace

import pytest
from pydicom import dcmread
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import dcmwrite

from CEMSynthLib.export.mammogram import write_dataset

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("Orthanc") is None, reason="Orthanc (Debian package orthanc) is not installed"),
    pytest.mark.skipif(shutil.which("storescu") is None, reason="storescu (Debian package dcmtk) is not installed"),
]
_START_SECONDS = 60
TEXT = frozenset({"LO", "SH", "CS", "PN", "ST", "LT", "UT", "UC", "UR", "AE", "AS", "DA", "TM", "DT", "UI"})


def _free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _ask(url, data=None):
    with urllib.request.urlopen(urllib.request.Request(url, data=data), timeout=30) as answer:
        return answer.read()


@pytest.fixture(scope="module")
def pacs(tmp_path_factory):
    """An Orthanc of our own: its configuration and storage in a temporary folder, loopback only."""
    folder = tmp_path_factory.mktemp("orthanc")
    http, dicom, receiver = _free_ports(3)
    configuration = {
        "Name": "CEMSynth test",
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "Plugins": [],
        "HttpPort": http,
        "DicomPort": dicom,
        "DicomAet": "PACS",
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomAlwaysAllowMove": True,
        "DicomAlwaysAllowGet": True,
        "DicomModalities": {"receiver": ["RECEIVER", "127.0.0.1", receiver]},
    }
    (folder / "orthanc.json").write_text(json.dumps(configuration))
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(["Orthanc", str(folder / "orthanc.json")], stdout=log, stderr=log, cwd=folder)
        try:
            url = f"http://127.0.0.1:{http}"
            for _ in range(_START_SECONDS * 10):
                assert process.poll() is None, (folder / "log.txt").read_text()[-2000:]
                try:
                    _ask(f"{url}/system")
                    break
                except (urllib.error.URLError, ConnectionError):
                    time.sleep(0.1)
            else:
                pytest.fail("Orthanc did not answer: " + (folder / "log.txt").read_text()[-2000:])
            yield SimpleNamespace(url=url, dicom=dicom, receiver=receiver, folder=folder)
        finally:
            process.terminate()
            process.wait(timeout=30)


def _same(sent, received):
    """All attributes and the pixel data, byte by byte in one encoding."""

    def encoded(dataset):
        buffer = DicomBytesIO()
        del dataset.file_meta
        dcmwrite(buffer, dataset, implicit_vr=False, little_endian=True)
        return buffer.getvalue()

    one, other = dcmread(sent), dcmread(received)
    assert [e.tag for e in one] == [e.tag for e in other]
    assert encoded(one) == encoded(other)


def _by_uid(paths):
    return {str(dcmread(p, stop_before_pixels=True).SOPInstanceUID): p for p in paths}


def _instances(pacs):
    return json.loads(_ask(f"{pacs.url}/instances"))


def _empty(pacs):
    for identifier in json.loads(_ask(f"{pacs.url}/patients")):
        request = urllib.request.Request(f"{pacs.url}/patients/{identifier}", method="DELETE")
        urllib.request.urlopen(request, timeout=30).read()


def test_rest_gives_back_what_it_got(pacs, everything, tmp_path):
    _empty(pacs)
    for path in everything.values():
        answer = json.loads(_ask(f"{pacs.url}/instances", path.read_bytes()))
        assert answer["Status"] == "Success"
        (tmp_path / "back.dcm").write_bytes(_ask(f"{pacs.url}/instances/{answer['ID']}/file"))
        assert (tmp_path / "back.dcm").read_bytes() == path.read_bytes()
    # One real and one de-identified patient, each with one study.
    assert len(json.loads(_ask(f"{pacs.url}/patients"))) == 2
    assert len(json.loads(_ask(f"{pacs.url}/studies"))) == 2


def test_c_store_and_c_move_give_back_identical_instances(pacs, everything, tmp_path):
    _empty(pacs)
    paths = [str(p) for p in everything.values()]
    subprocess.run(["storescu", "-xe", "-aec", "PACS", "127.0.0.1", str(pacs.dicom), *paths], check=True)
    assert len(_instances(pacs)) == len(paths)
    received = tmp_path / "received"
    received.mkdir()
    words = ["storescp", "+xe", "-aet", "RECEIVER", "-od", str(received), str(pacs.receiver)]
    listener = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(pacs.receiver)
        for study in {str(dcmread(p, stop_before_pixels=True).StudyInstanceUID) for p in everything.values()}:
            move = ["movescu", "-S", "-aet", "RECEIVER", "-aec", "PACS", "-aem", "RECEIVER"]
            keys = ["-k", "QueryRetrieveLevel=STUDY", "-k", f"StudyInstanceUID={study}"]
            subprocess.run([*move, *keys, "127.0.0.1", str(pacs.dicom)], check=True, timeout=120)
    finally:
        listener.terminate()
        listener.wait(timeout=30)
    sent, back = _by_uid(everything.values()), _by_uid(received.iterdir())
    assert sent.keys() == back.keys()
    for uid, path in sent.items():
        _same(path, back[uid])


def test_the_study_that_comes_back_is_read_as_the_one_that_went_in(pacs, everything, tmp_path):
    from CEMSynthLib.study.model import ImageKind
    from CEMSynthLib.study.reader import read_folder

    _empty(pacs)
    for name in ("low_energy", "recombined", "synthetic", "report"):
        identifier = json.loads(_ask(f"{pacs.url}/instances", everything[name].read_bytes()))["ID"]
        (tmp_path / f"{name}.dcm").write_bytes(_ask(f"{pacs.url}/instances/{identifier}/file"))
    (study,) = read_folder(tmp_path).studies
    (acquisition,) = study.acquisitions
    assert [image.kind for image in acquisition.images] == [ImageKind.LOW_ENERGY, ImageKind.RECOMBINED]
    assert len(study.synthetic) == 1


def test_what_orthanc_would_remove_is_removed_here_too(pacs, case, tmp_path):
    """Orthanc's own anonymization (PS3.15 edition 2021b) as a second opinion, on every attribute of the dictionary."""
    pytest.importorskip("dicomanonymizer")
    from pydicom.datadict import DicomDictionary

    from CEMSynthLib.export.deidentify_rules import Action, action_for

    values = {"DA": "20260102", "TM": "101112", "DT": "20260102101112", "AS": "064Y", "UI": "1.2.3.4", "PN": "A^B"}
    dataset = dcmread(case.files["low_energy"])
    own = {e.tag for e in dataset}
    for tag, (vr, multiplicity, _, retired, keyword) in DicomDictionary.items():
        group = tag >> 16
        if keyword and not retired and vr in TEXT and 0x0008 <= group < 0x6000 and tag not in own:
            count = int(multiplicity.split("-")[0]) if multiplicity[0].isdigit() else 1
            dataset.add_new(tag, vr, [values.get(vr, "X")] * count if count > 1 else values.get(vr, "X"))
    write_dataset(dataset, tmp_path / "all.dcm")
    _empty(pacs)
    identifier = json.loads(_ask(f"{pacs.url}/instances", (tmp_path / "all.dcm").read_bytes()))["ID"]
    wish = json.dumps({"DicomVersion": "2021b"}).encode()
    (tmp_path / "anonymized.dcm").write_bytes(_ask(f"{pacs.url}/instances/{identifier}/anonymize", wish))
    kept_there = {e.tag: e.value for e in dcmread(tmp_path / "anonymized.dcm")}
    more = []
    for element in dcmread(tmp_path / "all.dcm"):
        if element.value and element.VR in TEXT and action_for(element) is Action.KEEP:
            more += [element.keyword] if kept_there.get(element.tag) != element.value else []
    assert len(kept_there) > 1000
    # Both are written anew by either program.
    assert sorted(more) == ["DeidentificationMethod", "PatientIdentityRemoved"]


def _wait_for(port):
    for _ in range(300):
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail("storescp did not start")
