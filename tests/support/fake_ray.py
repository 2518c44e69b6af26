"""As much of Ray as runner/batch/on_ray/fleet.py calls: actors are objects of this process, each call a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from concurrent.futures import TimeoutError as NotYet
from types import SimpleNamespace
from typing import Any


class RayError(Exception):
    pass


class ActorDiedError(RayError):
    pass


class FakeRay:
    """`sys.modules["ray"] = FakeRay(...)`. placed: whether the actor with this number (from 1) ever gets a place."""

    def __init__(self, gpus: float = 0.0, placed: Callable[[int], bool] = lambda number: True) -> None:
        self.exceptions = SimpleNamespace(RayError=RayError, ActorDiedError=ActorDiedError)
        self.gpus, self.placed = gpus, placed
        self.actors: list[Actor] = []
        self.running = False

    def init(self, **options: Any) -> None:
        self.running = True

    def shutdown(self) -> None:
        self.running = False

    def is_initialized(self) -> bool:
        return self.running

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": 2.0, "GPU": self.gpus} if self.gpus else {"CPU": 2.0}

    def remote(self, kind: type) -> Any:
        def options(**given: Any) -> Any:
            def create(*arguments: Any) -> Actor:
                number = len(self.actors) + 1
                self.actors.append(Actor(kind(*arguments), given, self.placed(number)))
                return self.actors[-1]

            return SimpleNamespace(remote=create)

        return SimpleNamespace(options=options)

    def get(self, answer: Future[Any], timeout: float | None = None) -> Any:
        try:
            return answer.result(timeout)
        except NotYet as error:
            raise TimeoutError from error

    def wait(self, answers: Sequence[Future[Any]], num_returns: int = 1, timeout: float | None = None) -> Any:
        assert len(set(answers)) == len(answers) == num_returns
        done = wait(answers, timeout).done
        return [each for each in answers if each in done], [each for each in answers if each not in done]

    def kill(self, actor: Actor, no_restart: bool) -> None:
        assert no_restart
        actor.killed = True


class Actor:
    def __init__(self, worker: Any, options: dict[str, Any], placed: bool) -> None:
        self.worker, self.options, self.placed, self.killed = worker, options, placed, False

    def __getattr__(self, method: str) -> Any:
        def call(*arguments: Any) -> Future[Any]:
            answer: Future[Any] = Future()

            def work() -> None:
                try:
                    answer.set_result(getattr(self.worker, method)(*arguments))
                except BaseException as error:  # noqa: BLE001  # as Ray hands it over
                    answer.set_exception(error)

            if self.placed:
                threading.Thread(target=work, daemon=True).start()
            return answer

        return SimpleNamespace(remote=call)
