"""What the family's tests share: small models with their recorders, and ControlNets for them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from control_lab import GUIDE, LATENT, Lab
from tiny_control import sd15_controlnet, sd15_model


@pytest.fixture(scope="session")
def lab(comfy_session) -> Lab:
    return Lab(sd15_model())


@pytest.fixture(scope="session")
def nets(comfy_session) -> tuple[Any, Any]:
    return sd15_controlnet(seed=1), sd15_controlnet(seed=2)


@pytest.fixture
def latent() -> dict[str, torch.Tensor]:
    """The latent that a Guide is given."""
    return LATENT


@pytest.fixture
def guide(comfy, lab: Lab, nets, latent: dict[str, torch.Tensor]) -> Any:
    """Calls ControlNet Guide with usual inputs, or with others in their place."""

    def call(**given: Any) -> tuple[Any, ...]:
        start = {"positive": lab.prompts[0], "negative": lab.prompts[1], "control_net": nets[0], "latent": latent}
        return comfy.call("SteerControlNetGuide", **GUIDE | start | given)

    return call


@pytest.fixture(scope="session")
def demo_lab(comfy_session) -> Lab:
    from steer.demo.networks import TEXT
    from steer.nodes.demo.comfy_model import load_model

    return Lab(load_model(), TEXT["hidden_size"])
