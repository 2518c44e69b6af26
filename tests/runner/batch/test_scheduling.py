"""Jobs and unreliable workers: whatever the workers do, every job ends exactly once."""

from __future__ import annotations

import threading
import time
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

DONE, FAIL, REFUSE, FORGET, DIE = "done", "fail", "refuse", "forget", "die"


class Scripted:
    """Does to job number j what `script[j]` says."""

    def __init__(self, name: str, script: list[str]) -> None:
        self.name, self.script = name, script
        self.done: list[int] = []

    def run(self, job: int) -> str:
        from steer.runner.batch.pool import JobFailed, JobRefused, WorkerLost

        act = self.script[job]
        if act == FAIL:
            raise JobFailed("no good")
        if act == REFUSE:
            raise JobRefused(f"{self.name} lacks a model")
        if act in (FORGET, DIE):
            raise WorkerLost("broke off", gone=act == DIE)
        self.done.append(job)
        return f"{self.name} did {job}"


@settings(max_examples=100, deadline=None)
@given(st.lists(st.lists(st.sampled_from([DONE, DONE, FAIL, REFUSE, FORGET, DIE]), min_size=9, max_size=9), max_size=4))
def test_every_job_ends_exactly_once(scripts: list[list[str]]):
    from steer.runner.batch.pool import Pool

    workers = [Scripted(f"w{i}", script) for i, script in enumerate(scripts)]
    ended = []
    Pool(range(9), workers, ended.append).run()
    assert Counter(e.job for e in ended) == Counter(range(9))
    did = [job for worker in workers for job in worker.done]
    assert Counter(did) == Counter(e.job for e in ended if e.result is not None), "a job was done twice or not reported"
    assert all((e.result is None) == bool(e.error) for e in ended)


def test_jobs_of_a_worker_that_dies_go_to_the_other():
    from steer.runner.batch.pool import Pool

    good, bad = Scripted("good", [DONE] * 6), Scripted("bad", [DIE] * 6)
    ended, lost = [], []
    Pool(range(6), [bad, good], ended.append, lambda *loss: lost.append(loss)).run()
    assert sorted(e.job for e in ended if e.worker == "good" and not e.error) == list(range(6))
    assert lost in ([], [("bad", "broke off", True)])


@pytest.mark.parametrize("comes_back", [True, False])
def test_a_job_goes_on_while_its_worker_is_brought_back(comes_back: bool):
    from steer.runner.batch.pool import Pool, WorkerLost

    taken, done, left_out = threading.Event(), threading.Event(), threading.Event()
    lost = []

    def note(worker: str, reason: str, gone: bool) -> None:
        lost.append((worker, reason, gone))
        if gone:
            left_out.set()

    class Weak:
        name = "weak"
        calls = 0

        def run(self, job: int) -> str:
            self.calls += 1
            taken.set()
            if self.calls == 1:
                raise WorkerLost("broke off", gone=False, recover=lambda: done.wait(20) and comes_back)
            return "weak"

    class Strong:
        name = "strong"

        def run(self, job: int) -> str:
            assert taken.wait(20)
            assert not done.is_set() or comes_back or left_out.wait(20)
            done.set()
            return "strong"

    ended, weak = [], Weak()
    Pool(range(3), [weak, Strong()], ended.append, note).run()
    assert sorted(e.job for e in ended if e.result) == [0, 1, 2]
    assert comes_back or weak.calls == 1
    assert lost[0] == ("weak", "broke off", False)
    assert lost[1:] == ([] if comes_back else [("weak", "it did not come back", True)])


def test_the_end_does_not_wait_for_a_worker_that_is_being_brought_back():
    from steer.runner.batch.pool import Pool, WorkerLost

    taken, never = threading.Event(), threading.Event()

    class Hangs:
        name = "hangs"

        def run(self, job: int) -> str:
            taken.set()
            raise WorkerLost("hangs", gone=False, recover=lambda: never.wait(60))

    class Works:
        name = "works"

        def run(self, job: int) -> str:
            assert taken.wait(20)
            return "done"

    ended = []
    began = time.monotonic()
    Pool(range(3), [Hangs(), Works()], ended.append).run()
    assert time.monotonic() - began < 30
    assert sorted(e.job for e in ended if e.result) == [0, 1, 2]
    never.set()


def test_what_all_refuse_ends_with_every_reason_and_what_one_refuses_is_done_by_the_other():
    from steer.runner.batch.pool import Pool

    ended = []
    Pool(range(2), [Scripted("a", [REFUSE, REFUSE]), Scripted("b", [REFUSE, DONE])], ended.append).run()
    by_job = {e.job: e for e in ended}
    assert "a lacks a model" in by_job[0].error
    assert "b lacks a model" in by_job[0].error
    assert by_job[1].result == "b did 1"


def test_a_failed_job_is_tried_once_more_elsewhere_and_then_has_failed():
    from steer.runner.batch.pool import Pool

    tried: list[tuple[str, int]] = []

    class Notes(Scripted):
        def run(self, job: int) -> str:
            tried.append((self.name, job))
            return super().run(job)

    ended = []
    Pool(range(2), [Notes(name, [FAIL, DONE]) for name in "abc"], ended.append).run()
    assert [e.error for e in ended if e.job == 0] == ["no good"]
    assert len({name for name, job in tried if job == 0}) == len([1 for _, job in tried if job == 0]) == 2
    tried.clear()
    Pool(range(1), [Notes("alone", [FAIL])], ended.append).run()
    assert tried == [("alone", 0)], "there is no other"
    assert ended[-1].error == "no good"


def test_a_broken_worker_takes_no_more_than_its_share_and_is_left_out_by_name():
    """It fails in no time, beside one that needs a while: the queue is neither drained nor piled up."""
    from steer.runner.batch.pool import MAX_BLAMED, Pool

    open_jobs, most = set[int](), [0]

    def source():
        for job in range(40):
            open_jobs.add(job)
            most.append(len(open_jobs))
            yield job

    class Slow(Scripted):
        def run(self, job: int) -> str:
            time.sleep(0.005)
            return super().run(job)

    ended, lost = [], []

    def end(one: object) -> None:
        ended.append(one)
        open_jobs.discard(ended[-1].job)

    bad, good = Scripted("bad", [FAIL] * 40), Slow("good", [DONE] * 40)
    Pool(source(), [bad, good], end, lambda *loss: lost.append(loss)).run()
    assert Counter(e.job for e in ended if e.result) == Counter(range(40))
    ((name, reason, gone),) = lost
    assert (name, gone) == ("bad", True)
    assert f"failed {MAX_BLAMED} jobs in a row that others have done. The last time: no good" in reason
    assert max(most) <= MAX_BLAMED + 2


def test_jobs_that_fail_everywhere_cost_no_worker_and_do_not_wait_for_one_that_is_away():
    from steer.runner.batch.pool import Pool, WorkerLost

    ended, lost = [], []
    Pool(range(30), [Scripted(n, [FAIL] * 30) for n in "ab"], ended.append, lambda *loss: lost.append(loss)).run()
    assert Counter(e.job for e in ended) == Counter(range(30))
    assert not lost

    away, never = threading.Event(), threading.Event()

    class Away:
        name = "away"

        def run(self, job: int) -> str:
            away.set()
            raise WorkerLost("hangs", gone=False, recover=lambda: never.wait(60))

    class Fails(Scripted):
        def run(self, job: int) -> str:
            assert away.wait(20)
            return super().run(job)

    began = time.monotonic()
    Pool(range(3), [Away(), Fails("bad", [FAIL] * 3)], ended.append).run()
    never.set()
    assert time.monotonic() - began < 30
    assert all("no good" in e.error for e in ended[30:])


def test_why_a_worker_did_not_come_back_is_reported():
    from steer.runner.batch.pool import Pool, WorkerLost

    def recover() -> bool:
        raise WorkerLost("it came back with another Steer")

    class Changed:
        name = "changed"

        def run(self, job: int) -> str:
            raise WorkerLost("restarted", gone=False, recover=recover)

    ended, lost = [], []
    Pool(range(2), [Changed()], ended.append, lambda *loss: lost.append(loss)).run()
    assert lost[-1] == ("changed", "it came back with another Steer", True)
    assert len(ended) == 2


def test_two_workers_work_at_the_same_time():
    from steer.runner.batch.pool import Pool

    meeting = threading.Barrier(2, timeout=20)

    class Meets:
        def __init__(self, name: str) -> None:
            self.name = name

        def run(self, job: int) -> int:
            return meeting.wait()

    ended = []
    Pool(range(4), [Meets("a"), Meets("b")], ended.append).run()
    assert len(ended) == 4


def test_what_the_keeper_of_results_raises_comes_out():
    from steer.runner.batch.pool import Pool

    def full_disk(ended: object) -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        Pool(range(3), [Scripted("a", [DONE] * 3)], full_disk).run()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from([DONE, FAIL, REFUSE, FORGET]), min_size=1, max_size=40), st.integers(1, 4))
def test_jobs_are_taken_from_their_source_one_by_one(script: list[str], count: int):
    from steer.runner.batch.pool import Pool

    open_jobs, most = set(), []

    def source():
        for job in range(len(script)):
            open_jobs.add(job)
            most.append(len(open_jobs))
            yield job

    workers = [Scripted(f"w{i}", script) for i in range(count)]
    kept_back = sum(act in (REFUSE, FORGET, FAIL) for act in script)
    Pool(source(), workers, lambda ended: open_jobs.discard(ended.job)).run()
    assert not open_jobs
    assert len(most) == len(script)
    assert max(most) <= count + kept_back, "more jobs were taken than are being done"
