"""The Python of a sandbox that is there before it is needed.

Starting Python takes many times longer than forking one that runs. So one
Python per sandbox (`python3 -u -`) is given this text, imports what most
programs import, and forks a worker for each program and interpreter context.

It serves the packet socket it has as descriptor 3:

    b"fork 1"   a worker whose output and errors are one pipe
    b"fork 2"   a worker with a pipe for each
    b"stay"     become the worker itself, with the pipes that are there

and answers with `{"worker": pid}` and the descriptors (the worker's socket,
then the read ends of its pipes), or with `{"errno": number}`.

A worker is forked twice, so that it becomes a child of the sandbox's first
process, which reaps it and ends it like any command. It then waits on its
socket for its order. A message there is a length of four bytes, big-endian,
and JSON. Nothing the engine is told here is more than the word of the
sandbox's own user: the engine checks and bounds all of it.
"""

import _socket as socket  # socket's enumerations cost half a megabyte
import array
import atexit
import builtins
import errno
import fcntl
import gc
import io
import json
import os
import select
import signal
import site
import struct
import sys
import types

CONTROL = 3
# The variable by which the sandbox's first process tells whose a process is.
MARKER = "PITLANE_COMMAND"
# Beyond what programs use; below the limit of open files.
WORKER_SOCKET = 700
PIPE_SIZE = 1 << 20
# The engine takes no longer ones.
LONGEST_NAME = 256
LONGEST_VALUE = 4 << 10
LONGEST_TRACEBACK = 16 << 10

# What Python had loaded by itself; these a program cannot replace.
AT_START = frozenset(sys.modules)

# What most programs import, as long as it costs little memory.
USUAL = (
    "collections",
    "contextlib",
    "datetime",
    "functools",
    "itertools",
    "math",
    "random",
    "re",
    "threading",
    "time",
)


class Channel:
    """Messages over a worker's socket."""

    def __init__(self, descriptor):
        self._socket = socket.socket(fileno=descriptor)

    def receive(self):
        """The next message; None when the engine has gone away."""
        head = self._exactly(4)
        body = head and self._exactly(struct.unpack(">I", head)[0])
        return body and json.loads(body.decode())

    def send(self, message):
        """Sends, whatever becomes of it: who reads knows when nothing comes."""
        body = json.dumps(message).encode()
        try:
            self._socket.sendall(struct.pack(">I", len(body)) + body)
        except OSError:
            pass

    def close(self):
        self._socket.close()

    def _exactly(self, length):
        parts = []
        while length:
            part = self._socket.recv(min(length, 1 << 20))
            if not part:
                return None
            parts.append(part)
            length -= len(part)
        return b"".join(parts)


# ---- the zygote ----


def preload():
    """Imports the usual modules, and keeps what is there from being copied."""
    for name in USUAL:
        try:
            __import__(name)
        except ImportError:
            pass
    gc.collect()
    gc.freeze()


def serve():
    """Answers requests; returns a descriptor where this has become a worker."""
    control = socket.socket(fileno=CONTROL)
    # What interrupts a program must not end what the next one comes from.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Someone who waits already gets a worker first.
    loaded = bool(select.select([control], [], [], 0)[0])
    if not loaded:
        preload()
        control.send(b'{"ready": null}')
    while True:
        request = control.recv(64)
        if not request:
            os._exit(0)
        if request == b"stay":
            worker = stay(control)
        else:
            worker = fork(control, 2 if request == b"fork 2" else 1)
        if worker is not None:
            return worker
        if loaded:
            loaded = False
            if not select.select([control], [], [], 0.05)[0]:
                preload()


def answer(control, message, descriptors=()):
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
    control.sendmsg([json.dumps(message).encode()], rights if descriptors else [])


def stay(control):
    """Makes this very process the worker."""
    near, far = socket.socketpair()
    answer(control, {"worker": os.getpid()}, [far.fileno()])
    kept = fcntl.fcntl(near.detach(), fcntl.F_DUPFD_CLOEXEC, WORKER_SOCKET)
    far.detach()
    control.detach()
    take_standard_descriptors([], kept)
    return kept


def fork(control, pipes):
    """Forks a worker; returns None here, and the worker's socket there."""
    opened = []
    try:
        near, far = (end.detach() for end in socket.socketpair())
        opened += [near, far]
        ends = []
        for _ in range(pipes):
            ends.append(os.pipe())
            opened += ends[-1]
            grow(ends[-1][0])
        told, tell = os.pipe()
        opened += [told, tell]
        between = os.fork()
        if between == 0:
            between_zygote_and_worker(tell)
            control.detach()
            os.setsid()
            kept = fcntl.fcntl(near, fcntl.F_DUPFD_CLOEXEC, WORKER_SOCKET)
            take_standard_descriptors([write for _, write in ends], kept)
            return kept
        os.waitpid(between, 0)
        (worker,) = struct.unpack("i", os.read(told, 4))
        if worker < 0:
            raise OSError(-worker, os.strerror(-worker))
        answer(control, {"worker": worker}, [far] + [read for read, _ in ends])
    except (OSError, struct.error) as error:
        answer(control, {"errno": getattr(error, "errno", None) or errno.EIO})
    finally:
        # A worker has closed all of them already, and none of its own is so low.
        for descriptor in opened:
            try:
                os.close(descriptor)
            except OSError:
                pass
    return None


def between_zygote_and_worker(tell):
    """Forks on; only the worker returns."""
    try:
        worker = os.fork()
    except OSError as error:
        worker = -(error.errno or errno.EAGAIN)
    if worker:
        os.write(tell, struct.pack("i", worker))
        os._exit(0)


def grow(pipe):
    """A larger pipe means fewer wakes; past the allowance the usual size has to do."""
    try:
        fcntl.fcntl(pipe, getattr(fcntl, "F_SETPIPE_SZ", 1031), PIPE_SIZE)
    except OSError:
        pass


def take_standard_descriptors(pipes, kept):
    """Points 0 to 2 at nothing and at the pipes, and closes all below `kept`."""
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    if pipes:
        os.dup2(pipes[0], 1)
        os.dup2(pipes[-1], 2)
    os.closerange(3, kept)


# ---- a worker ----


def become(order):
    """Takes on the folder, environment and arguments of an order."""
    os.chdir(order["cwd"])
    own_marker = os.environ.get(MARKER, "")
    os.environ.clear()
    os.environ.update(order["env"])
    os.environ[MARKER] = order.get("marker", own_marker)
    if "marker" in order:
        show_marker()
    if "TZ" in os.environ:
        import time

        time.tzset()
    if os.environ.get("PYTHONDONTWRITEBYTECODE"):
        sys.dont_write_bytecode = True
    sys.argv[:] = ["-", *order.get("argv", [])]
    if hasattr(sys, "orig_argv"):
        sys.orig_argv[3:] = sys.argv[1:]
    look_for_packages()
    forget_replaced()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    main = types.ModuleType("__main__")
    main.__dict__.update(__annotations__={}, __builtins__=builtins, __loader__=__loader__)
    sys.modules["__main__"] = main
    return main


def show_marker():
    """Rewrites /proc/self/environ, by which the first process knows what an
    orphan of this worker belongs to. Without /proc it has other means."""
    try:
        with open("/proc/self/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        start, end = int(fields[47]), int(fields[48])
        marker = ("%s=%s" % (MARKER, os.environ[MARKER])).encode()
        with open("/proc/self/mem", "r+b", buffering=0) as memory:
            memory.seek(start)
            # Nothing points there any more: the variables were all set anew.
            memory.write(marker[: end - start].ljust(end - start, b"\0"))
    except (OSError, ValueError, IndexError):
        pass


def look_for_packages():
    """Adds the user's packages when they came after this Python started."""
    try:
        own = site.getusersitepackages()
        if not site.ENABLE_USER_SITE or own in sys.path or not os.path.isdir(own):
            return
        before = list(sys.path)
        site.addsitedir(own)
        added = [path for path in sys.path if path not in before]
        system = site.getsitepackages()
        at = next((n for n, path in enumerate(before) if path in system), len(before))
        sys.path[:] = before[:at] + added + before[at:]
    except OSError:
        pass


def forget_replaced():
    """A file of the working folder goes before the standard library's module of
    its name: what was imported from there is imported anew."""
    try:
        names = {name.partition(".")[0] for name in os.listdir(".")}
    except OSError:
        return
    if names.isdisjoint(sys.modules):
        return
    for name in list(sys.modules):
        top = name.partition(".")[0]
        if top in names and name not in AT_START and name != "__main__":
            del sys.modules[name]


def run_program(order, channel):
    """Runs a program as `python3 -u -` does; what it raises ends this Python."""
    main = become(order)
    main.__file__ = "<stdin>"
    main.__cached__ = None
    if "charts" in order:
        collector = types.ModuleType("pitlane_charts")
        exec(compile(order["charts"], "<charts>", "exec"), collector.__dict__)
        collector.collect(channel.send)
    else:
        channel.close()
    code = compile(order["code"].encode(errors="surrogatepass"), "<stdin>", "exec", dont_inherit=True)
    # Nothing of the order stays in memory.
    order.clear()
    return code, main.__dict__


def end_early():
    """Ends a program that came to its end, the way Python does, but for taking
    apart what it shares with the zygote: that takes as long as all the rest.

    Where native code was loaded Python ends in its own way, because that may
    have something to do at the end of the process."""
    own = [name for name in sys.modules if name not in AT_FORK]
    for name in own:
        origin = getattr(getattr(sys.modules[name], "__spec__", None), "origin", None)
        if isinstance(origin, str) and origin.endswith(".so"):
            return
    threading = sys.modules.get("threading")
    if threading is not None:
        threading._shutdown()
    atexit._run_exitfuncs()
    # Files that are part of a cycle may be closed from the inside out.
    flush_files()
    for name in ["__main__", *reversed(own)]:
        sys.modules.pop(name, None)
    gc.collect()
    flush_files()
    os._exit(0)


def flush_files():
    for file in gc.get_objects():
        if isinstance(file, io.IOBase):
            try:
                file.flush()
            except Exception:
                pass


def describe(error):
    """An exception as the interpreter's clients are told it: only the frames of
    their own code, which is known as <stdin>."""
    name = type(error).__name__
    try:
        value = str(error)
    except Exception:
        value = "<unprintable %s object>" % name
    import traceback

    lines = ["Traceback (most recent call last):\n"]
    for frame in traceback.extract_tb(error.__traceback__):
        if frame.filename == "<string>":
            lines.append('  File "<stdin>", line %s\n' % frame.lineno)
            if frame.line:
                lines.append("    %s\n" % frame.line)
    if len(lines) == 1:
        lines.clear()
    last = "%s: %s\n" % (name, value[:LONGEST_VALUE])
    text = "".join(lines)
    if len(text) > LONGEST_TRACEBACK:
        text = text[: LONGEST_TRACEBACK // 2] + "\n  ...\n" + text[-LONGEST_TRACEBACK // 2 :]
    return {"name": name[:LONGEST_NAME], "value": value[:LONGEST_VALUE], "traceback": text + last}


class Cells:
    """The pieces of code of one interpreter context, run one after the other."""

    def __init__(self, main):
        self._scope = main.__dict__
        self._pid = os.getpid()
        self._runs = False
        signal.signal(signal.SIGINT, self._interrupt)

    def _interrupt(self, _signal, _frame):
        # One that comes too late for its cell must not end the context.
        if self._runs:
            raise KeyboardInterrupt

    def run(self, cell):
        envs = cell.get("envs") or {}
        before = {name: os.environ.get(name) for name in envs}
        outcome = {}
        try:
            try:
                os.environ.update(envs)
                self._runs = True
                exec(compile(cell["code"], "<string>", "exec", dont_inherit=True), self._scope)
            finally:
                self._runs = False
        except SystemExit:
            pass
        except KeyboardInterrupt:
            outcome = {"interrupted": True}
        except BaseException as error:
            outcome = {"error": describe(error)}
        for stream in (sys.stdout, sys.stderr):
            try:
                stream.flush()
            except Exception:
                pass
        if os.getpid() != self._pid:
            # A fork that the code did not end: only its parent goes on.
            os._exit(0)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        return outcome


def interpret(order, channel):
    """Serves the cells of a context until the engine closes it."""
    try:
        cells = Cells(become(order))
    except OSError as error:
        channel.send({"errno": error.errno or errno.EIO})
        return
    channel.send({"ready": None})
    order.clear()
    while True:
        cell = channel.receive()
        if cell is None:
            return
        channel.send(cells.run(cell))


def report(error):
    """Says what ended a program, as Python does, without the frames it does not
    know of. Outside any `except`, so that nothing seems to come of it."""
    hook = sys.excepthook
    try:
        hook(type(error), error, error.__traceback__)
        return
    except SystemExit:
        raise
    except BaseException as second:
        worse = second.with_traceback(second.__traceback__.tb_next)
    sys.stderr.write("Error in sys.excepthook:\n")
    sys.__excepthook__(type(worse), worse, worse.__traceback__)
    sys.stderr.write("\nOriginal exception was:\n")
    sys.__excepthook__(type(error), error, error.__traceback__)


channel = Channel(serve())
order = channel.receive()
if order is not None and "code" in order:
    # Here and not in a function, so that the program's own frames come next.
    failure = None
    try:
        code, scope = run_program(order, channel)
        AT_FORK = frozenset(sys.modules)
        exec(code, scope)
    except SystemExit:
        raise
    except BaseException as error:
        frames = error.__traceback__.tb_next
        if frames is not None and frames.tb_frame.f_globals is globals():
            # It did not come so far as to run.
            frames = None
        failure = error.with_traceback(frames)
    if failure is not None:
        report(failure)
        sys.excepthook = lambda *_: None
        raise failure
    del code, scope
    end_early()
elif order is not None:
    interpret(order, channel)
