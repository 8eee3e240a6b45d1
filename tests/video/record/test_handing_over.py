"""What leaves a recording: exports that can be checked, stills of its moments; and what is on record where it has no pictures."""

import hashlib
import io
import json
import subprocess
import zipfile

import av
import cv2
import numpy as np
import pytest

from hall.core.clock import real_ms
from hall.core.secrets import fingerprint
from tests.video.cameras import clip as clips
from tests.video.record.tapes import SMALL, A, B, numbers
from video.record import export as export_module
from video.record.export import PURPOSE
from video.record.proof import prove


async def exported(studio, name, path, **more):
    handed = {"export": "e1", "who": "li", "role": "operator", "why": "移交公安", "at": 1_795_217_400_000}
    answer = await studio.post(f"/recordings/{name}/export", json=handed | more)
    assert answer.status_code == 200
    path.write_bytes(answer.content)
    return path


async def test_an_export_holds_everything_and_shows_when_it_was_touched(studio, tmp_path, monkeypatch):
    monkeypatch.setattr(export_module, "_BLOCK", 1000)  # segments are read in many pieces
    name = await studio.record(A, B)
    await studio.send(A, 130)
    await studio.send(B, 20)
    await studio.delete(f"/recordings/{name}")
    path = await exported(studio, name, tmp_path / "export.zip")
    before = [path.read_bytes() for path in sorted(studio.folder.rglob("*.m4s"))]
    with zipfile.ZipFile(path) as found:
        assert found.testzip() is None
        manifest = json.loads(found.read("manifest.json"))
        for one in manifest["files"]:
            assert hashlib.sha256(found.read(one["name"])).hexdigest() == one["sha256"]
        films = {name: found.read(name) for name in found.namelist() if name.endswith(".mp4")}
        sums, index = found.read("SHA256SUMS"), [json.loads(row) for row in found.read("c0-index.jsonl").splitlines()]
    with av.open(io.BytesIO(films["c0-1.mp4"])) as container:  # a file that any player opens
        shown = [clips.read_number(f.to_ndarray(format="gray")) for f in container.decode(video=0)]
    assert shown == [k % 40 for k in range(130)]
    assert manifest["problems"] == [] and manifest["recording"]["order"]["case"] == "case/f/1"
    assert manifest["export"]["who"] == "li" and manifest["export"]["why"] == "移交公安"
    segments = [(channel, one) for channel in manifest["channels"] for one in channel["segments"]]
    for (_, one), body in zip(segments, before, strict=True):
        part = films[one["file"]][one["offset"] : one["offset"] + one["bytes"]]
        assert part == body and hashlib.sha256(body).hexdigest() == one["sha256"]
    assert manifest["channels"][0]["head"] == index[-1]["chain"]
    assert manifest["content_sha256"] == hashlib.sha256(sums).hexdigest()
    for key in (studio.stage.keys.public_key(PURPOSE), None):
        assert (prove(path, key).faults, len(prove(path, key).fingerprint)) == ([], 64)
    assert not list(studio.folder.rglob("*.zip"))  # kept nowhere


def rewritten(path, to, changes):
    """The same ZIP with files changed, added (None before) or left out (None after)."""
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(to, "w") as new:
        for name in {*old.namelist(), *changes}:
            body = old.read(name) if name in old.namelist() else b""
            if (made := changes.get(name, lambda body: body)(body)) is not None:
                new.writestr(name, made)
    return to


def flipped(body):
    return body[:-1] + bytes([body[-1] ^ 1])


async def test_whatever_is_changed_in_an_export_is_named(studio, tmp_path):
    name = await studio.record(A)
    await studio.send(A, 120)
    await studio.delete(f"/recordings/{name}")
    path, keys = await exported(studio, name, tmp_path / "export.zip"), studio.stage.keys
    mine, other = keys.public_key(PURPOSE), type(keys)(bytes(32)).public_key(PURPOSE)

    def swapped(body):
        manifest = json.loads(body)
        manifest["export"]["why"] = "另有缘由"
        return json.dumps(manifest).encode()

    for changes, told in (
        ({"c0-1.mp4": flipped}, "segment 2 was changed"), ({"manifest.json": swapped}, "not signed"),
        ({"c0-index.jsonl": lambda body: body.splitlines(keepends=True)[0]}, "the chain does not end"),
        ({"c0-index.jsonl": lambda body: None}, "is missing"), ({"more.mp4": lambda body: b"x"}, "not in the manifest"),
        ({"SHA256SUMS": flipped}, "SHA256SUMS"), ({"manifest.json": lambda body: b"{}"}, "cannot be read"),
        ({"manifest.sig": flipped}, "not signed"), ({"manifest.sig": lambda body: b""}, "not signed"),
        ({"hall.pem": lambda body: None}, "is missing"),
    ):  # fmt: skip
        faults = prove(rewritten(path, tmp_path / "touched.zip", changes), mine).faults
        assert any(told in fault for fault in faults), (told, faults)
    assert prove(path, other).faults == ["the manifest was not signed by the hall of the key"]
    forged = rewritten(path, tmp_path / "touched.zip", {"manifest.json": swapped, "hall.pem": lambda body: other})
    assert "the manifest was not signed by the key in the file" in prove(forged, None).faults
    assert "cannot be read" in prove(rewritten(path, tmp_path / "touched.zip", {"hall.pem": lambda body: b"x"}), None).faults[0]
    body = bytearray(path.read_bytes())
    body[len(body) // 3] ^= 1
    (tmp_path / "touched.zip").write_bytes(body)
    assert prove(tmp_path / "touched.zip", mine).faults
    (tmp_path / "touched.zip").write_bytes(body[: len(body) // 2])
    assert "cannot be read" in prove(tmp_path / "touched.zip", mine).faults[0]


async def test_the_command_line_says_whether_an_export_is_whole(studio, tmp_path, monkeypatch, capsys):
    import base64

    from hall import cli

    name = await studio.record(A)
    await studio.send(A, 20)
    await studio.delete(f"/recordings/{name}")
    path = await exported(studio, name, tmp_path / "export.zip")
    monkeypatch.setenv("HALL_DATA_DIR", str(tmp_path / "elsewhere"))

    def asked(*more):
        with pytest.raises(SystemExit) as ended:
            cli.main(["evidence", str(path), *more])
        return ended.value.code, capsys.readouterr().out

    right = hashlib.sha256(path.read_bytes()).hexdigest()
    code, said = asked("--sha256", right)
    assert code == 0 and right in said and "移交公安" in said and "came with the file" in said
    assert not (tmp_path / "elsewhere").exists()  # who looks makes no key
    assert asked("--sha256", "0" * 64)[0] == 1
    monkeypatch.setenv("HALL_SECRET", base64.b64encode(bytes(32)).decode())
    code, said = asked()
    assert code == 1 and "not signed by the hall of the key" in said
    key = tmp_path / "published.pem"
    key.write_bytes(studio.stage.keys.public_key(PURPOSE))
    code, said = asked("--key", str(key))
    assert code == 0 and f"signed by the key given, fingerprint {fingerprint(key.read_bytes())}" in said
    key.write_text("no key")
    with pytest.raises(SystemExit, match="2|1"):
        cli.main(["evidence", str(path), "--key", str(key)])


async def test_who_gets_an_export_checks_it_with_openssl_alone(studio, tmp_path):
    name = await studio.record(A)
    await studio.send(A, 20)
    await studio.delete(f"/recordings/{name}")
    with zipfile.ZipFile(await exported(studio, name, tmp_path / "export.zip")) as found:
        found.extractall(tmp_path)

    def ran(command):
        return subprocess.run(command, cwd=tmp_path, shell=True, capture_output=True, text=True)

    check = "openssl pkeyutl -verify -pubin -inkey hall.pem -rawin -in manifest.json -sigfile manifest.sig"
    assert ran(check).returncode == 0 and ran("sha256sum -c SHA256SUMS").returncode == 0
    told = ran("openssl pkey -pubin -in hall.pem -outform DER | sha256sum").stdout.split()[0]
    assert told == fingerprint((tmp_path / "hall.pem").read_bytes())
    (tmp_path / "manifest.json").write_bytes((tmp_path / "manifest.json").read_bytes() + b" ")
    assert ran(check).returncode != 0


async def test_what_is_being_handed_over_is_not_removed_meanwhile(studio):
    name = await studio.record(A)
    await studio.send(A, 20)
    await studio.delete(f"/recordings/{name}")
    with studio.recorder.exporting(name):
        assert (await studio.post(f"/recordings/{name}/remove", json={"why": "li: 误录"})).json()["reason"] == "exporting"
        assert studio.archive.retain(real_ms(), 0, 0, spared=studio.recorder._is_kept) == []
    assert (await studio.post(f"/recordings/{name}/remove", json={"why": "li: 误录"})).status_code == 200


async def test_a_channel_that_was_refused_at_first_is_recorded_once_the_relay_has_room(studio, monkeypatch):
    from video.record import running
    from video.relay import hub

    monkeypatch.setattr(running, "AGAIN_SECONDS", 0.0)
    monkeypatch.setattr(hub, "MAX_TRACKS", 0)
    name = await studio.record(A)
    told = (await studio.get(f"/recordings/{name}")).json()["channels"][0]
    assert (told["state"], told["reason"]) == ("lost", "too-many-channels")
    monkeypatch.setattr(hub, "MAX_TRACKS", 100)
    studio.began = studio.recorder.one(name).started + 60_000  # the first picture comes a minute later
    await studio.send(A, 15)
    await studio.delete(f"/recordings/{name}")
    assert numbers(studio, name) == list(range(15))
    told = (await studio.get(f"/recordings/{name}/segments")).json()
    gap = told["gaps"][0]
    assert (gap["since"], gap["until"]) == (studio.began - 60_000, studio.began) and gap["reason"] == "too-many-channels"


async def test_a_time_without_pictures_is_on_record_with_its_reason_and_a_moment_is_none(studio):
    name = await studio.record(A)
    await studio.send(A, 20)
    track = studio.stage.hub.track(A, "main")
    track.tell("stalled", "silent", "no picture came")
    studio.began += 60_000
    await studio.send(A, 10)
    track.tell("stalled", "silent", "no picture came")
    await studio.send(A, 10)
    await studio.delete(f"/recordings/{name}")
    gaps = (await studio.get(f"/recordings/{name}/segments")).json()["gaps"]
    assert [gap["reason"] for gap in gaps][:1] == ["silent"]
    assert gaps[0]["since"] == studio.began - 60_000 + 1900 and gaps[0]["until"] == studio.began + 2000
    assert len(gaps) == 1


async def test_a_still_of_a_recording_is_the_picture_of_its_moment_decoded_from_the_stored_segment(studio):
    name = await studio.record(A)
    await studio.send(A, 230)
    await studio.delete(f"/recordings/{name}")
    rows = (await studio.get(f"/recordings/{name}/segments")).json()["rows"]
    for row, after, number in ((rows[0], 0.0, 0), (rows[0], 3.75, 37), (rows[1], 9.99, 199), (rows[2], 1.2001, 212)):
        at = round((row["pts"] + after) * 90_000)
        answer = await studio.get(f"/recordings/{name}/still?channel=0&segment={row['number']}&at={at}")
        assert answer.status_code == 200, answer.text
        image = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR)
        assert image.shape == (SMALL.height, SMALL.width, 3) and clips.read_number(image) == number % 40
        assert abs(int(answer.headers["x-captured"]) - (studio.began + number * 100)) <= 1
        assert answer.headers["x-source"] == row["sha256"]
    assert (await studio.get(f"/recordings/{name}/still?channel=0&segment=9&at=0")).status_code == 404
    path = sorted(studio.folder.rglob("*.m4s"))[1]
    path.write_bytes(flipped(path.read_bytes()))
    touched = await studio.get(f"/recordings/{name}/still?channel=0&segment=2&at={round(rows[1]['pts'] * 90_000)}")
    assert touched.status_code == 409 and touched.json()["reason"] == "segment-changed"
