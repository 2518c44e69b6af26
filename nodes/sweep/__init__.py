"""Sweeps: many pictures that differ in what was meant to differ, side by side.

- sweep_, graph_, axis_, axes_, find_, pick_, load_, sheet_ and difference_nodes.py   the nodes
- choices.py    names and limits that the nodes show

plan/           what a sweep makes
- values.py         the text of a Value Axis -> an axis
- inputs.py         what is connected to a Sweep, and the graph around it
- cells.py          axes -> cells: settings, order, batches
- cell_key.py       the key of a cell: a hash of all that makes its picture; origin.py: is it true of these models
- cell_widget.py    what the widget `cell` asks for
- freeze.py         prompt and workflow set to one cell, as each picture carries them
- comfy_plan.py     all of it: inputs and axes -> a SweepPlan; comfy_model_files.py: names and files of ComfyUI
- files.py          the text of an Image Axis -> an axis; comfy_files.py reads its files

graph/          the same for any graph
- prompts.py        the API prompt: Sweep Values in it, what feeds what, the prompt of one cell
- targets.py        what widgets take; comfy_targets.py reads it from ComfyUI's nodes
- values.py         an axis -> the literals of its targets
- order.py          in which order the axes cost least
- plan.py           all of it: a GraphPlan; seeds.py: seeds that the frontend changes after each Run
- requests.py       what the widget `cell` asks for
- chain.py          a sweep under way, job after job; comfy_queue.py: ComfyUI's queue
- expand.py         nodes that are added to a run: to bring the axes, to make one cell
- keeping.py, freezing.py   pictures saved, workflows set to a cell
- comfy_graph.py, comfy_run.py   what the nodes do

run/            making it
- comfy_run.py      the whole sweep, several cells or one
- runner.py         cell after cell: made, saved, recorded
- comfy_pictures.py pictures by ComfyUI's own sampling, encoding and decoding

folder/         what is on the disk
- saving.py         folders, file names and PNG files; each cell saved and recorded
- manifest.py       what the folder holds: grids, finished cells, errors; changes.py: has it changed
- selection.py      cells chosen by their labels, pictures read
- viewer.py         index.html (viewer.html: the page without its data)

sheet/          what is shown
- layout.py         where pictures, headers and captions of a sheet go, and its drawing
- folder_sheet.py   the sheet of a folder, one picture in memory at a time
- labels.py, pictures.py, difference.py   labels and pictures of any kind; what changed between two
"""
