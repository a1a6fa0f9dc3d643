"""Media are made whole or not at all, and the same each time."""

import errno
import os
from dataclasses import replace

import av
import numpy as np
import pytest

from avrec_lib.media import MediaError, read_frames, read_sound
from avrec_lib.world import render
from avrec_lib.world.catalogue import sample_catalogue
from avrec_lib.world.dirt_media import plan_media
from avrec_lib.world.picture import render_picture
from avrec_lib.world.render import Job, plan_jobs, read_record, render_all, render_one


@pytest.fixture(scope="module")
def jobs() -> list[Job]:
    return plan_jobs(plan_media(sample_catalogue(12, seed=9), seed=9))


@pytest.fixture
def folder(tmp_path):
    for name in ("media", "records", "unfinished"):
        (tmp_path / name).mkdir()
    return tmp_path


def clean(jobs: list[Job]) -> Job:
    return next(job for job in jobs if not job.form and not job.fault)


def test_every_clip_has_one_job_with_its_own_file(jobs):
    assert len(jobs) == 16 == len({job.path for job in jobs})
    assert sum(bool(job.form) for job in jobs) == 4 and sum(bool(job.fault) for job in jobs) == 5
    assert all(job.path.startswith(job.clip_id) and "/" not in job.path for job in jobs)


def test_the_same_job_gives_the_same_bytes_and_another_seed_another_clip(jobs, folder):
    job = clean(jobs)
    render_one(job, folder)
    first = (folder / "media" / job.path).read_bytes()
    frames, samples = (read(folder / "media" / job.path) for read in (read_frames, read_sound))
    render_one(job, folder)
    assert (folder / "media" / job.path).read_bytes() == first
    render_one(replace(job, spec=replace(job.spec, seed=job.spec.seed + 1)), folder)
    others = read_frames(folder / "media" / job.path)
    assert not np.array_equal(others.images, frames.images)
    assert not np.array_equal(read_sound(folder / "media" / job.path).samples, samples.samples)


def test_the_file_shows_what_was_drawn(jobs, folder):
    job = clean(jobs)
    render_one(job, folder)
    drawn, _ = render_picture(job.spec)
    seen = read_frames(folder / "media" / job.path).images
    assert np.abs(seen.astype(int) - drawn.astype(int)).mean() < 8


def test_the_record_says_what_the_file_is(jobs, folder):
    job = next(job for job in jobs if job.fault == "truncated")
    render_one(job, folder)
    record = read_record(folder / "records" / f"{job.clip_id}.npz")
    assert record is not None and int(record["bytes"]) == (folder / "media" / job.path).stat().st_size
    assert len(record["f0_hz"]) == round(100 * job.spec.duration_seconds)
    assert not list((folder / "unfinished").iterdir())


@pytest.mark.parametrize(("named", "holds"), [("mp4", "mkv"), ("webm", "mp4")])
def test_a_wrong_name_leaves_the_container_as_it_is(jobs, folder, named, holds):
    job = replace(clean(jobs), path=f"x.{named}", fault="wrong-extension", holds=holds)
    render_one(job, folder)
    start = (folder / "media" / f"x.{named}").read_bytes()[:12]
    assert (start[:4] == b"\x1aE\xdf\xa3", start[4:8] == b"ftyp") == (holds == "mkv", holds == "mp4")


def test_a_failure_leaves_nothing_under_a_final_name(jobs, folder, monkeypatch):
    def half(path, **_):
        path.write_bytes(b"half a file")
        raise MediaError(path, "cannot be written")

    monkeypatch.setattr(render, "write_clip", half)
    with pytest.raises(MediaError):
        render_one(clean(jobs), folder)
    assert not list((folder / "media").iterdir()) and not list((folder / "records").iterdir())


def test_a_full_disk_is_told_as_one_even_from_within_a_codec(jobs, folder, monkeypatch):
    def full(path, **_):
        raise MediaError(path, "cannot be written") from av.error.FFmpegError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(render, "write_clip", full)
    with pytest.raises(OSError, match="No space left") as caught:
        render_one(clean(jobs), folder)
    assert caught.value.errno == errno.ENOSPC


def test_whole_files_are_kept_and_all_others_made(jobs, tmp_path, monkeypatch):
    few = [job for job in jobs if not job.fault][:5]
    made: list[str] = []

    def quick(job, folder, **_):
        made.append(job.clip_id)
        (folder / "media" / job.path).write_bytes(b"film")
        np.savez(folder / "records" / f"{job.clip_id}.npz", bytes=np.asarray(4))
        return job.clip_id

    monkeypatch.setattr(render, "render_one", quick)
    assert render_all(few, tmp_path, workers=1, progress=False) == {"rendered": 5, "kept": 0, "workers": 1}
    media, records = tmp_path / "media", tmp_path / "records"
    (media / few[0].path).write_bytes(b"fil")
    (media / few[1].path).unlink()
    (records / f"{few[2].clip_id}.npz").unlink()
    (records / f"{few[3].clip_id}.npz").write_bytes(b"PK\x03\x04 rubbish")
    (tmp_path / "unfinished").mkdir()
    (tmp_path / "unfinished" / "left-over.mp4").write_bytes(b"half")
    made.clear()
    assert render_all(few, tmp_path, workers=1, progress=False)["kept"] == 1
    assert made == [job.clip_id for job in few[:4]]
    assert not (tmp_path / "unfinished").exists()
