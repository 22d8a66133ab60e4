"""The live views of the generator, driven through their whole range."""

import json

import pandas as pd

from gensar_lite.view.widgets import BeamStepper

PLOTLY = "application/vnd.plotly.v1+json"


class Model:
    """Answers that tell what was asked; counts the questions."""

    def __init__(self):
        self.asked = []

    def trace(self, beams, constrained):
        self.asked.append((beams, constrained))
        rows = [
            (step, place, 0, f"<M{step}_{place}>", f"<M{step}_{place}>", -1.0, 0.1, place < beams, int(constrained))
            for step in (1, 2, 3)
            for place in range(beams + 2)
        ]
        columns = ["step", "place", "parent", "prefix", "token", "log_prob", "probability", "kept", "items"]
        return pd.DataFrame(rows, columns=columns)


def shown(widget):
    """(figure, HTML below it)."""
    figure, below = (output["data"] for output in widget.below.outputs)
    json.dumps(figure)
    return figure[PLOTLY], below["text/html"]


def test_the_beam_is_stepped_through():
    widget = BeamStepper(Model().trace, widths=(2, 5), beams=2)
    assert (widget.step.min, widget.step.max, widget.step.value) == (1, 3, 3)
    for step in (1, 2, 3):
        widget.step.value = step
        figure, below = shown(widget)
        kept = [trace for trace in figure["data"] if trace.get("name") == "kept"][0]
        assert max(kept["x"]) == step
        assert f"&lt;M{step}_0&gt;" in below and f"&lt;M{step + 1}_0&gt;" not in below.split("<details>")[1]


def test_width_and_constraint_ask_for_another_beam_and_keep_the_step():
    model = Model()
    widget = BeamStepper(model.trace, widths=(2, 5), beams=2)
    widget.step.value = 2
    widget.beams.value = 5
    widget.constrained.value = False
    assert model.asked == [(2, True), (5, True), (5, False)]
    assert widget.step.value == 2
    names = [trace.get("name") for trace in shown(widget)[0]["data"]]
    assert "kept, but no item has it" in names and "kept" not in names


def test_every_control_has_a_label():
    for control in BeamStepper(Model().trace, widths=(2, 5), beams=2).children[:3]:
        assert control.description
