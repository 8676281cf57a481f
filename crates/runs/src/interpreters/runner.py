"""Runs one cell in the scope of its interpreter, and reports what came of it.

Given are `given` (the code, the mark that reports begin with, the file that
says that a cell runs) and `scope`, the variables of the interpreter. Nothing of
this is left in that scope.
"""

import ast
import base64
import builtins
import io
import json
import linecache
import os
import sys
import traceback

# Beyond these a value is cut short, or left out where a part is of no use.
LONGEST_TEXT = 256 << 10
LONGEST_DATA = 4 << 20
LONGEST_TRACEBACK = 64 << 10
MOST_CHARTS = 20
DOTS_PER_INCH = 100
# CO_COROUTINE: the cell awaits something.
COROUTINE = 0x80

# What objects that know how to be shown are asked for.
RICH = (
    ("text/html", "_repr_html_"),
    ("text/markdown", "_repr_markdown_"),
    ("text/latex", "_repr_latex_"),
    ("image/svg+xml", "_repr_svg_"),
    ("image/png", "_repr_png_"),
    ("image/jpeg", "_repr_jpeg_"),
    ("application/json", "_repr_json_"),
)

OUT = sys.__stdout__


def report(**what):
    """Writes a report behind everything that was printed until now."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass
    OUT.write("\x1e%s%s\x1e\n" % (given["mark"], json.dumps(what)))
    OUT.flush()


def shortened(text, most):
    return text if len(text) <= most else text[: most // 2] + "\n...\n" + text[-most // 2 :]


def shown(value):
    """A value by its media types."""
    try:
        data = {"text/plain": shortened(repr(value), LONGEST_TEXT)}
    except Exception as error:
        data = {"text/plain": "<%s: repr failed: %s>" % (type(value).__name__, type(error).__name__)}
    if isinstance(value, type):
        return data
    for kind, method in RICH:
        try:
            part = getattr(value, method)()
            if isinstance(part, tuple):
                part = part[0]
            if isinstance(part, bytes):
                part = base64.b64encode(part).decode()
            elif part is not None and not isinstance(part, str):
                part = json.dumps(part)
        except Exception:
            continue
        if part is not None and len(part) <= LONGEST_DATA:
            data[kind] = part
    return data


def report_charts():
    """Reports the open figures of matplotlib, and closes them."""
    pyplot = sys.modules.get("matplotlib.pyplot")
    if pyplot is None:
        return
    for number in list(pyplot.get_fignums())[:MOST_CHARTS]:
        figure = pyplot.figure(number)
        picture = io.BytesIO()
        figure.savefig(picture, format="png", bbox_inches="tight", dpi=DOTS_PER_INCH)
        png = base64.b64encode(picture.getvalue()).decode()
        axes = figure.axes[0] if figure.axes else None
        chart = {"png": png if len(png) <= LONGEST_DATA else ""}
        if axes is not None:
            chart.update(title=axes.get_title(), x_label=axes.get_xlabel(), y_label=axes.get_ylabel())
        whole = getattr(figure, "_suptitle", None)
        if whole is not None:
            chart["title"] = whole.get_text()
        report(chart=chart)
    pyplot.close("all")


def described(error):
    """An exception, with the frames of cells and what they called alone."""
    frames = error.__traceback__
    while frames is not None and not frames.tb_frame.f_code.co_filename.startswith("<cell "):
        frames = frames.tb_next
    try:
        value = str(error)
    except Exception:
        value = "<unprintable %s object>" % type(error).__name__
    lines = traceback.format_exception(type(error), error, frames)
    return {
        "name": type(error).__name__,
        "value": shortened(value, LONGEST_TRACEBACK),
        "traceback": shortened("".join(lines), LONGEST_TRACEBACK),
    }


def evaluated(tree, name, mode):
    """Runs a tree; a cell may await at its top level."""
    code = compile(tree, name, mode, ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, True)
    value = eval(code, scope)
    if code.co_flags & COROUTINE:
        import asyncio

        value = asyncio.run(value)
    return value


def run():
    count = builtins.__dict__.get("__pitlane_cells__", 0) + 1
    builtins.__dict__["__pitlane_cells__"] = count
    name = "<cell %d>" % count
    code = given["code"]
    report(cells=count)
    try:
        with open(given["running"], "w") as file:
            file.write(str(os.getpid()))
    except OSError:
        # It cannot be interrupted then; its time ends it all the same.
        pass
    try:
        linecache.cache[name] = (len(code), None, code.splitlines(True), name)
        tree = ast.parse(code, name)
        last = None
        if tree.body and isinstance(tree.body[-1], ast.Expr):
            last = ast.Expression(tree.body.pop().value)
        evaluated(tree, name, "exec")
        value = None if last is None else evaluated(last, name, "eval")
        if value is not None:
            scope["_"] = value
            if not code.rstrip().endswith(";"):
                report(result=shown(value))
        report_charts()
    except SystemExit:
        pass
    except KeyboardInterrupt:
        report(interrupted=None)
    except BaseException as error:
        report(exception=described(error))
    finally:
        try:
            os.unlink(given["running"])
        except OSError:
            pass


run()
