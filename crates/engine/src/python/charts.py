"""Collects the charts a program shows with matplotlib.

Given to a worker whose program mentions matplotlib. `collect` has each figure
sent, as data in Daytona's shape and as a picture, when `pyplot.show` is called,
and those that were never shown when the program ends.
"""

import atexit
import base64
import importlib.abc
import importlib.util
import io
import math
import sys

# Beyond these a chart is cut short; its picture still shows all of it.
MOST_ELEMENTS = 200
MOST_POINTS = 5000
MOST_TICKS = 200
LONGEST_TEXT = 1000
DOTS_PER_INCH = 100


def collect(send):
    """Watches for the import of pyplot."""
    sys.meta_path.insert(0, Finder(send))


class Finder(importlib.abc.MetaPathFinder):
    """Finds pyplot where it is, and has it changed once it is loaded."""

    def __init__(self, send):
        self._send = send

    def find_spec(self, name, path=None, target=None):
        if name != "matplotlib.pyplot":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader = Loader(spec.loader, self._send)
        return spec


class Loader(importlib.abc.Loader):
    """Loads pyplot as another loader does, then wraps its `show`."""

    def __init__(self, loader, send):
        self._loader = loader
        self._send = send

    def __getattr__(self, name):
        return getattr(self._loader, name)

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        self._loader.exec_module(module)
        wrap(module, self._send)


def wrap(pyplot, send):
    shown = pyplot.show

    def deliver():
        for number in pyplot.get_fignums():
            try:
                chart = describe_figure(pyplot.figure(number))
            except Exception as error:
                # The program is right; its chart is one that we cannot read.
                chart = {"type": "unknown", "title": "This chart could not be read: %s" % error}
            send(chart)
        pyplot.close("all")

    def show(*args, **kwargs):
        result = shown(*args, **kwargs)
        deliver()
        return result

    show.__doc__ = shown.__doc__
    pyplot.show = show
    atexit.register(deliver)


def describe_figure(figure):
    png = io.BytesIO()
    figure.savefig(png, format="png", bbox_inches="tight", dpi=DOTS_PER_INCH)
    charts = [describe_axes(axes) for axes in figure.axes if has_content(axes)]
    if len(charts) == 1:
        chart = charts[0]
    elif charts:
        title = figure._suptitle.get_text() if getattr(figure, "_suptitle", None) else ""
        chart = {"type": "composite_chart", "title": text(title), "elements": charts}
    else:
        chart = {"type": "unknown", "elements": []}
    chart["png"] = base64.b64encode(png.getvalue()).decode()
    return chart


def has_content(axes):
    """Neither the empty place of a subplot nor the scale of a colour map."""
    is_scale = axes.get_label() == "<colorbar>"
    return axes.has_data() and not is_scale


def describe_axes(axes):
    kind = kind_of(axes)
    chart = {
        "type": kind,
        "title": text(axes.get_title()),
        "x_label": text(axes.get_xlabel()),
        "y_label": text(axes.get_ylabel()),
    }
    for name, axis, scale in (("x", axes.xaxis, axes.get_xscale()), ("y", axes.yaxis, axes.get_yscale())):
        ticks = list(axis.get_ticklocs())[:MOST_TICKS]
        labels = [text(label.get_text()) for label in axis.get_ticklabels()][:MOST_TICKS]
        chart[name + "_ticks"] = numbers(ticks)
        chart[name + "_tick_labels"] = labels
        chart[name + "_scale"] = scale_of(axis, scale, ticks, labels)
    elements = {
        "line": lines,
        "scatter": clouds,
        "bar": bars,
        "pie": slices,
        "box_and_whisker": boxes,
    }.get(kind)
    chart["elements"] = elements(axes)[:MOST_ELEMENTS] if elements else []
    if kind in ("bar", "box_and_whisker") and lies(axes):
        # The labels belong to what the elements say, whichever way they lie.
        chart["x_label"], chart["y_label"] = chart["y_label"], chart["x_label"]
    return chart


def kind_of(axes):
    from matplotlib import collections, lines as line, patches

    wedges = [patch for patch in axes.patches if isinstance(patch, patches.Wedge)]
    curves = [each for each in axes.lines if not is_guide(each)]
    clouds_ = [each for each in axes.collections if isinstance(each, collections.PathCollection)]
    others = [each for each in axes.collections if each not in clouds_]
    if wedges:
        return "pie"
    if any(type(each).__name__ == "BarContainer" for each in axes.containers) and not curves:
        return "bar"
    if is_box_plot(axes, line):
        return "box_and_whisker"
    if curves and not axes.patches and not clouds_ and not others:
        return "line"
    if clouds_ and not curves and not others:
        return "scatter"
    return "unknown"


def is_guide(line):
    """A line across the whole chart, drawn to read it by."""
    xs, ys = line.get_xdata(orig=True), line.get_ydata(orig=True)
    return line.get_transform() != line.axes.transData and len(xs) == len(ys) == 2


def scale_of(axis, scale, ticks, labels):
    from matplotlib import category, dates

    if isinstance(axis.get_major_formatter(), (dates.DateFormatter, dates.AutoDateFormatter, dates.ConciseDateFormatter)):
        return "datetime"
    named = isinstance(axis.get_major_formatter(), category.StrCategoryFormatter)
    counted = list(ticks) == list(range(len(ticks))) and labels and labels != [str(n) for n in range(len(labels))]
    if scale == "linear" and (named or (counted and any(labels))):
        return "categorical"
    return scale


# ---- the kinds ----


def lines(axes):
    return [
        {"label": text(line.get_label()), "points": points(line.get_xdata(orig=False), line.get_ydata(orig=False))}
        for line in axes.lines
        if not is_guide(line)
    ]


def clouds(axes):
    return [
        {"label": text(cloud.get_label()), "points": points(*zip(*cloud.get_offsets()))}
        for cloud in axes.collections
        if len(cloud.get_offsets())
    ]


def lies(axes):
    """Whether bars or boxes lie instead of standing."""
    for container in axes.containers:
        orientation = getattr(container, "orientation", None)
        if orientation:
            return orientation == "horizontal"
    found = box_lines(axes)
    return bool(found) and found[0]["lies"]


def bars(axes):
    axis = axes.yaxis if lies(axes) else axes.xaxis
    places = dict(zip(numbers(axis.get_ticklocs()), (label.get_text() for label in axis.get_ticklabels())))
    found = []
    for container in axes.containers:
        for bar in getattr(container, "patches", ()):
            if lies(axes):
                middle, value = bar.get_y() + bar.get_height() / 2, bar.get_width()
            else:
                middle, value = bar.get_x() + bar.get_width() / 2, bar.get_height()
            found.append(
                {
                    "label": text(nearest(places, middle)),
                    "group": text(container.get_label()),
                    "value": "%g" % value,
                }
            )
    return found


def nearest(places, middle):
    """What stands at the tick a bar belongs to; its place, where none does."""
    if places:
        tick = min(places, key=lambda place: abs(place - middle))
        if places[tick] and abs(tick - middle) < 0.5:
            return places[tick]
    return "%g" % middle


def slices(axes):
    from matplotlib import patches

    wedges = [patch for patch in axes.patches if isinstance(patch, patches.Wedge)]
    labels = [wedge.get_label() for wedge in wedges]
    return [
        {"label": text("" if label.startswith("_") else label), "angle": number(abs(wedge.theta2 - wedge.theta1)), "radius": number(wedge.r)}
        for wedge, label in zip(wedges, labels)
    ]


def is_box_plot(axes, line):
    return bool(box_lines(axes))


def box_lines(axes):
    """The boxes of a box plot: closed outlines of five points or more, with the
    lines that belong to each."""
    from matplotlib import patches

    outlines = [patch.get_path().vertices for patch in axes.patches if isinstance(patch, patches.PathPatch)]
    outlines += [list(zip(line.get_xdata(), line.get_ydata())) for line in axes.lines if is_outline(line)]
    rest = [line for line in axes.lines if not is_outline(line)]
    found = []
    for outline in outlines:
        xs, ys = [float(x) for x, _ in outline], [float(y) for _, y in outline]
        box = {"x": (min(xs), max(xs)), "y": (min(ys), max(ys)), "lines": rest}
        found.append(box)
    if not found or not rest:
        return []
    # Boxes of one plot are equally wide, and their whiskers leave at the middle.
    for box in found:
        box["lies"] = whiskers_lie(box)
    return found


def is_outline(line):
    xs, ys = list(line.get_xdata()), list(line.get_ydata())
    return len(xs) >= 5 and xs[0] == xs[-1] and ys[0] == ys[-1]


def whiskers_lie(box):
    (left, right), (low, high) = box["x"], box["y"]
    for line in box["lines"]:
        xs, ys = list(line.get_xdata()), list(line.get_ydata())
        if len(xs) != 2:
            continue
        if xs[0] == xs[1] and left < xs[0] < right and {low, high} & set(ys):
            return False
        if ys[0] == ys[1] and low < ys[0] < high and {left, right} & set(xs):
            return True
    return False


def boxes(axes):
    found = box_lines(axes)
    axis = axes.yaxis if lies(axes) else axes.xaxis
    places = dict(zip(numbers(axis.get_ticklocs()), (label.get_text() for label in axis.get_ticklabels())))
    return [describe_box(box, places) for box in found]


def describe_box(box, places):
    across, along = ("y", "x") if box["lies"] else ("x", "y")
    (start, end), (first, third) = box[across], box[along]
    middle = (start + end) / 2
    low, high, median, outliers = first, third, None, []
    for line in box["lines"]:
        sides = {"x": numbers(line.get_xdata()), "y": numbers(line.get_ydata())}
        at, values = sides[across], sides[along]
        if not at or len(at) != len(values) or not all(start <= place <= end for place in at):
            continue
        if line.get_linestyle() in ("None", "", " "):
            outliers += values
        elif len(values) == 2 and at[0] == at[1]:
            low, high = min(low, *values), max(high, *values)
        elif len(values) == 2 and values[0] == values[1] and first <= values[0] <= third and at[0] != at[1]:
            if median is None or abs(at[1] - at[0]) >= (end - start) * 0.9:
                median = values[0]
    return {
        "label": text(nearest(places, middle)),
        "min": number(low),
        "first_quartile": number(first),
        "median": number(median) if median is not None else None,
        "third_quartile": number(third),
        "max": number(high),
        "outliers": [value for value in outliers if not low <= value <= high][:MOST_POINTS],
    }


# ---- values ----


def text(value):
    return str(value or "")[:LONGEST_TEXT]


def number(value):
    """A finite number, 0 for anything else: JSON has no other."""
    try:
        value = float(value)
    except (TypeError, ValueError):
        return 0.0
    return value if math.isfinite(value) else 0.0


def numbers(values):
    return [number(value) for value in values]


def points(xs, ys):
    """Pairs of finite numbers; dates are days since 1970, as matplotlib counts."""
    pairs = []
    for x, y in zip(xs, ys):
        try:
            x, y = float(x), float(y)
        except (TypeError, ValueError):
            continue
        if math.isfinite(x) and math.isfinite(y):
            pairs.append([x, y])
        if len(pairs) == MOST_POINTS:
            break
    return pairs
