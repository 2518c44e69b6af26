"""What the family's tests share: small models with their recorders, and ControlNets for them."""

from __future__ import annotations

from typing import Any

import pytest
from control_lab import Lab
from tiny_control import sd15_controlnet, sd15_model


@pytest.fixture(scope="session")
def lab(comfy_session) -> Lab:
    return Lab(sd15_model())


@pytest.fixture(scope="session")
def nets(comfy_session) -> tuple[Any, Any]:
    return sd15_controlnet(seed=1), sd15_controlnet(seed=2)


@pytest.fixture(scope="session")
def demo_lab(comfy_session) -> Lab:
    from steer.demo.networks import TEXT
    from steer.nodes.demo.comfy_model import load_model

    return Lab(load_model(), TEXT["hidden_size"])
