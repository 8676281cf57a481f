//! Programs whose every byte is known beforehand.

use model::LogStream;

/// A program, and what it writes.
#[derive(Clone, Debug)]
pub struct Program {
    pub name: &'static str,
    pub text: &'static str,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    pub code: i32,
}

impl Program {
    fn new(name: &'static str, text: &'static str, stdout: Vec<u8>, code: i32) -> Self {
        Self {
            name,
            text,
            stdout,
            stderr: Vec::new(),
            code,
        }
    }

    pub fn wrote(&self, stream: LogStream) -> &[u8] {
        match stream {
            LogStream::Stdout => &self.stdout,
            LogStream::Stderr => &self.stderr,
        }
    }
}

fn lines(count: usize) -> Vec<u8> {
    (0..count)
        .flat_map(|i| format!("line {i}\n").into_bytes())
        .collect()
}

/// Lines with pauses between, so that faults meet the middle of it.
pub fn ascii() -> Program {
    let text = "import sys, time\nfor i in range(3000):\n    print('line', i)\n    if i % 150 == 0: time.sleep(0.02)\nsys.exit(3)\n";
    Program::new("ascii lines", text, lines(3000), 3)
}

/// One that takes its time, so that it is stopped, cut and killed in the middle.
pub fn slow() -> Program {
    let text = "import time\nfor i in range(400):\n    print('line', i)\n    time.sleep(0.02)\n";
    Program::new("slow lines", text, lines(400), 0)
}

/// Two streams, turn by turn.
pub fn both_streams() -> Program {
    let text = "import sys, time\nfor i in range(1500):\n    print('line', i)\n    print('line', i, file=sys.stderr)\n    if i % 100 == 0: time.sleep(0.02)\nsys.exit(4)\n";
    Program {
        stderr: lines(1500),
        ..Program::new("both streams", text, lines(1500), 4)
    }
}

/// More than any of the tests keeps in memory.
pub fn longer_than_the_ring() -> Program {
    let text = "import os, time\nfor i in range(1000):\n    os.write(1, (b'%08d' % i + b'.' * 2991 + b'\\n'))\n    if i % 50 == 0: time.sleep(0.01)\n";
    let mut stdout = Vec::new();
    for i in 0..1000 {
        stdout.extend(format!("{i:08}").into_bytes());
        stdout.extend([b'.'; 2991]);
        stdout.push(b'\n');
    }
    Program::new("longer than the ring", text, stdout, 0)
}

/// The one of this name, with hyphens for spaces.
pub fn named(name: &str) -> Option<Program> {
    let name = name.replace('-', " ");
    all()
        .into_iter()
        .chain([slow()])
        .find(|program| program.name == name)
}

/// Every kind.
pub fn all() -> Vec<Program> {
    vec![
        ascii(),
        Program::new(
            "no line break",
            "import os, time\nfor i in range(60):\n    os.write(1, b'x' * 1000)\n    time.sleep(0.005)\nos._exit(5)\n",
            vec![b'x'; 60_000],
            5,
        ),
        Program::new(
            "not UTF-8",
            "import os, time\nfor i in range(40):\n    os.write(1, bytes(range(256)) * 20)\n    time.sleep(0.01)\n",
            (0..=255_u8).cycle().take(256 * 20 * 40).collect(),
            0,
        ),
        Program::new(
            "markers inside",
            "import os, time\nfor i in range(300):\n    os.write(1, b'\\x01\\x01\\x01out\\x02\\x02\\x02\\n\\x01\\x01')\n    if i % 30 == 0: time.sleep(0.02)\nos._exit(6)\n",
            b"\x01\x01\x01out\x02\x02\x02\n\x01\x01".repeat(300),
            6,
        ),
        Program::new(
            "a hundred thousand lines",
            "import os\nfor k in range(100):\n    os.write(1, ''.join('line %d\\n' % i for i in range(k * 1000, k * 1000 + 1000)).encode())\n",
            lines(100_000),
            0,
        ),
        both_streams(),
        longer_than_the_ring(),
        Program::new("nothing at all", "raise SystemExit(9)\n", Vec::new(), 9),
    ]
}
