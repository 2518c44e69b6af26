"""Workflows of a second, cut out of the bundled ones."""

from __future__ import annotations

import json
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "workflows"


def edges_only(folder: Path) -> Path:
    """Slide 8 without its sampling: the picture and its edges, a workflow that takes a second."""
    graph = json.loads((FOLDER / "08-canny-same-face-angle.json").read_text(encoding="utf-8"))
    kinds = ("SteerDemoPicture", "EmptyLatentImage", "SteerCanny", "MarkdownNote")
    kept = [n for n in graph["nodes"] if n["type"] in kinds]
    canny = next(n for n in kept if n["type"] == "SteerCanny")
    saved = next(n for n in graph["nodes"] if n["type"] == "SaveImage") | {"title": "Edges"}
    saved["widgets_values"] = ["steer/08-canny-edges"]
    kept.append(saved)
    for link in graph["links"]:
        if link[3] == saved["id"]:  # the edges in the place of the sheet
            link[1:3] = [canny["id"], 0]
            canny["outputs"][0]["links"].append(link[0])
    ids = {node["id"] for node in kept}
    links = [link for link in graph["links"] if {link[1], link[3]} <= ids]
    for out in (out for node in kept for out in node["outputs"]):
        out["links"] = [n for n in out["links"] or [] if n in {link[0] for link in links}]
    path = folder / "edges.json"
    del graph["definitions"]
    path.write_text(json.dumps(graph | {"nodes": kept, "links": links, "groups": []}), encoding="utf-8")
    return path
